"""Selecting: an asset's query run and its rows kept, with nothing written to the database."""

from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor, RestartingDoor, Serve, messages, wait_until
from tests.projects import SLOW_SQL, block, model, raw, write_project

FILES = {
    model("s.orders"): block("tests: [{name: t}]")
    + "SELECT * FROM (VALUES (1, 1.10), (2, 2.20), (3, 3.30)) AS o(id, v)",
    "assets/tests/s/t.sql": 'SELECT * FROM {{ Ref("s.orders") }}',
    model("s.log"): block("materialization: incremental")
    + "SELECT {{ param('id', 1) }} AS id{% if IsIncremental() %} WHERE false{% endif %}",
    model("s.view"): block("materialization: view") + 'SELECT count(*) AS n FROM {{ Ref("s.orders") }}',
    model("s.source"): block("is_data_framed: true")
    + "SELECT {{ param('value', 1) }} AS value, CAST('2020-01-01' AS date) AS day",
    model("s.reader"): block("persist_inputs: true\nis_data_framed: true")
    + 'SELECT value, day FROM {{ Ref("s.source") }} ORDER BY value',
    model("s.wrong"): "SELECT nope",
    model("s.custom"): block("materialization: custom") + "SELECT 1",
    raw("s.raw"): "def execute(context):\n    return {}\n",
}


@pytest.fixture
def door(tmp_path: Path, every_engine: dict[str, str], opened: OpenDoor) -> AppDoor:
    """The project on each engine, behind an app that is restarted before every request."""
    return opened(write_project(tmp_path, {**every_engine, **FILES}), RestartingDoor, post_wait_ms=300_000)


def select(door: AppDoor, asset: str, task_id: str) -> Any:
    return door.post(f"/api/dag/asset/{asset}/select", {"taskId": task_id})


def data(door: AppDoor, asset: str, query: str = "") -> Any:
    answer = door.get(f"/api/dag/asset/{asset}/data{query}")
    return answer.json() if answer.content else None


def test_select(door: AppDoor) -> None:
    """A select returns the first rows and their number; its rows are the task's data, also after a restart."""
    answer = select(door, "s.orders", "look")
    assert answer.status_code == 200
    body = answer.json()
    assert [body.pop(key) >= 0 for key in ("startTime", "endTime", "executionTimeMs")] == [True] * 3
    assert body == {
        "taskId": "look",
        "assetName": "s.orders",
        "status": "SUCCESS",
        "result": {"rows_affected": 0, "data": [{"id": 1, "v": 1.1}, {"id": 2, "v": 2.2}, {"id": 3, "v": 3.3}]},
        "error": "",
        "upstreamsUsed": [],
        "totalRecords": 3,
    }
    page = data(door, "s.orders", "?taskId=look&offset=1&limit=1")
    assert (page["data"], page["totalRecords"]) == ([{"id": 2, "v": 2.2}], 3)


def test_select_writes_nothing(door: AppDoor) -> None:
    """After a select there is no relation, no test has run, and the asset is as it was: not executed."""
    select(door, "s.orders", "look")
    status = door.get("/api/dag/status/look").json()
    assert (status["status"], status["nodes"][0]["name"], status["nodes"][0]["totalTests"]) == (
        "SUCCESS",
        "Selecting s.orders",
        0,
    )
    orders = next(node for node in door.get("/api/dag").json()["nodes"] if node["name"] == "s.orders")
    assert (orders["state"], orders["lastExecutionDuration"]) == ("INITIAL", 0)
    assert data(door, "s.orders") is None
    assert select(door, "s.view", "v").status_code == 500  # it reads a table that is not there
    events = [
        m["data"]["eventType"]
        for m in messages(door.get("/api/events?taskId=look&lastEventId=0").text)
        if m["event"] == "run_event"
    ]
    assert events == ["RUN_START", "STEP_START", "STEP_SUCCESS", "RUN_SUCCESS"]


def test_select_leaves_what_is_there(door: AppDoor) -> None:
    """A select in between does not change the asset's own data, state and appended rows."""
    door.post("/api/dag/asset/s.log/execute", {"taskId": "made"})
    assert select(door, "s.log", "look").json()["totalRecords"] == 0  # IsIncremental() is true
    assert data(door, "s.log")["data"] == [{"id": 1}]
    assert data(door, "s.log", "?taskId=made")["rowCount"] == 1
    assert data(door, "s.log", "?taskId=look")["rowCount"] == 0
    select(door, "s.log", "made")
    assert data(door, "s.log", "?taskId=made")["rowCount"] == 0
    assert data(door, "s.log", "?taskId=made&attempt=1")["rowCount"] == 1
    assert data(door, "s.log")["data"] == [{"id": 1}]


