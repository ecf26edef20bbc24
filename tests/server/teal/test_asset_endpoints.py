"""What is done with an asset, and its data, in Teal's shapes (docs/teal.md)."""

from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor, RestartingDoor, Serve, wait_until
from tests.projects import SLOW_SQL, model, raw, write_files


def act(door: AppDoor, asset: str, action: str, task_id: str = "look") -> dict[str, Any]:
    """The body of an action that ended, without its times."""
    answer = door.post(f"/api/dag/asset/{asset}/{action}", {"taskId": task_id})
    assert answer.status_code == 200
    return without_times(answer.json())


def data(door: AppDoor, asset: str, query: str = "taskId=look") -> dict[str, Any]:
    answer = door.get(f"/api/dag/asset/{asset}/data?{query}")
    assert answer.status_code == 200
    return without_times(answer.json())


def without_times(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in ("startTime", "endTime", "executionTimeMs")}


def failed(asset: str, error: str, task_id: str = "look") -> dict[str, Any]:
    return {"taskId": task_id, "assetName": asset, "status": "FAILED", "error": error, "upstreamsUsed": []}


def test_preview(folder: Path, opened: OpenDoor) -> None:
    """A preview keeps the relation's rows under its task, page by page, also after a restart and a drop."""
    teal = opened(folder, RestartingDoor, dialect="teal-v1")
    teal.run("monday")
    body = act(teal, "mart.last", "preview")
    assert (body["status"], body["error"], body["totalRecords"]) == ("SUCCESS", "", 35)
    assert act(teal, "mart.last", "drop")["status"] == "SUCCESS"
    assert data(teal, "mart.last", "taskId=look&offset=20&limit=2") == {
        "taskId": "look",
        "assetName": "mart.last",
        "status": "SUCCESS",
        "result": [{"n": 20}, {"n": 21}],
        "columns": ["n"],
        "upstreamsUsed": ["dds.world"],
        "totalRecords": 35,
    }
    assert len(data(teal, "mart.last", "taskId=look&limit=0")["result"]) == 35


def test_preview_without_a_relation(teal: AppDoor) -> None:
    """A preview of a missing relation is 200 and FAILED with the reason, and so is its data."""
    body = act(teal, "dds.world", "preview")
    assert body["status"] == "FAILED"
    assert body["error"].startswith('SQL execution failed: Catalog Error: Table with name "dds.world" does not exist')
    assert data(teal, "dds.world")["error"] == body["error"]


def test_select_and_preview_in_one_task(teal: AppDoor) -> None:
    """A task keeps the rows of several assets, and of an asset those that were read last."""
    teal.run("monday")
    act(teal, "mart.last", "truncate")
    assert act(teal, "staging.hello", "truncate")["status"] == "SUCCESS"
    act(teal, "mart.last", "select")
    act(teal, "staging.hello", "preview")
    assert (data(teal, "mart.last")["totalRecords"], data(teal, "staging.hello")["result"]) == (35, [])
    act(teal, "staging.hello", "select")
    assert data(teal, "staging.hello")["result"] == [{"greeting": "Hello", "id": 1}]


def test_mutate(teal: AppDoor) -> None:
    """A mutate executes the asset and its tests; if one fails, the asset was executed all the same, and has rows."""
    act(teal, "staging.hello", "mutate")
    body = act(teal, "dds.world", "mutate")
    assert body == {
        "taskId": "look",
        "assetName": "dds.world",
        "status": "SUCCESS",
        "error": "tests failed: dds.test_world_count (1 row)",
        "upstreamsUsed": ["staging.hello"],
    }
    kept = data(teal, "dds.world")
    assert (kept["status"], kept["result"]) == (
        "SUCCESS",
        [{"greeting": "Hello", "count": -1, "big": 9223372036854775807}],
    )
    assert teal.get("/api/dag/status/look").json()["status"] == "TESTS_FAILED"


@pytest.mark.parametrize("action", ["mutate", "select", "preview", "drop", "truncate"])
def test_an_unknown_asset(teal: AppDoor, action: str) -> None:
    """An unknown asset is 200 and FAILED, whatever is done with it."""
    assert act(teal, "dds.wrld", action) == failed("dds.wrld", "Asset not found in DAG")


