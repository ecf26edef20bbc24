"""Running a data test alone, and its rows, in Teal's shapes (docs/teal.md)."""

from pathlib import Path

from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import write_files

COUNT = "dds.test_world_count"


def test_a_test_that_finds_rows(teal: AppDoor) -> None:
    """A test that found rows is 200, and says so; its rows are exact."""
    teal.run("monday")
    answer = teal.post(f"/api/tests/execute/{COUNT}", {"taskId": "monday"})
    body = answer.json()
    assert (answer.status_code, body["status"], body["rowCount"], body["errorMsg"]) == (200, "FAILED", 1, "")
    found = teal.get(f"/api/tests/data/{COUNT}?taskId=monday").json()
    assert found["data"] == [{"greeting": "Hello", "count": -1, "big": 9223372036854775807}]


def test_a_test_that_cannot_run(folder: Path, opened: OpenDoor) -> None:
    """A test whose SQL is wrong, and one that does not exist, are 200 and FAILED, with the reason."""
    teal = opened(write_files(folder, {data_test("root.wrong"): "SELECT error('nope')"}), dialect="teal-v1")
    answers = [teal.post(f"/api/tests/execute/{name}", {"taskId": "look"}) for name in ("root.wrong", "root.wrnog")]
    assert [(each.status_code, each.json()["status"], each.json()["errorMsg"]) for each in answers] == [
        (200, "FAILED", "could not run: Invalid Input Error: nope"),
        (200, "FAILED", "Test not found in DAG"),
    ]


def test_a_test_outlasts_other_posts(folder: Path, opened: OpenDoor) -> None:
    """A test is answered once it has ended, however short other POSTs wait: clients of Teal do not ask again."""
    teal = opened(folder, dialect="teal-v1", post_wait_ms=0)
    answer = teal.post("/api/tests/execute/staging.test_hello_exists", {"taskId": "look"})
    assert (answer.status_code, answer.json()["status"]) == (200, "FAILED")


def test_rows_of_a_test_that_did_not_run(teal: AppDoor) -> None:
    """The rows of a test that the task did not run, or of an unknown one, are 404 with a body, never 204."""
    for name, description in ((COUNT, "No greeting was said a negative number of times"), ("dds.nope", "")):
        answer = teal.get(f"/api/tests/data/{name}?taskId=never")
        assert answer.status_code == 404
        assert answer.json() == {
            "testName": name,
            "description": description,
            "taskId": "never",
            "status": "NOT_FOUND",
            "rowCount": 0,
            "data": [],
            "executedAt": "",
        }


def test_the_results_of_a_task(teal: AppDoor) -> None:
    """The tests of a task are listed; a task that does not exist has none."""
    teal.run("monday")
    names = [test["name"] for test in teal.get("/api/tests/results/monday").json()["tests"]]
    assert names == ["staging.test_hello_exists", COUNT, "root.test_all"]
    assert teal.get("/api/tests/results/never").json() == {"taskId": "never", "tests": []}
