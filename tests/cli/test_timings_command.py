"""`dagscope timings`: why a task took as long as it did, with and without a server."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope_here
from tests.doors import AppDoor, Serve
from tests.projects import raw, write_project

SLEEPS = "import time\n\n\ndef execute(context):\n    time.sleep({seconds})\n"
PROFILE = """\
name: p
connection: duck
models:
  stages:
    - name: s
      models:
        - {name: first, materialization: raw}
        - {name: second, materialization: raw, raw_upstreams: [s.first]}
        - {name: third, materialization: raw}
"""

TIMINGS = """\
monday: N, of which the assets took N; critical path, N of it waiting for a worker:
asset     queue  executing  testing
s.first   N      N    N
s.second  N      N    N
if s.second took half of its time, the task would take N instead of N
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one task, in which s.second takes the longest."""
    files = {raw("s.first"): SLEEPS.format(seconds=0.01), raw("s.second"): SLEEPS.format(seconds=0.3)}
    door = AppDoor(write_project(tmp_path, {"profile.yaml": PROFILE, raw("s.third"): "def execute(c): ...", **files}))
    door.run("monday", select="s.first s.second")
    door.stop()
    return tmp_path


def test_without_a_server(project: Path) -> None:
    """The newest task is described in words, from the project's state."""
    said = dagscope_here("timings", "--project", str(project))
    lines = [re.sub(r"\d+\.\d\ds", "N", line).rstrip() for line in said.stdout.splitlines()]
    assert [line for line in lines if not line.startswith("if s.first")] == TIMINGS.splitlines()
    said = dagscope_here("timings", "monday", "--asset", "s.first", "--percent", "0", "--project", str(project))
    assert said.stdout.splitlines()[-1].startswith("if s.first took 0 % of its time, the task would take ")


def test_with_a_server(project: Path, serve: Serve) -> None:
    """A project that is being served is asked through its server: the answer is the same."""
    server = serve(project)
    said = dagscope_here("timings", "--json", "--project", str(project))
    assert json.loads(said.stdout) == server.get("/api/dag/timings/monday").json()


def test_what_has_no_timings(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An unknown task and a project that never ran are said in a line."""
    said = dagscope_here("timings", "tuesday", "--project", str(project))
    assert (said.exit_code, said.stderr) == (
        2,
        "Task not found: no task has this id; GET /api/dag/tasks lists all tasks\n",
    )
    fresh = write_project(tmp_path_factory.mktemp("fresh"), {})
    said = dagscope_here("timings", "--project", str(fresh))
    assert (said.exit_code, said.stderr) == (2, f"{fresh} has no state; nothing was ever run there\n")
