"""Small projects, written for one test each."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.project.loading import load_project
from dagscope.dag.project.project import Project
from tests.dag.run.task_run import MakeProject, RunProject, run_once
from tests.projects import write_project


@pytest.fixture
def make_project(tmp_path: Path) -> Iterator[MakeProject]:
    """Writes files to the test's project folder, replacing existing ones, and loads it."""
    folder = tmp_path / "project"
    with ExitStack() as loaded:

        def make(files: Mapping[str, str]) -> Project:
            loaded.close()  # an earlier state of the same project: closes its databases
            project = load_project(write_project(folder, dict(files)))
            for connection in project.connections.values():
                loaded.callback(connection.close)
            return project

        yield make


@pytest.fixture
def run_project(tmp_path: Path) -> RunProject:
    """Runs a project, or one asset of it, and returns the outcome."""
    folder = tmp_path / "frames"
    folder.mkdir()
    return partial(run_once, FrameFiles(folder))
