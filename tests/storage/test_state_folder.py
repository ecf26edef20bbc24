"""The state's files while a server uses them: deleted, moved or replaced by others."""

import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dagscope.storage.state_folder import StateFolder, StateInUse
from tests.doors import AppDoor
from tests.projects import block, model, write_project


def _delete_all(state: Path) -> None:
    shutil.rmtree(state)


def _delete_database(state: Path) -> None:
    for file in state.glob("state.sqlite*"):
        file.unlink()


def _delete_wal(state: Path) -> None:
    (state / "state.sqlite-wal").unlink()


def _replace_database(state: Path) -> None:
    shutil.copyfile(state / "state.sqlite", state / "copy")
    (state / "copy").replace(state / "state.sqlite")


def _move_project(state: Path) -> None:
    state.parent.rename(state.parent.with_name("moved"))


@pytest.mark.parametrize(
    ("harm", "file"),
    [
        (_delete_all, "state.sqlite"),
        (_delete_database, "state.sqlite"),
        (_delete_wal, "state.sqlite-wal"),
        (_replace_database, "state.sqlite"),
        (_move_project, "state.sqlite"),
    ],
)
def test_files_of_a_used_state(hello: Path, harm: Callable[[Path], None], file: str) -> None:
    """Once writes would be lost, nothing more is accepted, and the answer says why."""
    door = AppDoor(hello)
    assert door.run("before").status_code == 200
    state = StateFolder.of_project(hello).path
    harm(state)
    assert door.post("/api/dag/asset/staging.hello/execute", {"taskId": "first"}).status_code == 500
    refused = door.run("after")
    assert refused.status_code == 500, refused.text
    gone = f"{state / file} was deleted or replaced while it was in use; start dagscope again"
    assert refused.json()["details"] == f"the state cannot be written: {gone}"
    door.stop()


def test_damaged_state(hello: Path) -> None:
    """Requests to a state that was damaged while it was in use are answered with the reason."""
    door = AppDoor(hello)
    with closing(sqlite3.connect(StateFolder.of_project(hello).path / "state.sqlite")) as state:
        state.execute("DROP TABLE task")
    refused = door.get("/api/dag/status/before")
    assert refused.status_code == 500
    details = "the state cannot be read: no such table: task"
    assert refused.json() == {"error": "Internal server error", "details": details}
    door.stop()


def test_stream_of_a_damaged_state(hello: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A stream of a state that cannot be read ends with the reason, which the console shows in one line."""
    door = AppDoor(hello)
    with closing(sqlite3.connect(StateFolder.of_project(hello).path / "state.sqlite")) as state:
        state.execute("DROP TABLE task")
    answer = door.get("/api/events?taskId=before")
    assert answer.status_code == 200
    assert answer.text == "retry: 2000\n\n: the state cannot be read: no such table: task\n\n"
    door.stop()
    console = "".join(capfd.readouterr())
    assert "Traceback" not in console
    assert "the state cannot be read: no such table: task" in console


@pytest.mark.parametrize("harm", [_delete_all, lambda state: (state / "server.lock").unlink()])
def test_one_owner_whatever_is_deleted(hello: Path, harm: Callable[[Path], None]) -> None:
    """A state that is in use has one owner, also after its lock file was deleted."""
    folder = StateFolder.of_project(hello)
    with folder.owned():
        harm(folder.path)
        assert str(folder.in_use_by()) == f"{folder.path} is in use by another process; stop it, or use it"
        with pytest.raises(StateInUse), folder.owned():
            pass
    assert folder.in_use_by() is None


def test_a_start_waits_for_a_probe(hello: Path) -> None:
    """A process that only asks who uses a state keeps no other from using it."""
    folder = StateFolder.of_project(hello)
    probe = os.open(hello, os.O_RDONLY)
    fcntl.flock(probe, fcntl.LOCK_SH)
    assert folder.in_use_by() is None
    threading.Timer(0.05, os.close, [probe]).start()
    with folder.owned():
        assert folder.in_use_by() is not None


def test_what_was_shown_before(hello: Path) -> None:
    """A server whose state was deleted still answers reads, is unhealthy, and has a new state after a restart."""
    door = AppDoor(hello)
    door.run("before")
    _delete_all(StateFolder.of_project(hello).path)
    door.run("after")
    assert door.get("/api/dag/status/before").json()["status"] == "SUCCESS"
    assert door.get("/healthz").status_code == 503
    door.stop()
    door.start()
    assert door.run("again").status_code == 200
    door.stop()


def test_frames_that_are_deleted(tmp_path: Path) -> None:
    """Frames that others delete are missed by name; new ones are stored, or the asset says why they cannot be."""
    files = {model("s.a"): block("is_data_framed: true") + "SELECT 1 AS id"}
    door = AppDoor(write_project(tmp_path / "project", files))
    door.run("first")
    frames = StateFolder.of_project(tmp_path / "project").frames
    shutil.rmtree(frames)
    assert "it is missing; run its asset again" in door.get("/api/dag/asset/s.a/data").json()["error"]
    assert door.run("second").status_code == 200
    assert door.get("/api/dag/asset/s.a/data").json()["data"] == [{"id": 1}]
    shutil.rmtree(frames)
    assert door.post("/api/dag/reset").status_code == 200
    shutil.rmtree(frames)
    frames.write_text("no folder", encoding="utf-8")
    (node,) = door.run("third").json()["nodes"]
    assert node["message"] == f"the captured result cannot be stored in {frames}: File exists"
    door.stop()


@pytest.mark.parametrize("text", ["[1]", "7", "no JSON", ""])
def test_lock_file_of_any_content(hello: Path, text: str) -> None:
    """The owner is named as far as its lock file does."""
    folder = StateFolder.of_project(hello)
    with folder.owned():
        folder.lock_file.write_text(text, encoding="utf-8")
        assert str(folder.in_use_by()) == f"{folder.path} is in use by another process; stop it, or use it"
