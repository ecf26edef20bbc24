"""Any asset of any past task: its rows, its SQL and what it read, as they were then."""

from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor
from tests.projects import model, raw, write_project

FILES = {
    model("s.a"): "SELECT range AS n, {{ param('times', '1') }}::INTEGER AS times FROM range(20)",
    model("s.b"): 'SELECT n * times AS product FROM {{ Ref("s.a") }}',
    raw("s.r"): "def execute(context):\n    return 7\n",
}


@pytest.fixture
def door(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    """Two tasks; between them, the file of s.b was edited."""
    door = opened(write_project(tmp_path, FILES))
    assert door.run("old", capture="rows 3").status_code == 200
    write_project(tmp_path, {model("s.b"): 'SELECT n * times + 1 AS product FROM {{ Ref("s.a") }}'})
    door.stop()
    door = opened(tmp_path)
    assert door.run("new", data={"times": "2"}).status_code == 200
    return door


def text(lines: list[list[list[str]]]) -> str:
    return "\n".join("".join(token[1] for token in line) for line in lines)


def test_rows_of_a_past_task(door: AppDoor) -> None:
    """With `captured`, a task still has the rows that it left, and says if they are only the first ones."""
    path = "/api/dag/asset/s.b/data?taskId=old"
    assert door.get(path).status_code == 204
    kept = door.get(f"{path}&captured=true").json()
    assert (kept["data"], kept["rowCount"], kept["relationRows"]) == ([{"product": n} for n in range(3)], 3, 20)
    found = door.get(f"{path}&captured=true&format=arrays&filter=product:gt:1").json()
    assert (found["rows"], found["matchingRecords"], found["relationRows"], found["taskId"]) == ([["2"]], 1, 20, "old")
    assert door.get("/api/dag/asset/s.b/data/summary?taskId=old&captured=true").json()["totalRecords"] == 3
    now = door.get("/api/dag/asset/s.b/data?taskId=new&captured=true").json()
    assert (now["rowCount"], "relationRows" in now) == (20, False)
    answer = door.get(f"{path}&captured=yes")
    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid request format: 'captured' must be true or false, found 'yes'"


def execution(door: AppDoor, asset: str, task: str) -> Any:
    return door.get(f"/api/dag/asset/{asset}/execution?taskId={task}").json()


def test_what_an_execution_ran_and_read(door: AppDoor) -> None:
    """An execution keeps its code, its SQL, its columns and the fingerprints of what it read."""
    old, new = execution(door, "s.b", "old"), execution(door, "s.b", "new")
    assert text(old["code"]) == 'SELECT n * times AS product FROM {{ Ref("s.a") }}'
    assert (old["isCodeOfNow"], new["isCodeOfNow"]) == (False, True)
    assert "SELECT n * times AS product FROM" in text(old["sql"])
    assert (old["rows"], old["capturedRows"], old["columns"][0]["name"]) == (20, 3, "product")
    assert old["inputs"] == [
        {"asset": "s.a", "fingerprint": execution(door, "s.a", "old")["fingerprint"], "isOfTask": True}
    ]
    assert old["inputs"][0]["fingerprint"] != new["inputs"][0]["fingerprint"]
    assert execution(door, "s.r", "old")["code"][0][0] == ["k", "def"]


def test_what_has_no_execution(door: AppDoor) -> None:
    """An asset that a task left out has none; an unknown asset or task is 404."""
    assert door.run("part", select="s.a").status_code == 200
    assert door.get("/api/dag/asset/s.b/execution?taskId=part").status_code == 204
    for path, error in (
        ("/api/dag/asset/s.x/execution", "Asset not found in DAG"),
        ("/api/dag/asset/s.b/execution?taskId=no", "Task not found"),
    ):
        answer = door.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, error)
