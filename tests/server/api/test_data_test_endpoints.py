"""The rows that violate a data test, and running one test alone (contract, Data; spec, Test Operations)."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor, RestartingDoor, Serve, messages, wait_until
from tests.projects import SLOW_SQL, block, model, write_project

PEOPLE = """\
SELECT id, email, 1.10 AS paid FROM (VALUES (1, 'ada@example.com'), (2, NULL), (3, 'eve@example.com')) AS p(id, email)
"""


@pytest.fixture
def people(tmp_path: Path, both_engines: dict[str, str]) -> Path:
    """A project with a test that finds rows, one that finds no rows, and one that cannot run."""
    files = {
        model("s.people"): block("tests: [{name: known}, {name: paid}]") + PEOPLE,
        model("s.other"): block("tests: [{name: broken}]") + "SELECT 1 AS id",
        data_test("s.known"): block("description: All have one\nmask: [email]")
        + 'SELECT email, id, paid FROM {{ Ref("s.people") }} ORDER BY id',
        data_test("s.paid"): 'SELECT * FROM {{ Ref("s.people") }} WHERE paid < 0',
        data_test("s.broken"): 'SELECT nope FROM {{ Ref("s.other") }}',
        data_test("s.lonely"): 'SELECT id FROM {{ Ref("s.people") }} WHERE id > {{ param("least", 1) }} ORDER BY id',
        data_test("root.all"): 'SELECT id FROM {{ Ref("s.people") }} WHERE id > 5',
    }
    return write_project(tmp_path, {**both_engines, **files})


@pytest.fixture
def door(people: Path, opened: OpenDoor) -> AppDoor:
    """The project behind an app that is restarted before every request, and keeps two rows of a failed test."""
    return opened(people, RestartingDoor, kept_violations=2)


def data(door: AppDoor, test: str, query: str = "") -> Any:
    answer = door.get(f"/api/tests/data/{test}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def execute(door: AppDoor, test: str, task_id: str) -> Any:
    return door.post(f"/api/tests/execute/{test}", {"taskId": task_id})


def test_rows_of_a_failed_test(door: AppDoor) -> None:
    """The first rows are kept under the cap with the true count, masked, with their columns in SQL order."""
    door.run("t")
    found = data(door, "s.known", "?taskId=t")
    assert found.pop("executedAt").endswith("Z")
    assert found.pop("durationMs") >= 0
    assert found == {
        "testName": "s.known",
        "description": "All have one",
        "taskId": "t",
        "status": "FAILED",
        "couldNotRun": False,
        "rowCount": 3,
        "keptRows": 2,
        "errorMsg": "",
        "columns": ["email", "id", "paid"],
        "data": [{"email": "***", "id": 1, "paid": 1.10}, {"email": None, "id": 2, "paid": 1.10}],
    }
    assert '"paid":1.10' in door.get("/api/tests/data/s.known?taskId=t").text


def test_pages_of_rows(door: AppDoor) -> None:
    """`offset` and `limit` select a page of the kept rows; `rowCount` counts all. Invalid ones give 400."""
    door.run("t")
    page = data(door, "s.known", "?taskId=t&offset=1&limit=1")
    assert ([row["id"] for row in page["data"]], page["rowCount"], page["keptRows"]) == ([2], 3, 2)
    assert data(door, "s.known", "?taskId=t&limit=0")["data"] == []
    assert door.get("/api/tests/data/s.known?taskId=t&offset=-1").status_code == 400


def test_passed_and_broken_tests(door: AppDoor) -> None:
    """A test that found nothing and one whose SQL cannot run have no rows, but different statuses."""
    door.run("t")
    passed, broken = data(door, "s.paid", "?taskId=t"), data(door, "s.broken", "?taskId=t")
    assert [passed[key] for key in ("status", "couldNotRun", "rowCount", "errorMsg", "data")] == [
        "SUCCESS",
        False,
        0,
        "",
        [],
    ]
    assert [broken[key] for key in ("status", "couldNotRun", "rowCount", "data")] == ["FAILED", True, 0, []]
    assert broken["errorMsg"].startswith("could not run: ")


def test_no_data_of_a_test(door: AppDoor) -> None:
    """A test that was not run gives 204; an unknown test, task or attempt gives 404, each in its own words."""
    assert door.get("/api/tests/data/s.lonely").status_code == 204
    door.run("t")
    assert door.get("/api/tests/data/s.lonely?taskId=t").status_code == 204
    for path, status, error in (
        ("s.nope", "NOT_FOUND", "Test not found in DAG"),
        ("s.known?taskId=nope", "INITIAL", "Task not found"),
        ("s.known?taskId=t&attempt=2", "INITIAL", "Task not found"),
    ):
        answer = door.get(f"/api/tests/data/{path}")
        assert answer.status_code == 404
        body = answer.json()
        assert (body["status"], body["errorMsg"], body["data"], body["columns"]) == (status, error, [], [])
    assert door.get("/api/tests/data/s.known?taskId=%00").status_code == 400


def test_the_newest_rows(door: AppDoor) -> None:
    """Without `taskId` the newest execution answers, whichever task that was."""
    door.run("old", data={"least": 2})
    execute(door, "s.lonely", "new")
    assert data(door, "s.lonely")["taskId"] == "new"
    assert data(door, "s.known")["taskId"] == "old"


def test_results_of_a_task(door: AppDoor) -> None:
    """Every test of the task is listed with its result, root tests too, in order of execution."""
    door.run("t")
    answer = door.get("/api/tests/results/t").json()
    assert (answer["taskId"], answer["attempt"]) == ("t", 1)
    results = {
        test["name"]: (test["status"], test["couldNotRun"], test["rowCount"], test["keptRows"], test.get("assetName"))
        for test in answer["tests"]
    }
    assert results == {
        "s.broken": ("FAILED", True, 0, 0, "s.other"),
        "s.known": ("FAILED", False, 3, 2, "s.people"),
        "s.paid": ("SUCCESS", False, 0, 0, "s.people"),
    }
    known = next(test for test in answer["tests"] if test["name"] == "s.known")
    assert (known["connectionName"], known["mask"], known["errorMsg"]) == ("db", ["email"], "")
    assert known["sql"] == "SELECT email, id, paid FROM s.people ORDER BY id"


def test_no_results(door: AppDoor) -> None:
    """The results of an unknown task give 404; those of a task without tests are an empty list."""
    answer = door.get("/api/tests/results/nope")
    assert (answer.status_code, answer.json()) == (
        404,
        {"error": "Task not found", "details": "no task has this id; GET /api/dag/tasks lists all tasks"},
    )
    door.run("t", runTests=False)
    assert door.get("/api/tests/results/t").json() == {"taskId": "t", "attempt": 1, "tests": []}
    assert door.get("/api/tests/results/t?attempt=2").status_code == 404


def test_rows_stay_with_their_attempt(door: AppDoor) -> None:
    """A later attempt has its own rows; one that carries the test over still shows those it found."""
    door.run("t")
    carried = door.post("/api/dag/asset/s.other/execute", {"taskId": "t"})
    assert carried.status_code == 500
    assert data(door, "s.known", "?taskId=t")["keptRows"] == 2
    results = {test["name"]: test["rowCount"] for test in door.get("/api/tests/results/t").json()["tests"]}
    assert results == {"s.broken": 0, "s.known": 3, "s.paid": 0}
    executed_at = data(door, "s.known", "?taskId=t&attempt=1")["executedAt"]
    assert data(door, "s.known", "?taskId=t&attempt=2")["executedAt"] == executed_at
    door.run("t")
    assert data(door, "s.known", "?taskId=t")["executedAt"] > executed_at
    assert data(door, "s.known", "?taskId=t&attempt=1")["executedAt"] == executed_at


def test_running_one_test(door: AppDoor) -> None:
    """One test alone is a task: answered like an execute, with status, log, run events and rows of its own."""
    door.post("/api/dag/asset/s.people/execute", {"taskId": "made"})
    answer = execute(door, "s.lonely", "alone")
    assert answer.status_code == 500
    body = answer.json()
    assert body.pop("executedAt").endswith("Z")
    assert body.pop("durationMs") >= 0
    assert body == {
        "testName": "s.lonely",
        "description": "",
        "taskId": "alone",
        "status": "FAILED",
        "couldNotRun": False,
        "rowCount": 2,
        "keptRows": 2,
        "errorMsg": "",
    }
    status = door.get("/api/dag/status/alone").json()
    assert (status["status"], status["totalAssets"], status["nodes"]) == ("FAILED", 0, [])
    assert status["rootTestResults"] == []
    assert [row["id"] for row in data(door, "s.lonely", "?taskId=alone")["data"]] == [2, 3]
    stream = messages(door.get("/api/events?taskId=alone&lastEventId=0").text)
    events = [m["data"]["eventType"] for m in stream if m["event"] == "run_event"]
    assert events == ["RUN_START", "ASSET_CHECK_EVALUATION", "RUN_FAILURE"]
    assert [m["data"]["status"] for m in stream if m["event"] == "test"] == ["IN_PROGRESS", "FAILED"]
    assert {test["name"]: test["status"] for test in door.get("/api/tests").json()["tests"]}["s.lonely"] == "FAILED"


def test_running_one_test_that_passes_or_breaks(door: AppDoor) -> None:
    """A test that finds nothing gives 200; one that cannot run gives 500 and says so."""
    door.run("made")
    assert execute(door, "s.paid", "a").status_code == 200
    broken = execute(door, "s.broken", "b")
    assert (broken.status_code, broken.json()["couldNotRun"]) == (500, True)
    assert broken.json()["errorMsg"].startswith("could not run: ")
    unknown = execute(door, "s.nope", "c")
    assert unknown.status_code == 404
    assert (unknown.json()["status"], unknown.json()["errorMsg"]) == ("NOT_FOUND", "Test not found in DAG")
    assert door.post("/api/tests/execute/s.paid", {}).status_code == 400


def test_running_one_test_in_an_ended_task(door: AppDoor) -> None:
    """Under an ended task it is an attempt that changes no other result; a retry runs it again if it failed."""
    door.post("/api/dag/asset/s.people/execute", {"taskId": "t"})
    ended = door.get("/api/dag/tasks").json()["tasks"]
    assert execute(door, "s.lonely", "t").json()["status"] == "FAILED"
    assert execute(door, "root.all", "t").json()["status"] == "SUCCESS"
    status = door.get("/api/dag/status/t").json()
    assert [node["assetName"] for node in status["nodes"]] == ["s.people"]
    assert [(r["testName"], r["status"]) for r in status["rootTestResults"]] == [("root.all", "SUCCESS")]
    assert door.get("/api/dag/tasks").json()["tasks"] == ended
    before = data(door, "s.lonely", "?taskId=t")["executedAt"]
    door.post("/api/dag/retry/t")
    assert data(door, "s.lonely", "?taskId=t")["executedAt"] > before


def test_a_test_that_takes_long(tmp_path: Path, opened: OpenDoor) -> None:
    """A test that outlasts the POST gives 202; the same POST joins it, another waits for it, a cancel ends it."""
    files = {model("s.a"): "SELECT 1 AS n", data_test("s.slow"): SLOW_SQL, data_test("s.quick"): "SELECT 1"}
    door = opened(write_project(tmp_path, files), post_wait_ms=200)
    first = execute(door, "s.slow", "t")
    assert (first.status_code, first.json()["status"], first.json()["couldNotRun"]) == (202, "IN_PROGRESS", False)
    assert execute(door, "s.slow", "t").status_code == 202
    waiting = execute(door, "s.quick", "other")
    assert (waiting.status_code, waiting.json()["status"], waiting.json()["executedAt"]) == (202, "INITIAL", "")
    assert door.get("/api/tests/data/s.slow?taskId=t").json()["status"] == "IN_PROGRESS"
    answers: list[Any] = []
    late = threading.Thread(target=lambda: answers.append(execute(door, "s.quick", "t")))
    late.start()
    assert door.post("/api/dag/cancel/t").status_code == 200
    late.join()
    assert answers[0].status_code in (202, 500)
    ended = door.get("/api/tests/data/s.slow?taskId=t&attempt=1").json()
    assert (ended["status"], ended["couldNotRun"], ended["errorMsg"]) == ("FAILED", True, "cancelled")


def test_a_server_that_dies_under_a_test(tmp_path: Path, serve: Serve) -> None:
    """A test that was running when the server died counts as one that could not run, and can be retried."""
    files = {model("s.a"): "SELECT 1 AS n", data_test("s.slow"): SLOW_SQL}
    door = serve(write_project(tmp_path, files), post_wait_ms=200)
    assert execute(door, "s.slow", "t").status_code == 202
    wait_until(lambda: '"IN_PROGRESS"' in door.get("/api/tests/data/s.slow?taskId=t").text)
    door.stop(9)  # type: ignore[call-arg]  # a server's door
    door.start()
    found = data(door, "s.slow", "?taskId=t")
    assert (found["status"], found["couldNotRun"], found["errorMsg"]) == (
        "FAILED",
        True,
        "interrupted: server restarted",
    )
    assert found["executedAt"].endswith("Z")
    assert door.post("/api/dag/retry/t").status_code == 202
    wait_until(lambda: '"IN_PROGRESS"' in door.get("/api/tests/data/s.slow?taskId=t").text)


def test_a_damaged_frame_of_rows(people: Path, opened: OpenDoor) -> None:
    """Rows whose file is damaged give 500 with the reason."""
    door = opened(people)
    door.run("t")
    for file in (people / ".dagscope" / "frames").iterdir():
        file.write_bytes(b"nonsense")
    answer = door.get("/api/tests/data/s.known?taskId=t")
    assert (answer.status_code, answer.json()["rowCount"]) == (500, 3)
    assert "its bytes have changed" in answer.json()["errorMsg"]


def test_pages_of_an_assets_data(door: AppDoor) -> None:
    """With a task or a page, the data of an asset includes the page and the total number of rows."""
    door.post("/api/dag/asset/s.people/execute", {"taskId": "t"})
    path = "/api/dag/asset/s.people/data"
    page = door.get(f"{path}?taskId=t&offset=1&limit=1").json()
    assert [page[key] for key in ("totalRecords", "offset", "limit", "rowCount", "columns")] == [
        3,
        1,
        1,
        3,
        ["id", "email", "paid"],
    ]
    assert len(page["data"]) == 1
    whole = door.get(f"{path}?taskId=t").json()
    assert (whole["totalRecords"], whole["offset"], "limit" in whole) == (3, 0, False)
    assert "totalRecords" not in door.get(path).json()
