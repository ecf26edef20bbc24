"""Loads a command's project within the limits of the settings."""

from pathlib import Path
from typing import TYPE_CHECKING

from dagscope.cli.garbage import garbage_left

if TYPE_CHECKING:
    from dagscope.dag.project.project import Project


def loaded(folder: Path) -> "Project":
    """The project in the folder. Raises `ProjectInvalid`."""
    with garbage_left():
        from dagscope.cli.settings import read_settings
        from dagscope.dag.project.loading import load_project

        return load_project(folder, read_settings({}, {}).loading_limits)


def resolved(folder: Path) -> Path:
    """The folder's full path. If it has none, returns it unchanged, and loading reports the problem."""
    try:
        return folder.resolve()
    except (OSError, RuntimeError):  # symbolic links that form a circle
        return folder
