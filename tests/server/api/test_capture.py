"""Rows that are captured of relations, in a run."""

import sqlite3
from pathlib import Path

from dagscope.dag.ground.frame_files import FrameFiles
from tests.doors import OpenDoor
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


def test_an_invalid_capture(tmp_path: Path, opened: OpenDoor) -> None:
    """A run whose capture means nothing is refused."""
    door = opened(write_project(tmp_path, {model("s.a"): "SELECT 1 AS n"}))
    answer = door.run("t", capture="some")
    assert answer.status_code == 400
    assert (
        answer.json()["error"]
        == "Invalid request format: " + '"capture" must be framed, all, or rows and a number, such as rows 500'
    )
