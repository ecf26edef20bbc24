"""Previewing: a page of a relation as it is in the database."""

import json
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.doors import AppDoor, OpenDoor, RestartingDoor, wait_until
from tests.projects import block, model, on_engine, raw, write_project

FILES = {
    model("s.orders"): "SELECT * FROM (VALUES (1, 1.10), (2, 2.20), (3, 3.30)) AS o(id, v) ORDER BY id",
    model("s.view"): block("materialization: view") + 'SELECT sum(v) AS total FROM {{ Ref("s.orders") }}',
    model("s.custom"): block("materialization: custom")
    + "DROP TABLE IF EXISTS {{ this() }}; CREATE TABLE {{ this() }} AS SELECT 7 AS id",
    raw("s.raw"): "def execute(context):\n    return {}\n",
}


@pytest.fixture
def door(tmp_path: Path, every_engine: dict[str, str], opened: OpenDoor) -> AppDoor:
    """The project on each engine, behind an app that is restarted before every request."""
    return opened(write_project(tmp_path, {**every_engine, **FILES}), RestartingDoor, post_wait_ms=300_000)


def preview(door: AppDoor, asset: str, body: object = None) -> Any:
    return door.post(f"/api/dag/asset/{asset}/preview", body)


def test_preview(door: AppDoor) -> None:
    """A preview is an exact page of the table as it is, with the total number of rows; it creates no task."""
    door.run("t")
    answer = preview(door, "s.orders", {"offset": 1, "limit": 1, "taskId": "ignored"})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "assetName": "s.orders",
            "hasData": True,
            "dataType": "dataframe",
            "isDataFramed": False,
            "data": [{"id": 2, "v": 2.2}],
            "rowCount": 3,
            "columnCount": 2,
            "columns": ["id", "v"],
            "totalRecords": 3,
            "offset": 1,
            "limit": 1,
            "error": "",
        },
    )
    assert '"v":2.20' in answer.text
    assert [len(preview(door, "s.orders", body).json()["data"]) for body in (None, {}, {"limit": 0})] == [3, 3, 0]
    assert preview(door, "s.view").json()["data"] == [{"total": 6.6}]
    assert preview(door, "s.custom").json()["data"] == [{"id": 7}]
    assert door.get("/api/dag/tasks").json()["total"] == 1


def test_preview_of_what_dagscope_did_not_write(tmp_path: Path, opened: OpenDoor) -> None:
    """A preview shows rows that another tool wrote, which belong to no task's data."""
    door = opened(write_project(tmp_path, {**on_engine("duckdb"), **FILES}))
    door.run("t")
    door.post("/api/dag/disconnect")
    with duckdb.connect(str(tmp_path / "store" / "both.duckdb")) as other:
        other.execute("INSERT INTO s.orders VALUES (4, 4.4)")
    assert preview(door, "s.orders", {"offset": 3}).json()["data"] == [{"id": 4, "v": 4.4}]


def test_nothing_to_preview(door: AppDoor) -> None:
    """A missing relation gives 204, a raw asset 400, an unknown one 404; an invalid page 400 with the valid range."""
    assert preview(door, "s.orders").status_code == 204
    for asset, code, error in (
        ("s.raw", 400, '"s.raw" has no relation to preview'),
        ("s.nope", 404, "Asset not found in DAG"),
    ):
        answer = preview(door, asset)
        assert (answer.status_code, answer.json()["error"]) == (code, error)
    for body, error in (
        ({"offset": -1}, "field 'offset' must be 0 or more"),
        ({"limit": "x"}, "field 'limit' must be a whole number"),
        ({"limit": 10_001}, "field 'limit' must be 10000 or less"),
        ({"limit": 1.5}, "field 'limit' must be a whole number"),
    ):
        answer = preview(door, "s.orders", body)
        assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid request format: {error}"})
    assert door.request("POST", "/api/dag/asset/s.orders/preview", content="{}").status_code == 415


SLOW = {
    "duckdb": "SELECT count(*) AS n FROM range(4000000) AS a, range(20) AS b WHERE a.range * b.range % 7 = 3",
    "postgres": "SELECT pg_sleep(1)::text AS n",
}


def test_preview_that_takes_long(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> None:
    """A preview that outlasts its POST gives 202; the same POST joins it, and has the rows once they are there."""
    engine = "postgres" if "postgres" in both_engines["config.yaml"] else "duckdb"
    slow = {model("s.slow"): block("materialization: view") + SLOW[engine]}
    door = opened(write_project(tmp_path, {**both_engines, **slow}), post_wait_ms=50)
    door.run("t")
    wait_until(lambda: door.get("/api/dag/status/t").json()["status"] == "SUCCESS")
    answer = preview(door, "s.slow")
    assert (answer.status_code, answer.json()["hasData"]) == (202, False)
    assert answer.json()["error"] == "still being read: send the same request again to keep waiting"
    deadline = time.monotonic() + 60
    while preview(door, "s.slow").status_code == 202:
        assert time.monotonic() < deadline
    started = time.monotonic()
    preview(door, "s.slow", {"limit": 5})
    assert door.post("/api/dag/disconnect").status_code in (200, 409)
    door.stop()  # which interrupts what is still being read
    assert time.monotonic() - started < 20


def test_preview_that_fails(tmp_path: Path, opened: OpenDoor) -> None:
    """A view that can no longer be read gives 500, in the database's words."""
    door = opened(write_project(tmp_path, {**on_engine("duckdb"), **FILES}))
    door.run("t")
    door.post("/api/dag/asset/s.orders/drop", {"confirm": "s.orders"})
    answer = preview(door, "s.view")
    assert (answer.status_code, answer.json()["hasData"]) == (500, False)
    assert "does not exist" in answer.json()["error"], json.dumps(answer.json())