REFUSALS = {
    ("mart.none", "select"): '"mart.none" has no query to select: a custom asset\'s statements run unchanged and may '
    "write: use preview to see its relation",
    ("mart.raw", "preview"): '"mart.raw" has no relation to preview: it is a raw asset, written in Python: read its '
    "data instead",
    ("mart.last", "truncate"): '"mart.last" is a view, which has no rows of its own to truncate; truncate what it '
    "reads, or drop the view",
    ("staging.hello", "mutate"): "SQL execution failed: Invalid Input Error: nope",
}


@pytest.mark.parametrize(("asset", "action"), REFUSALS)
def test_what_cannot_be_done(folder: Path, opened: OpenDoor, asset: str, action: str) -> None:
    """What fails, and what an asset does not have, is 200 and FAILED, with the reason."""
    files = {raw("mart.raw"): "def execute(context):\n    return [1]\n", model("staging.hello"): "SELECT error('nope')"}
    teal = opened(write_files(folder, files), dialect="teal-v1")
    body = act(teal, asset, action)
    assert (body["status"], body["error"]) == ("FAILED", REFUSALS[asset, action])


@pytest.mark.parametrize("action", ["mutate", "preview", "drop"])
def test_a_body_without_a_task(teal: AppDoor, action: str) -> None:
    """A body without a task is 400, as everywhere."""
    answer = teal.post(f"/api/dag/asset/staging.hello/{action}", {})
    assert answer.status_code == 400
    assert answer.json() == {"error": "Invalid request format: missing required field 'taskId'"}


def test_drop_and_truncate(teal: AppDoor) -> None:
    """A drop and a truncate need no confirmation; the data of an earlier task then says why it has no rows."""
    teal.run("monday")
    done = {"taskId": "look", "assetName": "staging.hello", "status": "SUCCESS", "error": "", "upstreamsUsed": []}
    assert act(teal, "staging.hello", "truncate") == done
    assert act(teal, "staging.hello", "drop") == done
    assert act(teal, "staging.hello", "drop") == done
    assert data(teal, "staging.hello", "taskId=monday") == {
        "taskId": "monday",
        "assetName": "staging.hello",
        "status": "SUCCESS",
        "error": "the rows of this task are no longer there: a later task wrote the relation, or it was dropped or "
        "truncated",
        "upstreamsUsed": [],
    }


def test_data_that_is_not_there(teal: AppDoor) -> None:
    """The data of a task that never ran, or of an unknown asset, is an answer; a request without a task is 400."""
    initial = {"taskId": "never", "assetName": "dds.world", "status": "INITIAL", "upstreamsUsed": []}
    assert data(teal, "dds.world", "taskId=never") == initial
    assert data(teal, "dds.wrld") == failed("dds.wrld", "Asset not found in DAG")
    answer = teal.get("/api/dag/asset/dds.world/data")
    assert answer.status_code == 400
    assert answer.json() == {"error": "Invalid request format: missing query parameter 'taskId'"}


def test_the_value_of_a_raw_asset(folder: Path, opened: OpenDoor) -> None:
    """The value of a raw asset is its result; a list has pages, and numbers have all their digits."""
    code = "from decimal import Decimal\n\n\ndef execute(context):\n    return [Decimal('1.10'), 2, {'a': 3}]\n"
    teal = opened(write_files(folder, {raw("mart.raw"): code}), dialect="teal-v1")
    act(teal, "mart.raw", "mutate")
    answer = teal.get("/api/dag/asset/mart.raw/data?taskId=look&limit=1")
    assert '"result":[1.10]' in answer.text
    assert answer.json()["totalRecords"] == 3


def test_data_of_a_running_task(folder: Path, serve: Serve) -> None:
    """While an asset runs, or waits for its turn, its data is 202 and IN_PROGRESS."""
    write_files(folder, {model("staging.hello"): SLOW_SQL})
    server = serve(folder, "--dialect", "teal-v1", post_wait_ms=100)
    answer = server.run("monday")
    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")
    for asset in ("staging.hello", "mart.last"):
        wait_until(lambda: server.get("/api/dag/status/monday").json()["inProgressAssets"] == 1)
        answer = server.get(f"/api/dag/asset/{asset}/data?taskId=monday")
        assert (answer.status_code, answer.json()["status"]) == (202, "IN_PROGRESS")
    select = server.post("/api/dag/asset/dds.world/select", {"taskId": "monday"})
    assert (select.status_code, select.json()["status"]) == (202, "IN_PROGRESS")
    assert server.post("/api/dag/cancel/monday").json()["status"] == "FAILED"
