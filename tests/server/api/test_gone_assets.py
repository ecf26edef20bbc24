"""Assets and data tests that the project no longer has stay readable by the tasks that executed them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope
from tests.doors import AppDoor
from tests.projects import block, model, write_project

FILES = {
    model("s.stays"): "SELECT 1 AS id",
    model("s.gone"): block("is_data_framed: true\ntests: [{name: gone_test}]") + "SELECT 2 AS id",
    "assets/tests/s/gone_test.sql": "SELECT * FROM s.gone WHERE id <> 2",
}


def folder_without(tmp_path: Path, opened: Callable[..., AppDoor]) -> AppDoor:
    """The project after a task `t` of it and the deletion of an asset and its test."""
    door = opened(write_project(tmp_path, FILES))
    assert door.run("t").status_code == 200
    door.stop()
    for path in (model("s.gone"), "assets/tests/s/gone_test.sql"):
        (tmp_path / path).unlink()
    door.start()
    return door


def test_by_task(tmp_path: Path, opened: Callable[..., AppDoor]) -> None:
    """Data and statements are there for the task that executed the asset, and 404 for anything else."""
    door = folder_without(tmp_path, opened)
    data = door.get("/api/dag/asset/s.gone/data?taskId=t").json()
    assert (data["assetName"], data["isDataFramed"], data["data"]) == ("s.gone", True, [{"id": 2}])
    sent = door.get("/api/dag/asset/s.gone/statements?taskId=t").json()
    assert any("SELECT 2 AS id" in statement["text"] for statement in sent["statements"])
    assert door.get("/api/tests/s.gone_test/statements?taskId=t").json()["total"] == 1
    door.run("u")
    for path in (
        "/api/dag/asset/s.gone/data",
        "/api/dag/asset/s.gone/data?taskId=u",
        "/api/dag/asset/s.gone/statements",
        "/api/dag/asset/s.gone/statements?taskId=u",
        "/api/tests/s.gone_test/statements?taskId=u",
    ):
        assert door.get(path).status_code == 404


@pytest.mark.server
def test_prune(tmp_path: Path, opened: Callable[..., AppDoor]) -> None:
    """A task that only an asset which is gone shows is pruned; the asset, come back, is as never executed."""
    door = folder_without(tmp_path, opened)
    door.run("u")
    door.stop()
    assert dagscope("prune", "--keep-days", "0", cwd=tmp_path).stdout.splitlines()[0] == "t"
    write_project(tmp_path, FILES)
    door.start()
    states = {node["name"]: node["state"] for node in door.get("/api/dag").json()["nodes"]}
    assert states == {"s.gone": "INITIAL", "s.stays": "SUCCESS"}
    assert door.get("/api/dag/asset/s.gone/data").status_code == 204
