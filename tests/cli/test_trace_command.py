"""`dagscope trace`."""

import json
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope_here
from tests.doors import AppDoor, Serve
from tests.projects import block, model, write_project

FILES = {
    model("s.orders"): block("primary_key_fields: [id]")
    + "SELECT * FROM (VALUES (1, 'a', 2), (2, 'a', 5), (3, E'b,\\x1b', 1)) AS o(id, item, amount)",
    model("s.sums"): block("primary_key_fields: [item]")
    + 'SELECT item, sum(amount)::INTEGER AS total FROM {{ Ref("s.orders") }} WHERE length(item) < 9 GROUP BY item',
    model("s.total"): 'SELECT sum(total) AS total FROM {{ Ref("s.sums") }}',
}
PRINTED = """\
1 row of s.sums has these values; all its values are followed.
  item  total
  a     7

comes from
  2 rows of s.orders have the same item; that is the group that was aggregated.
    not followed: LENGTH(item) < 9
    id  item  amount
    1   a     2
    … 1 more

goes to
  No column of the row is in s.total unchanged.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project after a run."""
    door = AppDoor(write_project(tmp_path, FILES))
    door.run("t")
    door.stop()
    return tmp_path


def test_trace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is named by its key or by values, and what is printed is harmless for a terminal."""
    monkeypatch.chdir(folder)
    for which in (("--key", "a"), ("--where", "total=7")):
        ended = dagscope_here("trace", "s.sums", *which, "--limit", "1")
        assert (ended.stdout, ended.stderr, ended.exit_code) == (PRINTED, "", 0)
    assert "  b,\\x1b  1\n" in dagscope_here("trace", "s.sums", "--key", '"b,\x1b"').stdout


def test_trace_of_a_served_project(folder: Path, serve: Serve) -> None:
    """A project that is being served is read by its server; the answer is the same."""
    door = serve(folder)
    printed = json.loads(dagscope_here("trace", "s.sums", "--key", "a", "--json", "--project", str(folder)).stdout)
    assert printed == door.post("/api/dag/asset/s.sums/trace", {"row": {"item": "a"}, "limit": 5}).json()


def test_what_cannot_be_traced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is not named, or not rightly, is refused with exit code 2."""
    monkeypatch.chdir(folder)
    for arguments, message in (
        (("s.sum", "--key", "a"), 'there is no asset "s.sum"; did you mean "s.sums"?'),
        (("s.sums",), "say which row: --key VALUE,... or --where COLUMN=VALUE"),
        (("s.sums", "--key", "a,b"), '--key: the key of "s.sums" is item; found 2 values'),
        (("s.total", "--key", "a"), '"s.total" has no primary key; use --where COLUMN=VALUE'),
        (("s.sums", "--where", "item"), '--where: write COLUMN=VALUE; found "item"'),
        (
            ("s.sums", "--where", "itm=a"),
            '"s.sums" has no such row: it has no column "itm"; its columns are item, total',
        ),
    ):
        ended = dagscope_here("trace", *arguments)
        assert (ended.stdout, ended.stderr, ended.exit_code) == ("", f"{message}\n", 2)
