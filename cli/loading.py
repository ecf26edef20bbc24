"""Loads a command's project within the limits of the settings."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagscope.dag.project.project import Project


def loaded(folder: Path) -> "Project":
    """The project in the folder. Raises `ProjectInvalid`."""
    from dagscope.cli.settings import read_settings
    from dagscope.dag.project.loading import load_project

    limits = read_settings({}, {}).loading_limits
    with _garbage_left():
        return load_project(folder, limits)


def resolved(folder: Path) -> Path:
    """The folder's full path. If it has none, returns it unchanged, and loading reports the problem."""
    try:
        return folder.resolve()
    except (OSError, RuntimeError):  # symbolic links that form a circle
        return folder


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Pause garbage collection: loading creates little garbage, and collecting took a third of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
