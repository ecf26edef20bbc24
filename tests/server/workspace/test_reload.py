"""`serve --reload`: saved files are loaded, broken edits lose nothing."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors import AppDoor, Serve, ServerDoor, wait_until
from tests.projects import model, raw


@pytest.fixture
def door(hello: Path, serve: Serve) -> ServerDoor:
    """The hello project on a server that reloads, with one task."""
    reloading = serve(hello, "--reload")
    reloading.run("before")
    return reloading


def nodes(door: AppDoor) -> list[str]:
    return [node["name"] for node in door.get("/api/dag").json()["nodes"]]


def test_a_new_file(hello: Path, door: AppDoor) -> None:
    """A new model is there without a restart; earlier tasks stay, and the next one runs it."""
    (hello / model("dds.more")).write_text("SELECT * FROM {{ Ref('dds.world') }}")
    wait_until(lambda: nodes(door) == ["staging.hello", "dds.world", "dds.more"])
    assert door.run("after").json()["totalAssets"] == 3
    assert door.get("/api/dag/status/before").json()["totalAssets"] == 2


def test_a_broken_edit(hello: Path, door: AppDoor) -> None:
    """After a broken edit the last valid graph stays, and the problem is reported until it is fixed."""
    good = (hello / model("dds.world")).read_text()
    (hello / model("dds.world")).write_text("SELECT * FROM {{ Ref('staging.helo') }}")
    wait_until(lambda: "errors" in door.get("/api/dag").json())
    message = 'assets/models/dds/world.sql:1: unknown asset "staging.helo"; did you mean "staging.hello"?'
    assert door.get("/api/dag").json()["errors"] == [message]
    assert door.run("on the valid one").json()["status"] == "SUCCESS"
    entry = door.get("/api/logs/default").json()["logs"][-1]
    assert (entry["level"], entry["message"]) == ("error", "Reload failed: the last valid project stays")
    assert entry["problem"] == message
    (hello / model("dds.world")).write_text(good)
    wait_until(lambda: "errors" not in door.get("/api/dag").json())


def test_the_database_stays_open(hello: Path, door: AppDoor) -> None:
    """A reload opens no database twice: earlier data is there, and the next task runs on it."""
    (hello / model("dds.world")).write_text("SELECT greeting, 2 AS count FROM {{ Ref('staging.hello') }}")
    wait_until(lambda: "2 AS count" in door.get("/api/dag").text)
    assert door.get("/api/dag/asset/staging.hello/data").json()["rowCount"] == 1
    assert door.run("after").json()["status"] == "SUCCESS"
    assert door.get("/api/dag/asset/dds.world/data").json()["data"][0]["count"] == 2


ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
LOOPS = "{% for a in [1] %}" * 25 + "{% endfor %}" * 25


@pytest.mark.parametrize(
    ("path", "put", "error"),
    [
        (model("dds.bad"), lambda file: file.write_text(LOOPS), "nested too deeply"),
        (raw("dds.bad"), lambda file: file.write_text("x = " + "+".join(["1"] * 20_000)), "nested too deeply"),
        (model("dds.bad"), os.mkfifo, "a named pipe, not a file; replace it with a file"),
        (model("dds.bad"), lambda file: file.symlink_to("bad.sql"), "a link that points to itself; remove it"),
        (model("dds.bad"), lambda file: file.write_text(ENDLESS), "the template takes more than 500,000 steps"),
    ],
    ids=["loops", "python", "pipe", "link", "endless"],
)
def test_whatever_is_saved(hello: Path, door: AppDoor, path: str, put: Callable[[Path], object], error: str) -> None:
    """A file that cannot be loaded is reported in the DAG and on the stream, until it is fixed."""
    put(hello / path)
    wait_until(lambda: "errors" in door.get("/api/dag").json())
    (problem,) = door.get("/api/dag").json()["errors"]
    assert problem.startswith(path)
    assert error in problem
    wait_until(lambda: door.get("/api/logs/default").json()["logs"])
    assert door.get("/api/logs/default").json()["logs"][-1]["problem"] == problem
    (hello / path).unlink()
    (hello / model("dds.more")).write_text("SELECT 1 AS id")
    wait_until(lambda: "errors" not in door.get("/api/dag").json())
    assert "dds.more" in nodes(door)


def test_a_name_that_is_not_utf8(hello: Path, door: AppDoor) -> None:
    """A file whose name is not UTF-8 does not end the watch."""
    bad = Path(os.fsdecode(os.fsencode(hello / "assets/models/dds") + b"/\xff.sql"))
    bad.write_text("SELECT 1")
    wait_until(lambda: "errors" in door.get("/api/dag").json())
    bad.unlink()
    (hello / model("dds.more")).write_text("SELECT 1 AS id")
    wait_until(lambda: "dds.more" in nodes(door))


def test_a_link_to_a_folder(hello: Path, tmp_path: Path, door: AppDoor) -> None:
    """What a new link leads to is loaded, and watched from then on."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "first.sql").write_text("SELECT 1 AS id")
    (hello / "assets/models/mart").symlink_to(shared)
    wait_until(lambda: "mart.first" in nodes(door))
    wait_until(lambda: _saved_and_seen(door, shared / "second.sql"))


def _saved_and_seen(door: AppDoor, file: Path) -> bool:
    file.write_text("SELECT 1 AS id")  # the watch restarts a moment after the link was created
    return f"mart.{file.stem}" in nodes(door)
