"""`dagscope open`: shows a bundle, whoever wrote it. Nothing of it is executed (docs/bundles.md)."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from dagscope.cli.bundle_command import progress_line
from dagscope.cli.exits import counted, fail
from dagscope.cli.leaving import leave
from dagscope.cli.run_command import console_for, ending_signals_handled
from dagscope.cli.serve_command import ServeOptions, serve
from dagscope.cli.settings import read_settings
from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.ground.problems import Problem
from dagscope.dag.ground.terminal_text import shown
from dagscope.dag.project.loading import load_bundled
from dagscope.dag.project.project import Project
from dagscope.server.workspace.listeners import listener_entries
from dagscope.storage.bundle_file import BundleRefused, Manifest
from dagscope.storage.bundles import unpack


def open_bundle(file: Path, port: int, open_page: bool) -> NoReturn:
    """Check a bundle, serve it to this machine until stopped, delete what was unpacked, and exit."""
    options = ServeOptions("127.0.0.1", port, False, True, False, False, open_page)
    with _private_folder() as folder:
        manifest = _unpacked(file, folder)
        for line in _summary(file, manifest):
            click.echo(shown(line))
        project, problems = _loaded(folder, manifest)
        for problem in problems:
            click.echo(shown(str(problem)), err=True)
        serve(project, options, problems)
    leave(0, at_once=not listener_entries())


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder that only this user can read. It is deleted after the block, also if a signal ends it."""
    with ending_signals_handled(_exit):
        try:
            with tempfile.TemporaryDirectory(prefix="dagscope-bundle-", ignore_cleanup_errors=True) as folder:
                yield Path(folder).resolve()
        except OSError as error:
            fail(f"the bundle cannot be unpacked: {error}; free some space, or name another folder with TMPDIR")


def _exit(received: int, _: object) -> NoReturn:
    sys.exit(128 + received)


def _unpacked(file: Path, folder: Path) -> Manifest:
    try:
        with progress_line(console_for(sys.stderr)) as note:
            return unpack(file, folder, note)
    except BundleRefused as error:
        fail(f"{file} cannot be opened: {error}")
    except MemoryError:
        fail(f"{file} cannot be opened: it needs more memory than a bundle may; do not trust where it comes from")


def _loaded(folder: Path, manifest: Manifest) -> tuple[Project, tuple[Problem, ...]]:
    """The bundle's project; or one without assets, and the problems of the files."""
    try:
        return load_bundled(folder, read_settings({}, {}).loading_limits), ()
    except ProjectInvalid as error:
        empty = Project.without_assets(folder)
        return replace(empty, name=manifest.project, is_of_bundle=True), error.problems


def _summary(file: Path, manifest: Manifest) -> Iterator[str]:
    tasks = counted(len(manifest.tasks), "task")
    yield f"{file.name}: {tasks} of {manifest.project}, bundled at {manifest.created} by dagscope {manifest.dagscope}"
    if not manifest.has_rows:
        yield "It has no rows: they were left out"
