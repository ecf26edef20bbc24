"""A project with assets on Spark, as the HTTP API shows it: one run, and everything that is asked of its rows."""

from pathlib import Path
from typing import Any

import pytest

from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import DUCKDB_AND_SPARK, block, model, on_engine, write_project

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
    counted = door.post("/api/dag/asset/lake.kept/steps", {"count": True}).json()["steps"]
    assert [(step["title"], step["rowCount"]) for step in counted] == [("FROM lake.flights", 4), ("SELECT *", 4)]
    origins = door.get("/api/dag/asset/lake.kept/lineage").json()["columns"]
    assert [[origin["column"] for origin in column["from"]] for column in origins] == [
        ["id"],
        ["carrier"],
        ["amount"],
        ["day"],
    ]


def test_profiles(tmp_path: Path, spark: dict[str, str], opened: OpenDoor) -> None:
    """With `profile`, statements have their stages and tasks, queries the metrics of their operators, others a plan."""
    files = {
        **on_engine("spark", spark),
        model("s.made"): block("tests: [{name: unique}]") + "SELECT id % 10 AS k FROM range(0, 10, 1, 4) GROUP BY 1",
        data_test("s.unique"): "SELECT k FROM s.made GROUP BY k HAVING count(*) > 1",
    }
    door = opened(write_project(tmp_path, files), post_wait_ms=300_000)
    door.run("t", profile=True)
    sent = door.get("/api/dag/asset/s.made/statements").json()["statements"]
    shown = door.get("/api/dag/asset/s.made/statements", params={"tokens": "true"}).json()["statements"]
    created, counted = (
        (statement["profile"], tree["profileTree"])
        for statement, tree in zip(sent, shown, strict=True)
        if statement["text"].startswith(("CREATE OR REPLACE TABLE s.made", "SELECT count(*) FROM (SELECT k"))
    )
    for profile, tree in (created, counted):
        assert profile["tasks"] >= profile["stages"] >= 1
        assert (tree["name"], tree["detail"].split(": ")[0]) == ("Spark", "stages")
        assert [child["name"] for child in tree["children"]] == ["AdaptiveSparkPlan"]
    assert "HashAggregate" in created[0]["plan"]
    assert (counted[0]["bytesShuffled"] > 0, counted[0]["bytesSpilled"]) == (True, 0)


def test_upkeep_on_spark(tmp_path: Path, spark: dict[str, str], opened: OpenDoor) -> None:
    """Incremental assets append, custom ones run their statements in turn, and relations are truncated and dropped."""
    files = {
        **on_engine("spark", spark),
        model("s.log"): block("materialization: incremental") + "SELECT 1 AS id",
        model("s.own"): block("materialization: custom\nis_data_framed: true")
        + "CREATE OR REPLACE TABLE s.made AS SELECT 1 AS id;\nINSERT INTO s.made VALUES (2);\n"
        + "UPDATE s.made SET id = id + 10; SELECT id FROM s.made ORDER BY id",
        model("t.view"): block("materialization: view") + 'SELECT * FROM {{ Ref("s.log") }}',
    }
    door = opened(write_project(tmp_path, files), post_wait_ms=300_000)
    for task, size in (("t1", 1), ("t2", 2)):
        assert door.run(task).json()["completedAssets"] == 3
        assert door.get("/api/dag/asset/s.log/data").json()["rowCount"] == size
    assert door.get("/api/dag/asset/s.own/data").json()["data"] == [{"id": 11}, {"id": 12}]
    for asset, what, said in (
        ("s.log", "truncate", "Truncated table s.log"),
        ("s.log", "drop", "Dropped table s.log"),
        ("t.view", "drop", "Dropped view t.view"),
        ("t.view", "drop", "There is no t.view: nothing to drop"),
    ):
        answer = door.post(f"/api/dag/asset/{asset}/{what}", {"confirm": asset})
        assert (answer.status_code, answer.json()["message"]) == (200, said)
