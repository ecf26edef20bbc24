"""`dagscope prune`, and the settings that do the same."""

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.dagscope_command import dagscope, dagscope_here
from tests.doors import AppDoor, wait_until
from tests.projects import block, model, write_project

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with four tasks and a frame from each."""
    sql = block("is_data_framed: true") + "SELECT {{ param('n') }} AS n FROM range(1000)"
    project = write_project(tmp_path_factory.mktemp("prepared"), {model("a.b"): sql})
    door = AppDoor(project)
    for number in range(4):
        door.run(f"task{number}", data={"n": number})
    door.stop()
    return project


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(prepared, tmp_path / "project"))


def frames(folder: Path) -> int:
    return len(list((folder / ".dagscope" / "frames").iterdir()))


def test_dry_run(folder: Path) -> None:
    """A dry run reports what would be deleted, and changes nothing."""
    said = dagscope("prune", "--keep-days", "0", "--dry-run", cwd=folder)
    assert said.stdout.splitlines()[:3] == ["task0", "task1", "task2"]
    assert re.fullmatch(r"Would delete 3 tasks: [\d,]+ -> [\d,]+ bytes", said.stdout.splitlines()[3])
    assert frames(folder) == 4


def test_state_that_cannot_be_read() -> None:
    """A state that cannot be read is reported in one line, with exit code 2."""
    with TemporaryDirectory() as folder:
        said = dagscope_here("prune", "--keep-days", "0", "--project", folder)
        assert said.stderr == f"{folder} has no state; nothing was ever run there\n"
        Path(folder).chmod(0o755)
        (Path(folder) / ".dagscope").mkdir(mode=0)
        with _as_nobody():
            said = dagscope_here("prune", "--keep-days", "0", "--project", folder)
    needs = "it must be a folder that belongs to you, in a folder that you can write to"
    assert (said.exit_code, said.stderr) == (2, f"{folder}/.dagscope cannot be read: Permission denied; {needs}\n")


@contextmanager
def _as_nobody() -> Iterator[None]:
    """As a user other than root, who can read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_entries_without_a_task(folder: Path) -> None:
    """Entries without a task, such as that of a drop, are deleted by age like tasks, and a dry run counts them."""
    door = AppDoor(folder)
    door.post("/api/dag/asset/a.b/truncate", {"confirm": "a.b"})
    door.stop()
    assert "default" in logged_tasks(folder)
    said = dagscope("prune", "--keep-days", "0", "--dry-run", cwd=folder).stdout.splitlines()[-1]
    assert re.fullmatch(r"Would delete 3 tasks and 1 log entry without a task: [\d,]+ -> [\d,]+ bytes", said)
    dagscope("prune", "--keep-bytes", "0", cwd=folder)
    assert logged_tasks(folder) == ["default", "task3"]
    said = dagscope("prune", "--keep-days", "0", cwd=folder).stdout
    assert re.fullmatch(r"Deleted 0 tasks and 1 log entry without a task: ([\d,]+) -> \1 bytes\n", said)
    assert logged_tasks(folder) == ["task3"]


def test_counts_of_entries(folder: Path) -> None:
    """After a prune, the log of a deleted task counts no entries, and that of others is as it was."""
    dagscope("prune", "--keep-days", "0", cwd=folder)
    door = AppDoor(folder)
    for task_id, entries in (("task0", 0), ("task3", door.get("/api/logs/task3").json()["count"]), ("default", 0)):
        found = door.get(f"/api/logs/{task_id}?offset=0").json()
        assert (found["total"], sum(found["counts"].values()), found["count"]) == (entries, entries, entries)
    door.stop()


def logged_tasks(folder: Path) -> list[str]:
    """The tasks that have log entries in the state."""
    connection = sqlite3.connect(folder / ".dagscope" / "state.sqlite")
    tasks = [task for (task,) in connection.execute("SELECT DISTINCT task_id FROM log_entry ORDER BY task_id")]
    connection.close()
    return tasks


def test_prune_by_age(folder: Path) -> None:
    """Old tasks are deleted with their frames and entries, except the one that the DAG shows now."""
    assert dagscope("prune", "--keep-days", "0", cwd=folder).returncode == 0
    assert frames(folder) == 1
    door = AppDoor(folder)
    assert [task["taskId"] for task in door.get("/api/dag/tasks").json()["tasks"]] == ["task3"]
    assert door.get("/api/dag/asset/a.b/data?limit=1").json()["data"] == [{"n": 3}]
    assert list(door.get("/api/logs").json()["logs"]) == ["task3"]
    door.stop()


def test_prune_by_size(folder: Path) -> None:
    """The oldest tasks are deleted first, until the rest fit."""
    said = dagscope("prune", "--keep-bytes", "1", "--dry-run", cwd=folder).stdout
    before = int(said.split(": ")[1].split(" ->")[0].replace(",", ""))
    dagscope("prune", "--keep-bytes", str(before - 1), cwd=folder)
    assert frames(folder) == 3


def test_positions_after_a_prune(folder: Path) -> None:
    """A reader at a pruned position receives `reset`, and positions are never reused."""
    door = AppDoor(folder)
    pruned = door.stream("?taskId=task0&lastEventId=0")[3]["id"]
    newest = door.stream("?taskId=task3&lastEventId=0")[-2]["id"]
    door.stop()
    dagscope("prune", "--keep-days", "0", cwd=folder)
    door = AppDoor(folder)
    assert door.stream(f"?taskId=task3&lastEventId={pruned}")[0]["event"] == "reset"
    door.run("next", data={"n": 9})
    assert door.stream("?taskId=next&lastEventId=0")[0]["id"] > newest
    door.stop()


def test_settings_do_the_same(folder: Path) -> None:
    """`keep_days` as a setting prunes when the server starts."""
    door = AppDoor(folder, keep_days=0)
    assert door.get("/api/dag/tasks").json()["total"] == 1
    door.stop()


def test_settings_prune_between_tasks(folder: Path) -> None:
    """A server with `keep_days` deletes old tasks after each task, and never what the DAG shows."""
    door = AppDoor(folder, keep_days=0)
    door.run("next", data={"n": 7})
    wait_until(lambda: door.get("/api/dag/tasks").json()["total"] == 1)
    assert door.get("/api/dag/asset/a.b/data?limit=1").json()["data"] == [{"n": 7}]
    door.stop()


def test_prune_without_a_limit(folder: Path) -> None:
    """Without a limit, `prune` says which options it needs."""
    refused = dagscope("prune", cwd=folder)
    assert refused.returncode == 2
    assert "Error: give --keep-days, --keep-bytes, or both" in refused.stderr


def test_the_state_stays_sound(folder: Path) -> None:
    """After a prune, no row refers to a deleted one."""
    dagscope("prune", "--keep-days", "0", cwd=folder)
    connection = sqlite3.connect(folder / ".dagscope" / "state.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    assert json.loads(dagscope("graph", "--format", "json", cwd=folder).stdout)["project"] == "small"


def test_code_goes_with_the_last_task_that_ran_it(folder: Path) -> None:
    """What was recorded of a pruned task is deleted; code stays as long as a task refers to it."""
    dagscope("prune", "--keep-days", "0", cwd=folder)
    with sqlite3.connect(folder / ".dagscope/state.sqlite") as state:
        assert state.execute("SELECT task_id FROM node_record").fetchall() == [("task3",)]
        assert state.execute("SELECT sql FROM code").fetchall() == [("SELECT 3 AS n FROM range(1000)",)]
    state.close()
