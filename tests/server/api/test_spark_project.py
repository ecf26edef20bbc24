"""A project with assets on Spark, as the HTTP API shows it: one run, and everything that is asked of its rows."""

from pathlib import Path
from typing import Any

import pytest

from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import DUCKDB_AND_SPARK, block, model, write_project

ROWS = """\
SELECT * FROM (VALUES (1, 'UA', 12345678901234567.89, DATE '2013-01-01'), (2, 'ua', 12345678901234567.88, NULL),
  (3, 'a\\"b', -3.05, DATE '2013-02-01'), (4, NULL, NULL, NULL)) AS f(id, carrier, amount, day)
"""


@pytest.fixture
def door(tmp_path: Path, spark: dict[str, str], opened: OpenDoor) -> AppDoor:
    """Rows that go from DuckDB to Spark and back, one data test that fails, and one that does not."""
    framed = "is_data_framed: true\npersist_inputs: true\n"
    files = {
        "config.yaml": DUCKDB_AND_SPARK.format(**spark),
        "profile.yaml": "name: lake\nconnection: duck\n",
        model("src.flights"): block(framed) + ROWS,
        model("lake.flights"): block(f"{framed}connection: lake\ntests: [{{name: none}}]")
        + 'SELECT * FROM {{ Ref("src.flights") }}',
        model("lake.kept"): block("connection: lake\ntests: [{name: late}]")
        + 'SELECT * FROM {{ Ref("lake.flights") }}',
        data_test("lake.late"): block("connection: lake") + "SELECT * FROM lake.flights WHERE day > '2013-01-15'",
        data_test("lake.none"): block("connection: lake") + "SELECT * FROM lake.flights WHERE id > 9",
        model("back.flights"): block("persist_inputs: true") + 'SELECT * FROM {{ Ref("lake.flights") }}',
    }
    return opened(write_project(tmp_path, files), post_wait_ms=300_000)


def ids(door: AppDoor, *filters: str, **query: Any) -> list[int]:
    params = {"format": "arrays", "filter": list(filters), **query}
    answer = door.get("/api/dag/asset/lake.kept/data", params=params)
    assert answer.status_code == 200, answer.text
    assert "error" not in answer.json(), answer.text
    return [row[0] for row in answer.json()["rows"]]


def test_project_on_spark(door: AppDoor) -> None:
    """Rows cross both ways, a failing test keeps its rows, and relations are filtered, sorted and previewed."""
    assert [door.run("t").json()[key] for key in ("completedAssets", "failedAssets")] == [3, 1]
    found = door.get("/api/tests/data/lake.late", params={"format": "arrays"}).json()
    assert [row[0] for row in found["rows"]] == [3]
    assert ids(door, "amount:eq:12345678901234567.88") == [2]
    assert ids(door, "carrier:contains:\\") == [3]
    assert ids(door, "carrier:startswith:U") == [1]
    assert ids(door, "day:ge:2013-01-01", sort="-id") == [3, 1]
    assert ids(door, sort="amount,-id") == [3, 2, 1, 4]
    preview = door.post("/api/dag/asset/lake.flights/preview", json={"limit": 1}).json()
    assert len(preview["data"]) == 1
    (sent,) = [
        statement
        for statement in door.get("/api/dag/asset/lake.flights/statements").json()["statements"]
        if statement["text"].startswith("CREATE OR REPLACE TABLE lake.flights")
    ]
    assert (sent["connection"], sent["rows"]) == ("lake", 4)