def test_select_with_inputs(door: AppDoor) -> None:
    """Current upstream frames are read, and the tables that an execute wrote for them are unchanged."""
    door.run("t", data={"value": 3})
    door.post("/api/dag/asset/s.source/execute", {"taskId": "newer"})
    assert select(door, "s.reader", "look").json()["result"]["data"] == [{"value": 1, "day": "2020-01-01"}]
    assert select(door, "s.source", "t").json()["result"]["data"] == [{"value": 3, "day": "2020-01-01"}]
    assert select(door, "s.reader", "again").json()["result"]["data"] == [{"value": 1, "day": "2020-01-01"}]
    kept = data(door, "s.reader")  # the result of selecting its upstream was not passed on
    assert (kept["data"], kept["isDataFramed"]) == ([{"value": 3, "day": "2020-01-01"}], True)


def test_select_that_fails(door: AppDoor) -> None:
    """A wrong query gives 500 with the database's words; a retry selects again, and executes nothing."""
    answer = select(door, "s.wrong", "t")
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("SQL execution failed: ")
    assert door.post("/api/dag/retry/t").status_code == 500
    status = door.get("/api/dag/status/t").json()
    assert (status["nodes"][0]["name"], status["nodes"][0]["state"]) == ("Selecting s.wrong", "FAILED")
    assert data(door, "s.wrong", "?taskId=t") is None
    wrong = next(node for node in door.get("/api/dag").json()["nodes"] if node["name"] == "s.wrong")
    assert wrong["state"] == "INITIAL"


def test_what_cannot_be_selected(door: AppDoor) -> None:
    """Raw and custom assets have no query to select; an unknown asset gives 404; a body without task id gives 400."""
    for asset, details in (
        ("s.raw", "it is a raw asset, written in Python: execute it and read its data"),
        ("s.custom", "a custom asset's statements run unchanged and may write: use preview to see its relation"),
    ):
        answer = select(door, asset, "t")
        assert (answer.status_code, answer.json()) == (
            400,
            {"error": f'"{asset}" has no query to select', "details": details},
        )
    assert select(door, "s.nope", "t").json()["error"] == "Asset not found in DAG"
    assert door.post("/api/dag/asset/s.orders/select", {}).status_code == 400
    assert door.get("/api/dag/tasks").json()["total"] == 0


def test_select_that_takes_long(tmp_path: Path, serve: Serve) -> None:
    """A select that outlasts its POST gives 202 and can be joined; if the server dies, the asset is unchanged."""
    folder = write_project(tmp_path, {model("s.slow"): SLOW_SQL})
    door = serve(folder, post_wait_ms=200)
    for _ in range(2):
        answer = select(door, "s.slow", "t")
        assert (answer.status_code, answer.json()["status"]) in ((202, "INITIAL"), (202, "IN_PROGRESS"))
    assert door.get("/api/dag/tasks").json()["total"] == 1
    wait_until(lambda: door.get("/api/dag/status/t").json()["nodes"][0]["state"] == "IN_PROGRESS")
    door.stop(9)  # type: ignore[call-arg]  # a server's door
    door.start()
    assert door.get("/api/dag/status/t").json()["nodes"][0]["message"] == "interrupted: server restarted"
    assert door.get("/api/dag").json()["nodes"][0]["state"] == "INITIAL"


def test_select_cannot_write(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> None:
    """A query that would write is refused, and nothing is written."""
    files = {
        model("s.a"): "SELECT 1 AS id",
        model("s.b"): 'INSERT INTO {{ Ref("s.a") }} VALUES (2) RETURNING id',
        model("s.c"): 'WITH more AS (DELETE FROM {{ Ref("s.a") }} RETURNING id) SELECT * FROM more',
    }
    door = opened(write_project(tmp_path, {**both_engines, **files}))
    door.post("/api/dag/asset/s.a/execute", {"taskId": "t"})
    for asset in ("s.b", "s.c"):
        assert select(door, asset, asset).status_code == 500
    assert data(door, "s.a")["data"] == [{"id": 1}]
