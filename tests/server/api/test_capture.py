"""Rows that are captured of relations, in a run."""

import sqlite3
from pathlib import Path

import pytest

from dagscope.dag.ground.frame_files import FrameFiles
from tests.doors import OpenDoor, Serve
from tests.projects import model, write_project


def test_a_run_says_how_many(tmp_path: Path, opened: OpenDoor) -> None:
    """What a run says of its capture takes precedence, and what was captured is there once the run is answered."""
    door = opened(write_project(tmp_path, {model("s.a"): "SELECT range AS n FROM range(20)"}))
    assert door.run("usual").status_code == door.run("few", capture="rows 3").status_code == 200
    with sqlite3.connect(tmp_path / ".dagscope/state.sqlite") as state:
        digests = dict(state.execute("SELECT task_id, captured_digest FROM node_record"))
    state.close()
    frames = FrameFiles(tmp_path / ".dagscope/frames")
    assert {task: frames.read(digest).num_rows for task, digest in digests.items()} == {"usual": 20, "few": 3}


@pytest.mark.server
def test_a_server_that_is_stopped_at_once(tmp_path: Path, serve: Serve) -> None:
    """What a task has left is recorded although the server is stopped as soon as the task is answered."""
    server = serve(
        write_project(tmp_path, {model(f"s.a{n}"): f"SELECT range AS n FROM range({n})" for n in range(200)})
    )
    server.run("t")
    server.stop()
    with sqlite3.connect(tmp_path / ".dagscope/state.sqlite") as state:
        rows = state.execute("SELECT rows FROM node_record ORDER BY rows").fetchall()
    state.close()
    assert rows == [(n,) for n in range(200)]


def test_an_invalid_capture(tmp_path: Path, opened: OpenDoor) -> None:
    """A run whose capture means nothing is refused."""
    door = opened(write_project(tmp_path, {model("s.a"): "SELECT 1 AS n"}))
    answer = door.run("t", capture="some")
    assert answer.status_code == 400
    assert (
        answer.json()["error"]
        == "Invalid request format: " + '"capture" must be framed, all, or rows and a number, such as rows 500'
    )
