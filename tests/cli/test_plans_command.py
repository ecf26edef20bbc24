"""`dagscope timings --plan`: the plans of an asset's statements beside those of its last fast run."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope_here
from tests.doors import AppDoor, Serve
from tests.projects import model, write_project

SAID = """\
s.many: N in tuesday, N in monday: C
no.  statement                                                      ms  before  change
N  CREATE SCHEMA IF NOT EXISTS s                                   N       N  C
N  CREATE OR REPLACE TABLE s.many AS SELECT range % 7 AS n, co…   N       N  C

plan of statement 2, from the result to what it reads:
"""
UNPROFILED = (
    "there are only times, no plans: wednesday was not profiled; "
    '`dagscope run --profile`, or POST /api/dag/run with "profile": true, keeps the plans of a task'
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose tasks monday and tuesday were profiled, and wednesday not."""
    files = {
        model("s.many"): "SELECT range % 7 AS n, count(*) AS rows FROM range({{ param('rows', 5) }}) GROUP BY n",
        model("s.other"): "SELECT 1 AS one",
    }
    door = AppDoor(write_project(tmp_path, files))
    for task, rows, profile in (("monday", 1_000, True), ("tuesday", 50_000, True), ("wednesday", 5, False)):
        door.run(task, data={"rows": rows}, profile=profile, select="s.many")
    door.stop()
    return tmp_path


def test_without_a_server(project: Path) -> None:
    """The statements are listed with both times, and the plan of the one that lost the most time follows."""
    said = dagscope_here("timings", "tuesday", "--plan", "s.many", "--against", "monday", "--project", str(project))
    assert said.exit_code == 0
    lines = [_without_figures(line) for line in said.stdout.splitlines()]
    assert "HASH GROUP BY" in said.stdout
    assert re.search(r"TABLE SCAN +Function: RANGE +50,000 +1,000 ", said.stdout)
    assert [line.split() for line in lines[:6]] == [line.split() for line in SAID.splitlines()]


def _without_figures(line: str) -> str:
    """A time as N, also in a column, and what it says about them as C."""
    line = re.sub(r"^ *\d(?=  )|\d+\.\d\ds|(?<=  )[\d,]+(?=  )", "N", line)
    return re.sub(r"(?<=: )(same|slower|faster)$|(same|slower|faster) *$", "C", line)


def test_with_a_server(project: Path, serve: Serve) -> None:
    """A project that is being served is asked through its server: the answer is the same."""
    server = serve(project)
    said = dagscope_here("timings", "--plan", "s.many", "--against", "monday", "--json", "--project", str(project))
    assert json.loads(said.stdout) == server.get("/api/dag/asset/s.many/plans?against=monday").json()
    said = dagscope_here("timings", "--plan", "s.other", "--project", str(project))
    assert (said.exit_code, said.stderr) == (2, "s.other was never executed\n")


def test_what_has_no_plans(project: Path) -> None:
    """A task that was not profiled, one that did not execute the asset and options that exclude each other are said."""
    said = dagscope_here("timings", "--plan", "s.many", "--against", "monday", "--project", str(project))
    assert said.stdout.splitlines()[1] == UNPROFILED
    for options, error in (
        (("tuesday", "--plan", "s.other"), "s.other was not executed in tuesday"),
        (("--against", "monday"), "--against needs --plan ASSET"),
        (("--plan", "s.many", "--asset", "s.many"), "--plan and --asset answer different questions; give one of them"),
    ):
        said = dagscope_here("timings", *options, "--project", str(project))
        assert (said.exit_code, said.stderr) == (2, f"{error}\n")
