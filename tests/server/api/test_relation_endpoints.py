"""Dropping and truncating an asset's relation."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.doors import AppDoor, OpenDoor, wait_until
from tests.projects import SLOW_SQL, block, model, on_engine, raw, write_project

FILES = {
    model("s.orders"): block("primary_key_fields: [id]") + "SELECT 1 AS id",
    model("s.log"): block("materialization: incremental") + "SELECT 1 AS id",
    model("s.framed"): block("is_data_framed: true") + "SELECT 3 AS id",
    model("t.view"): block("materialization: view") + 'SELECT * FROM {{ Ref("s.framed") }}',
    model("s.custom"): block("materialization: custom") + "SELECT 1",
    raw("s.raw"): "def execute(context):\n    return {}\n",
}


@pytest.fixture
def door(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> AppDoor:
    """The project on each engine, run once as `t`."""
    door = opened(write_project(tmp_path, {**both_engines, **FILES}))
    assert door.run("t").status_code == 200
    return door


def upkeep(door: AppDoor, asset: str, what: str, confirm: str | None = None) -> Any:
    return door.post(f"/api/dag/asset/{asset}/{what}", {"confirm": confirm or asset})


@pytest.mark.parametrize(("asset", "kind"), [("s.orders", "table"), ("s.log", "table"), ("t.view", "view")])
def test_drop(door: AppDoor, asset: str, kind: str) -> None:
    """A drop deletes only the relation; dropping it again does nothing, and the next run creates it again."""
    answer = upkeep(door, asset, "drop")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "assetName": asset,
            "status": "SUCCESS",
            "message": f"Dropped {kind} {asset}",
            "error": "",
        },
    )
    (entry,) = door.get("/api/logs/default").json()["logs"]
    assert (entry["message"], entry["asset"], entry["connection"]) == (f"Dropped {kind} {asset}", asset, "db")
    assert door.get(f"/api/dag/asset/{asset}/data").status_code == 204
    assert door.get(f"/api/dag/asset/{asset}/data?taskId=t").status_code == 204
    again = upkeep(door, asset, "drop").json()["message"]
    assert again == f"There is no {asset}: nothing to drop"
    assert door.run("next").status_code == 200
    assert door.get(f"/api/dag/asset/{asset}/data").json()["rowCount"] == 1


def test_truncate(door: AppDoor) -> None:
    """A truncate leaves an empty table with its keys, which is no longer any task's data."""
    assert upkeep(door, "s.log", "truncate").json()["message"] == "Truncated table s.log"
    assert door.get("/api/dag/asset/s.log/data?taskId=t").status_code == 204
    door.post("/api/dag/asset/s.log/execute", {"taskId": "next"})
    assert door.get("/api/dag/asset/s.log/data").json()["data"] == [{"id": 1}]
    wait_until(lambda: upkeep(door, "s.framed", "truncate").status_code == 200)  # the task is about to end
    assert door.get("/api/dag/asset/s.framed/data").json()["data"] == [{"id": 3}]  # the frame stays
    assert door.get("/api/dag/asset/t.view/data").json()["data"] == []


@pytest.mark.parametrize(
    ("asset", "what", "error"),
    [
        (
            "t.view",
            "truncate",
            '"t.view" is a view, which has no rows of its own to truncate; truncate what it reads, or drop the view',
        ),
        ("s.raw", "drop", '"s.raw" is a raw asset and has no relation to drop'),
        (
            "s.custom",
            "truncate",
            '"s.custom" is a custom asset: its own SQL creates its relations, so dagscope does not truncate them',
        ),
    ],
)
def test_what_is_refused(door: AppDoor, asset: str, what: str, error: str) -> None:
    """An asset without a table that dagscope created cannot be dropped or truncated, and the error says why."""
    answer = upkeep(door, asset, what)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_confirmation(door: AppDoor) -> None:
    """Without the asset's own name, nothing is done."""
    for body, error in (
        ({"confirm": "s.log"}, '\'confirm\' must be "s.orders", the asset to drop, found "s.log"'),
        ({"confirm": "S.ORDERS"}, '\'confirm\' must be "s.orders", the asset to drop, found "S.ORDERS"'),
        ({}, "missing required field 'confirm'"),
        ({"confirm": True}, "field 'confirm' must be a string"),
    ):
        answer = door.post("/api/dag/asset/s.orders/drop", body)
        assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid request format: {error}"})
    assert door.post("/api/dag/asset/s.orders/drop").status_code == 415
    assert door.get("/api/dag/asset/s.orders/data").json()["rowCount"] == 1
    unknown = upkeep(door, "s.order", "drop")
    hint = 'there is no asset "s.order"; did you mean "s.orders"?'
    assert (unknown.status_code, unknown.json()) == (
        404,
        {"assetName": "s.order", "status": "FAILED", "message": hint, "error": "Asset not found in DAG"},
    )


def test_upkeep_connects_by_itself(door: AppDoor) -> None:
    """After a disconnect a drop connects again, as a task does."""
    door.post("/api/dag/disconnect")
    assert upkeep(door, "s.orders", "drop").status_code == 200


def test_no_upkeep_under_a_task(tmp_path: Path, opened: OpenDoor) -> None:
    """While a task runs, drop and truncate give 409."""
    door = opened(write_project(tmp_path, {model("s.slow"): SLOW_SQL}), post_wait_ms=50)
    door.run("monday")
    for what in ("drop", "truncate"):
        answer = upkeep(door, "s.slow", what)
        assert (answer.status_code, answer.json()) == (
            409,
            {"error": f"Cannot {what} now", "details": "task monday is running; cancel it, or wait until it has ended"},
        )
    door.post("/api/dag/cancel/monday")


def test_what_depends_on_it(tmp_path: Path, postgres: dict[str, str], opened: OpenDoor) -> None:
    """In PostgreSQL, a table that others' views read cannot be dropped, nor one that is locked for too long."""
    folder = write_project(tmp_path, {**on_engine("postgres", postgres), **FILES})
    door = opened(folder, post_wait_ms=500)
    door.run("t")
    answer = upkeep(door, "s.framed", "drop")
    assert answer.status_code == 500
    assert "other objects depend on it" in answer.json()["error"]
    login = {key: postgres[key] for key in ("host", "port", "user", "password")} | {"dbname": postgres["database"]}
    with psycopg.connect(**login) as holder:
        holder.execute("LOCK TABLE s.orders IN ACCESS SHARE MODE")
        started = time.monotonic()
        answer = upkeep(door, "s.orders", "drop")
        assert time.monotonic() - started < 5
    assert answer.status_code == 500
    assert answer.json()["error"] == ("the database did not drop it within 0.5 s; nothing was changed, try again later")
    assert door.get("/api/dag/asset/s.orders/data").json()["rowCount"] == 1
