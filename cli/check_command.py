"""`dagscope check`."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import click

from dagscope.cli.exits import EXIT_USAGE, counted
from dagscope.cli.loading import loaded, resolved
from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.ground.problems import Problem
from dagscope.dag.ground.terminal_text import shown
from dagscope.dag.ground.version import VERSION


def check_project(folder: Path, as_json: bool) -> int:
    """Print problems and warnings. Returns the exit code."""
    try:
        project = loaded(folder)
        problems: Sequence[Problem] = ()
        warnings: Sequence[Problem] = project.warnings
        parts = (
            counted(len(project.assets), "asset"),
            counted(len(project.tests), "data test"),
            counted(len(project.connections), "connection"),
        )
        summary = f"{project.name}: {', '.join(parts)}: all good"
    except ProjectInvalid as error:
        problems, warnings = error.problems, ()
        summary = f"{counted(len(problems), 'problem')} in {resolved(folder)}"
    if as_json:
        found = {"problems": list(map(asdict, problems)), "warnings": list(map(asdict, warnings))}
        click.echo(json.dumps(found | {"versions": _versions()}))
    else:
        for problem in problems:
            click.echo(click.style("error: ", fg="red") + shown(str(problem)))
        for warning in warnings:
            click.echo(click.style("warning: ", fg="yellow") + shown(str(warning)))
        click.echo(shown(summary))
    return EXIT_USAGE if problems else 0


def _versions() -> dict[str, str]:
    """What a maintainer asks for first in a bug report. Reveals nothing about the project, user or environment."""
    return {
        "dagscope": VERSION,
        "python": platform.python_version(),
        "duckdb": version("duckdb"),
        "pyarrow": version("pyarrow"),
        "platform": platform.platform(),
    }
