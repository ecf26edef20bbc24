"""Loads mutated projects and finds what went wrong."""

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.project.loading import load_project
from tests.fuzz.mutations import FILES, mutate
from tests.projects import write_project

LONGEST_S = 2.0
"""The processor time of one load."""


def faults(folder: Path, seed: int, projects: int) -> Iterator[str | None]:
    """Load mutated projects created in `folder`. Yields, for each, None or what went wrong and how to reproduce it."""
    for number in range(projects):
        project = folder / f"p{number}"
        write_project(project, FILES)
        mutate(random.Random(f"{seed} {number}"), project)
        fault = _fault(project)
        yield f"seed {seed}, project {number}: {fault}" if fault else None
        shutil.rmtree(project)


def _fault(project: Path) -> str | None:
    began_at = time.thread_time()
    try:
        load_project(project)
    except ProjectInvalid as error:
        if not error.problems or not all(problem.path and problem.message for problem in error.problems):
            return f"a problem without a path or a message: {error}"
        try:
            str(error).encode()
        except UnicodeEncodeError:
            return f"a problem that cannot be printed: {error!a}"
    except Exception as error:  # noqa: BLE001  such an error is what this looks for
        return f"{type(error).__name__}: {error}"
    took_s = time.thread_time() - began_at
    return f"took {took_s:.1f} s" if took_s > LONGEST_S else None
