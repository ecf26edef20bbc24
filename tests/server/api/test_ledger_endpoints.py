"""`GET /api/tests/ledger/:testName`: what became of the rows that violate a data test, task by task."""

from pathlib import Path
from typing import Any

import pytest

from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, write_project

ORDERS = (
    """SELECT unnest(string_split({{ param('ids', '0') }}, ',')::INTEGER[]) AS id, {{ param('note', 'x') }} AS note"""
)
BAD = """SELECT * FROM {{ Ref("s.orders") }} WHERE id > 0"""
KEY = "primary_key_fields: [id]\n"


def files(keys: str = "", test: str = BAD, test_block: str = "") -> dict[str, str]:
    return {
        model("s.orders"): block(f"{keys}tests: [{{name: bad}}]") + ORDERS,
        data_test("s.bad"): (block(test_block) if test_block else "") + test,
    }


@pytest.fixture
def orders(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    """A project whose data decides which rows violate s.bad; rows are compared by all their values."""
    return opened(write_project(tmp_path, files()))


def run(door: AppDoor, *tasks: tuple[str, str]) -> None:
    for task_id, ids in tasks:
        door.run(task_id, data={"ids": ids})


def ledger(door: AppDoor, query: str = "") -> Any:
    answer = door.get(f"/api/tests/ledger/s.bad{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(found: Any) -> list[tuple[Any, ...]]:
    """Of each task, newest first: its id, then the rows that are new, fixed and there still; None if not compared."""
    return [tuple(task.get(key) for key in ("taskId", "newRows", "fixedRows", "stillRows")) for task in found["tasks"]]


def listed(found: Any) -> dict[str, list[tuple[Any, str]]]:
    """Of each state, the first cell of each row and the task since when it fails; "?" if perhaps earlier."""
    return {
        group["state"]: [
            (row[0], since + ("" if exact else "?"))
            for row, since, exact in zip(group["rows"], group["since"], group["sinceIsExact"], strict=True)
        ]
        for group in found["groups"]
    }


def test_new_fixed_and_still(orders: AppDoor) -> None:
    """Each failing row is new in one task, there still in the next ones and fixed in one; new rows are listed first."""
    run(orders, ("one", "1,2,3"), ("two", "2,3,4"), ("three", "2,4,5,1"))
    found = ledger(orders)
    assert counts(found) == [("three", 2, 1, 2), ("two", 1, 1, 2), ("one", 3, 0, 0)]
    assert listed(found) == {
        "new": [(5, "three"), (1, "three")],
        "fixed": [(3, "one")],
        "still": [(2, "one"), (4, "two")],
    }
    assert [group["state"] for group in found["groups"]] == ["new", "fixed", "still"]
    assert (found["taskId"], found["comparedWith"], found["hasEarlier"]) == ("three", "two", False)
    assert found["columns"] == [{"name": "id", "type": "INTEGER"}, {"name": "note", "type": "VARCHAR"}]


def test_a_passed_task_fixes_all(orders: AppDoor) -> None:
    """A row that fails again after a task without it is new again."""
    run(orders, ("one", "1,2"), ("two", "0"), ("three", "2"), ("four", "0"))
    found = ledger(orders)
    assert counts(found) == [("four", 0, 1, 0), ("three", 1, 0, 0), ("two", 0, 2, 0), ("one", 2, 0, 0)]
    assert listed(found) == {"fixed": [(2, "three")]}
    assert listed(ledger(orders, "?taskId=three")) == {"new": [(2, "three")]}


def test_equal_rows_of_several_tasks(orders: AppDoor) -> None:
    """Tasks that found the same rows as the one before have nothing new and nothing fixed."""
    run(orders, ("one", "1"), ("two", "1,2"), ("three", "1,2"), ("four", "1,2"))
    found = ledger(orders)
    assert counts(found)[:2] == [("four", 0, 0, 2), ("three", 0, 0, 2)]
    assert listed(found) == {"still": [(1, "one"), (2, "two")]}


def test_copies_of_a_row(orders: AppDoor) -> None:
    """Equal rows are counted: the third copy is new, the other two are there still."""
    run(orders, ("one", "1,1"), ("two", "1,1,1"), ("three", "1"))
    assert counts(ledger(orders)) == [("three", 0, 2, 1), ("two", 1, 0, 2), ("one", 2, 0, 0)]


def test_a_part_of_the_rows(tmp_path: Path, opened: OpenDoor) -> None:
    """Where only the first rows are kept, no row is called fixed or new that merely was not kept."""
    door = opened(write_project(tmp_path, files()), kept_violations=2)
    run(door, ("one", "1,2"), ("two", "3,1,2"), ("three", "2,1"))
    found = ledger(door, "?taskId=two")
    assert counts(found) == [("two", 1, 0, 1), ("one", 2, 0, 0)]
    assert [(task["rowCount"], task["keptRows"]) for task in found["tasks"]] == [(3, 2), (2, 2)]
    assert listed(found) == {"new": [(3, "two")], "still": [(1, "one")], "maybeFixed": [(2, "one")]}
    found = ledger(door)
    assert counts(found)[0] == ("three", 0, 1, 2)
    assert listed(found) == {"fixed": [(3, "two")], "still": [(2, "one"), (1, "one")]}
    run(door, ("four", "9,8,2"), ("five", "7,1"))
    assert listed(ledger(door)) == {
        "fixed": [(9, "four"), (8, "four"), (2, "one")],
        "maybeNew": [(7, "five?")],
        "still": [(1, "one")],
    }


def test_the_key_identifies_a_row(tmp_path: Path, opened: OpenDoor) -> None:
    """With a primary key, a row whose other values change is still the same row, also under a wider integer."""
    door = opened(write_project(tmp_path, files(KEY)))
    door.run("one", data={"ids": "1,2", "note": "x"})
    door.run("two", data={"ids": "1,3", "note": "y"})
    found = ledger(door)
    assert counts(found)[0] == ("two", 1, 1, 1)
    assert found["keyFields"] == ["id"]
    assert found["columns"][0] == {"name": "id", "type": "INTEGER", "key": True}
    write_project(door.folder, files(KEY, 'SELECT 1 AS n, id::BIGINT AS id FROM {{ Ref("s.orders") }} WHERE id > 0'))
    door.stop()
    door.start()
    run(door, ("three", "3,4"))
    found = ledger(door)
    assert counts(found)[0] == ("three", 1, 1, 1)
    assert found["tasks"][0]["columnsChanged"]
    fixed = next(group for group in found["groups"] if group["state"] == "fixed")
    assert fixed["rows"] == [[None, 1]], "a column that the row was not kept with is empty"


def test_other_columns(tmp_path: Path, opened: OpenDoor) -> None:
    """Without the key, rows with other columns cannot be compared: the ledger says so, and calls none new or fixed."""
    door = opened(write_project(tmp_path, files()))
    run(door, ("one", "1"))
    write_project(door.folder, files(test='SELECT id FROM {{ Ref("s.orders") }} WHERE id > 0'))
    door.stop()
    door.start()
    run(door, ("two", "1,2"))
    found = ledger(door)
    assert counts(found) == [("two", 0, 0, 0), ("one", 1, 0, 0)]
    assert found["tasks"][0]["columnsChanged"]
    assert found["tasks"][0]["maybeNewRows"] == 2
    assert listed(found) == {"maybeNew": [(1, "two?"), (2, "two?")], "maybeFixed": [(1, "one")]}


def test_tasks_without_a_result(tmp_path: Path, opened: OpenDoor) -> None:
    """A task that did not run the test, or in which it could not run, is a gap: it fixes nothing."""
    project = files() | {model("s.other"): "SELECT 1 AS one"}
    project[data_test("s.bad")] = BAD + " AND {{ param('test', '1') }}::INTEGER > 0"
    door = opened(write_project(tmp_path, project))
    run(door, ("one", "1,2"))
    door.run("left out", select="s.other")
    door.run("broken", data={"ids": "1", "test": "nope"})
    run(door, ("two", "2,3"))
    found = ledger(door)
    assert counts(found) == [("two", 1, 1, 1), ("broken", *[None] * 3), ("left out", *[None] * 3), ("one", 2, 0, 0)]
    assert [(task.get("status"), task["couldNotRun"]) for task in found["tasks"]] == [
        ("FAILED", False),
        ("FAILED", True),
        (None, False),
        ("FAILED", False),
    ]
    assert found["comparedWith"] == "one"


def test_a_retry_replaces_results(orders: AppDoor) -> None:
    """A task counts with what its newest attempt found or carried over, also of a test that was run alone."""
    run(orders, ("one", "1"), ("two", "2"))
    orders.run("two", data={"ids": "1,3"})
    assert counts(ledger(orders)) == [("two", 1, 0, 1), ("one", 1, 0, 0)]
    orders.post("/api/tests/execute/s.bad", {"taskId": "two"})
    assert counts(ledger(orders)) == [("two", 1, 0, 1), ("one", 1, 0, 0)]


def test_the_number_of_tasks(orders: AppDoor) -> None:
    """`limit` limits the tasks that are shown, not what the oldest of them is compared with."""
    run(orders, ("one", "1"), ("two", "1,2"), ("three", "2"))
    found = ledger(orders, "?limit=1")
    assert counts(found) == [("three", 0, 1, 1)]
    assert listed(found) == {"fixed": [(1, "two?")], "still": [(2, "two?")]}
    assert found["hasEarlier"]
    assert orders.get("/api/tests/ledger/s.bad?limit=501").json() == {
        "error": "Invalid request format: 'limit' must be a whole number from 1 to 500, found '501'"
    }


def test_masked_values_are_not_compared(tmp_path: Path, opened: OpenDoor) -> None:
    """Values of masked columns count as equal, and a masked key is no key."""
    door = opened(write_project(tmp_path, files(KEY, test_block="mask: [id]")))
    run(door, ("one", "1,2"), ("two", "3,4,5"))
    found = ledger(door)
    assert counts(found)[0] == ("two", 1, 0, 2)
    assert "keyFields" not in found
    assert listed(found)["new"] == [("***", "two")]


def test_a_damaged_frame(orders: AppDoor) -> None:
    """Rows that can no longer be read count as not kept, and the answer says why."""
    run(orders, ("one", "1"), ("two", "2"))
    kept = next((orders.folder / ".dagscope/frames").glob("*.arrow"))
    kept.unlink()
    found = ledger(orders)
    damaged = next(task for task in found["tasks"] if "errorMsg" in task)
    assert damaged["errorMsg"] == f"frame {kept.stem} cannot be used: it is missing; run its asset again"
    assert damaged["keptRows"] == 0
    assert "fixed" not in listed(found)


def test_what_there_is_no_ledger_of(orders: AppDoor) -> None:
    """An unknown test or task is 404; a test that was never run has no rows."""
    assert orders.get("/api/tests/ledger/s.bat").json() == {
        "error": "Test not found in DAG",
        "details": 'there is no data test "s.bat"; did you mean "s.bad"?',
    }
    assert ledger(orders) == {"testName": "s.bad", "tasks": [], "hasEarlier": False, "columns": [], "groups": []}
    assert orders.get("/api/tests/ledger/s.bad?taskId=nope").status_code == 404
