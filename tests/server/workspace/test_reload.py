"""`serve --reload`: saved files are picked up, broken edits lose nothing."""

from pathlib import Path

import pytest

from tests.doors import AppDoor, Serve, ServerDoor, wait_until
from tests.projects import model


@pytest.fixture
def door(hello: Path, serve: Serve) -> ServerDoor:
    """The hello project, reloading, with one task."""
    reloading = serve(hello, "--reload")
    reloading.run("before")
    return reloading


def nodes(door: AppDoor) -> list[str]:
    return [node["name"] for node in door.get("/api/dag").json()["nodes"]]


def test_a_new_file(hello: Path, door: AppDoor) -> None:
    """A new model is there without a restart; tasks of before stay, and the next one runs it."""
    (hello / model("dds.more")).write_text("SELECT * FROM {{ Ref('dds.world') }}")
    wait_until(lambda: nodes(door) == ["staging.hello", "dds.world", "dds.more"])
    assert door.run("after").json()["totalAssets"] == 3
    assert door.get("/api/dag/status/before").json()["totalAssets"] == 2


def test_a_broken_edit(hello: Path, door: AppDoor) -> None:
    """A broken edit keeps the last good graph, and tells what is wrong until it is mended."""
    good = (hello / model("dds.world")).read_text()
    (hello / model("dds.world")).write_text("SELECT * FROM {{ Ref('staging.helo') }}")
    wait_until(lambda: "errors" in door.get("/api/dag").json())
    message = 'assets/models/dds/world.sql:1: unknown asset "staging.helo"; did you mean "staging.hello"?'
    assert door.get("/api/dag").json()["errors"] == [message]
    assert door.run("on the good one").json()["status"] == "SUCCESS"
    entry = door.get("/api/logs/default").json()["logs"][-1]
    assert (entry["level"], entry["message"]) == ("error", "Reload failed: the last good project stays")
    assert entry["problem"] == message
    (hello / model("dds.world")).write_text(good)
    wait_until(lambda: "errors" not in door.get("/api/dag").json())


def test_the_database_stays_open(hello: Path, door: AppDoor) -> None:
    """A reload opens no database twice: data of before is there, and the next task runs on it."""
    (hello / model("dds.world")).write_text("SELECT greeting, 2 AS count FROM {{ Ref('staging.hello') }}")
    wait_until(lambda: "2 AS count" in door.get("/api/dag").text)
    assert door.get("/api/dag/asset/staging.hello/data").json()["rowCount"] == 1
    assert door.run("after").json()["status"] == "SUCCESS"
    assert door.get("/api/dag/asset/dds.world/data").json()["data"][0]["count"] == 2
