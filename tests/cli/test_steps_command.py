"""`dagscope steps`."""

import json
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope, dagscope_here
from tests.doors import Serve
from tests.projects import model, raw, write_project

LATE = """\
WITH late AS (
    SELECT * FROM {{ Ref("s.flights") }} WHERE delay > 60
)
SELECT airports.city, late.delay
FROM late
JOIN {{ Ref("s.airports") }} AS airports ON airports.code = late.code
ORDER BY late.delay, airports.city
"""
FILES = {
    model("s.flights"): "SELECT * FROM (VALUES ('JFK', 5), ('JFK', 90), ('LGA', 70)) AS f(code, delay)",
    model("s.airports"): "SELECT * FROM (VALUES ('JFK', 'NY'), ('JFK', E'N\\x1b'), ('LGA', 'NY')) AS a(code, city)",
    model("s.late"): LATE,
    model("s.broken"): "SELECT FROM WHERE",
    raw("s.raw"): "def execute(context):\n    return {}\n",
}
SHOWN = """\
s.late (assets/models/s/late.sql, connection duck)

  late
    1  line 2  3  FROM s.flights
    2  line 2  2  WHERE delay > 60
    3  line 2  2  SELECT *

result
  4  line 5  2  FROM late
  5  line 6  3  JOIN s.airports AS airports ON airports.code = late.code
  6  line 4  3  SELECT airports.city, late.delay
"""
REFUSED = 'The query of "s.broken" cannot be taken apart: '
ONE = """\
s.late (assets/models/s/late.sql, connection duck)

result
  6  line 4  3  SELECT airports.city, late.delay

city   delay
NY     70
N\\x1b  90
2 rows of 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_project(tmp_path, FILES)


@pytest.mark.server
def test_steps(folder: Path) -> None:
    """The steps of a query with their places and rows; the rows of one step, harmless for a terminal."""
    assert dagscope("run", "--select", "s.flights s.airports", cwd=folder).returncode == 0
    ended = dagscope("steps", "s.late", cwd=folder)
    assert (ended.stdout, ended.stderr, ended.returncode) == (SHOWN, "", 0)
    one = dagscope("steps", "s.late", "--step", "6", "--limit", "2", cwd=folder).stdout
    assert one == ONE


def test_steps_of_a_served_project(folder: Path, serve: Serve) -> None:
    """A project that is being served is read by its server, which has the database open."""
    door = serve(folder)
    door.run("t", select="s.flights s.airports")
    assert dagscope("steps", "s.late", cwd=folder).stdout == SHOWN
    printed = json.loads(dagscope("steps", "s.late", "--json", cwd=folder).stdout)
    assert printed == door.post("/api/dag/asset/s.late/steps", {"count": True}).json()
    refused = dagscope("steps", "s.raw", cwd=folder)
    message = '"s.raw" has no query to take apart: it is a raw asset, written in Python\n'
    assert (refused.stdout, refused.stderr, refused.returncode) == ("", message, 2)


def test_what_has_no_steps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name, Python, and SQL that cannot be parsed are refused with exit code 2."""
    monkeypatch.chdir(folder)
    for name, message in (
        ("s.lat", 'there is no asset or data test "s.lat"; did you mean "s.late"?'),
        ("s.raw", '"s.raw" has no query to take apart: it is a raw asset, written in Python'),
        (
            "s.broken",
            f'{REFUSED}assets/models/s/broken.sql:1:13: it cannot be read at "WHERE"',
        ),
    ):
        ended = dagscope_here("steps", name)
        assert (ended.stdout, ended.stderr, ended.exit_code) == ("", f"{message}\n", 2)
    failed = dagscope_here("steps", "s.late")  # nothing was run
    assert (failed.exit_code, failed.stdout.count("Catalog Error")) == (0, 6)
