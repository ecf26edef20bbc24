"""`dagscope compare`, with and without a server."""

import json
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope
from tests.doors import AppDoor, Serve
from tests.projects import block, model, write_project

FILES = {
    model("staging.a"): "SELECT range AS id, range % 7 AS value FROM range(100)",
    model("mart.sums"): block("tests: [{name: small}]\nprimary_key_fields: [value]")
    + 'SELECT value, count(*) AS n FROM {{ Ref("staging.a") }} GROUP BY value',
    "assets/tests/mart/small.sql": 'SELECT * FROM {{ Ref("mart.sums") }} WHERE value > 6',
}

SAID = """\
monday SUCCESS -> tuesday FAILED

mart.sums: tests failed: mart.small (1 row)
  1. staging.a: its SQL changed (+1 -1)
     it has as many rows as before, but others
     what changed and what failed both name value
     nothing else that it reads has changed by itself

staging.a: SQL +1 -1, rows 86 added, 86 removed
  @@ -1,1 +1,1 @@
  -SELECT range AS id, range % 7 AS value FROM range(100)
  +SELECT range AS id, range % 8 AS value FROM range(100)

mart.sums: SUCCESS -> FAILED, rows 1 added, 7 changed

2 assets differ, 0 assets as before
"""


ROWS = """\
monday SUCCESS -> tuesday FAILED
mart.sums: 7 changed, 1 added, compared by value
the first 3 rows of 8

         value  n
changed  0      15 -> 13
changed  1      15 -> 13
changed  2      14 -> 13
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a green task and a red one."""
    folder = write_project(tmp_path, FILES)
    door = AppDoor(folder)
    door.run("monday")
    door.stop()
    (folder / model("staging.a")).write_text(FILES[model("staging.a")].replace("% 7", "% 8"))
    door.start()
    door.run("tuesday")
    door.stop()
    return folder


@pytest.mark.server
def test_without_a_server(project: Path) -> None:
    """The newest task is compared with the last green one, for people and as JSON."""
    assert dagscope("compare", cwd=project).stdout == SAID
    said = dagscope("compare", "monday", "tuesday", "--json", cwd=project)
    assert json.loads(said.stdout)["red"][0]["causes"][0]["assetName"] == "staging.a"


@pytest.mark.server
def test_with_a_server(project: Path, serve: Serve) -> None:
    """The server of the project is asked; what it refuses is exit code 2."""
    serve(project)
    assert dagscope("compare", cwd=project).stdout == SAID
    said = dagscope("compare", "nothing", cwd=project)
    message = "Task not found: no task has the id nothing; GET /api/dag/tasks lists all tasks\n"
    assert (said.returncode, said.stderr) == (2, message)


@pytest.mark.server
def test_rows(project: Path, serve: Serve) -> None:
    """The rows that differ are listed with both values of each cell that changed, with and without a server."""
    rows = ("compare", "--rows", "mart.sums")
    assert _lines(dagscope(*rows, "--limit", "3", cwd=project).stdout) == _lines(ROWS)
    assert json.loads(dagscope(*rows, "--json", cwd=project).stdout)["matchingRecords"] == 8
    serve(project)
    assert _lines(dagscope(*rows, "--limit", "3", cwd=project).stdout) == _lines(ROWS)
    said = dagscope("compare", "--rows", "mart.nothing", cwd=project)
    message = (
        "the rows of mart.nothing cannot be compared: monday did not execute mart.nothing; "
        "tuesday did not execute mart.nothing\n"
    )
    assert (said.returncode, said.stderr) == (2, message)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.server
def test_without_tasks(tmp_path: Path) -> None:
    """A project that was never run has nothing to compare."""
    folder = write_project(tmp_path, FILES)
    said = dagscope("compare", cwd=folder)
    assert (said.returncode, said.stderr) == (2, f"{folder} has no state; nothing was ever run there\n")
