"""`dagscope lineage`."""

import json
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope_here
from tests.doors import AppDoor, Serve
from tests.projects import model, raw, write_project

FILES = {
    model("s.days"): "SELECT 1 AS day, 'a' AS item UNION ALL SELECT 2, 'b'",
    model("s.sums"): 'SELECT day, count(item) AS "n\x1b", 1 AS one FROM {{ Ref("s.days") }} GROUP BY day',
    model("s.last"): 'SELECT day + 1 AS next FROM {{ Ref("s.sums") }}',
    raw("s.raw"): "def execute(context):\n    return {}\n",
}
COLUMNS = """\
s.sums (assets/models/s/sums.sql)
  day  from s.days.day
  n\\x1b   from s.days.item: it is aggregated: COUNT(item)
  one  it reads no column: 1
"""
WAY = """\
s.sums.day
comes from
  s.days.day  it reads no column: 1
goes to
  s.last.next  it is computed: day + 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project after a run."""
    door = AppDoor(write_project(tmp_path, FILES))
    door.run("t")
    door.stop()
    return tmp_path


def test_lineage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The origins of all columns, or the way of one, harmless for a terminal."""
    monkeypatch.chdir(folder)
    for name, printed in (("s.sums", COLUMNS), ("s.sums.DAY", WAY)):
        ended = dagscope_here("lineage", name)
        assert (ended.stdout, ended.stderr, ended.exit_code) == (printed, "", 0)


def test_lineage_of_a_served_project(folder: Path, serve: Serve) -> None:
    """A project that is being served is read by its server; the answer is the same."""
    door = serve(folder)
    printed = json.loads(dagscope_here("lineage", "s.sums", "--json", "--project", str(folder)).stdout)
    assert printed == door.get("/api/dag/asset/s.sums/lineage").json()
    assert dagscope_here("lineage", "s.sums.day", "--project", str(folder)).stdout == WAY


def test_what_has_no_lineage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown asset or column, and Python, are refused with exit code 2."""
    monkeypatch.chdir(folder)
    for name, message in (
        ("s.sum", 'there is no asset "s.sum"; did you mean "s.sums"?'),
        ("s.days.dey", '"s.days" has no such column: it has no column "dey"; did you mean "day"?'),
        ("s.raw", '"s.raw" has no query to take apart: it is a raw asset, written in Python'),
    ):
        ended = dagscope_here("lineage", name)
        assert (ended.stdout, ended.stderr, ended.exit_code) == ("", f"{message}\n", 2)
