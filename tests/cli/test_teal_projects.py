"""Projects as Teal has them, of both of its kinds of templates, opened by the real command as they are."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.cli.dagscope_command import dagscope

PROJECTS = Path(__file__).parent.parent / "dag" / "project" / "teal_projects"

pytestmark = pytest.mark.server


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the project that the test names."""
    return Path(shutil.copytree(PROJECTS / request.param, tmp_path / request.param))


def run(project: Path) -> dict[str, str]:
    """Run the project; the state of each node."""
    answer: dict[str, Any] = json.loads(dagscope("run", "--json", cwd=project).stdout)
    assert answer["status"] == "SUCCESS"
    return {node["assetName"]: node["state"] for node in answer["nodes"]}


def rows(project: Path, database: str, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "store" / database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("project", ["wallets"], indirect=True)
def test_check(project: Path) -> None:
    """What Teal takes in silence is no more than a warning."""
    checked = dagscope("check", cwd=project)
    assert checked.returncode == 0
    warnings = [line for line in checked.stdout.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        (
            'warning: assets/models/dds/dim_address.sql:2: "materialization" is "view" here and "table" in '
            "profile.yaml:11, which takes precedence; delete one"
        ),
        'warning: config.yaml:10: "host" does nothing for a connection of type duckdb; it is a key of postgres',
        'warning: config.yaml:11: "port" does nothing for a connection of type duckdb; it is a key of postgres',
    ]


@pytest.mark.parametrize("project", ["wallets"], indirect=True)
def test_templates_of_django(project: Path) -> None:
    """A project of Teal 1 runs, twice: with rows that have no key, a framed custom asset and an index in each model."""
    names = ["dds.dim_address", "dds.fact_transaction", "mart.report", "mart.totals"]
    for _ in range(2):
        states = run(project)
        assert {name: states[name] for name in names} == dict.fromkeys(names, "SUCCESS")
    assert rows(project, "wallets.duckdb", "SELECT count(*) FROM dds.dim_address WHERE address IS NULL") == [(2,)]
    assert rows(project, "wallets.duckdb", "SELECT count(*) FROM dds.fact_transaction") == [(3,)]
    indexes = rows(project, "wallets.duckdb", "SELECT index_name FROM duckdb_indexes() ORDER BY 1")
    assert indexes == [("dim_address_ix_idx",), ("dim_address_pkey",), ("fact_transaction_ix_idx",)]


@pytest.mark.parametrize("project", ["flights"], indirect=True)
def test_templates_of_go(project: Path) -> None:
    """A project of Teal before 1 runs, and appends in its second run what is new."""
    run(project)
    with (project / "store" / "flights.csv").open("a") as flights:
        flights.write("4,UA,2013-01-03,40\n")
    run(project)
    found = rows(project, "flights.duckdb", "SELECT * FROM mart.delays")
    assert found == [("AA", "min", 12), ("UA", "min", 40)]
    assert rows(project, "flights.duckdb", "SELECT count(*) FROM dds.fact_flight") == [(4,)]
