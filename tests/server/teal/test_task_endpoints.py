"""The DAG and its tasks in Teal's shapes (docs/teal.md)."""

from pathlib import Path
from typing import Any

from tests.doors import AppDoor, OpenDoor
from tests.projects import model, write_files


def states(body: dict[str, Any]) -> dict[str, str]:
    return {node["name"]: node["state"] for node in body["nodes"]}


RAN = {"staging.hello": "SUCCESS", "dds.world": "TESTS_FAILED", "mart.last": "SUCCESS", "mart.none": "SUCCESS"}


def test_a_run_whose_tests_fail(teal: AppDoor) -> None:
    """A failed data test fails neither its asset nor its downstreams: the run is 200 and TESTS_FAILED."""
    answer = teal.run("monday")
    body = answer.json()
    assert (answer.status_code, body["status"], states(body)) == (200, "TESTS_FAILED", RAN)
    assert body["tasks"] == body["nodes"]
    counts = ("totalAssets", "completedAssets", "failedAssets", "inProgressAssets")
    assert [body[count] for count in counts] == [4, 4, 0, 0]
    assert [result["testName"] for result in body["rootTestResults"]] == ["root.test_all"]
    assert body["lastTaskName"] in RAN
    status = teal.get("/api/dag/status/monday").json()
    assert status == {key: value for key, value in body.items() if key != "tasks"}


def test_the_list_of_tasks(teal: AppDoor) -> None:
    """Assets whose tests failed are completed in the list of tasks too, and their task is TESTS_FAILED."""
    teal.run("monday")
    (task,) = teal.get("/api/dag/tasks").json()["tasks"]
    assert (task["taskId"], task["status"], task["completedAssets"], task["failedAssets"]) == (
        "monday",
        "TESTS_FAILED",
        4,
        0,
    )


def test_a_run_whose_sql_fails(folder: Path, opened: OpenDoor) -> None:
    """A failed asset fails the task, whose answer is 200 all the same, and its downstreams are not executed."""
    teal = opened(write_files(folder, {model("staging.hello"): "SELECT nope"}), dialect="teal-v1")
    answer = teal.run("monday")
    assert (answer.status_code, answer.json()["status"]) == (200, "FAILED")
    assert states(answer.json()) == RAN | {"staging.hello": "FAILED", "dds.world": "INITIAL", "mart.last": "INITIAL"}
    (task,) = teal.get("/api/dag/tasks").json()["tasks"]
    assert (task["status"], task["failedAssets"]) == ("FAILED", 1)
    retried = teal.post("/api/dag/retry/monday")
    assert (retried.status_code, states(retried.json())) == (200, states(answer.json()))


def test_fail_on_tests(folder: Path, opened: OpenDoor) -> None:
    """With `fail_on_tests`, the downstreams of an asset whose tests failed are skipped, and so the task is FAILED."""
    body = opened(folder, dialect="teal-v1", fail_on_tests=True).run("monday").json()
    assert (body["status"], states(body)) == ("FAILED", RAN | {"mart.last": "INITIAL"})


def test_the_dag(teal: AppDoor) -> None:
    """The DAG has Teal's name, queries with relations instead of references, and the groups of its assets."""
    teal.run("monday")
    dag = teal.get("/api/dag").json()
    assert (dag["dagInstanceName"], states(dag)) == ("hello-world", RAN)
    nodes = {node["name"]: node for node in dag["nodes"]}
    assert nodes["mart.last"]["sqlSelectQuery"] == "SELECT range AS n FROM range(35), dds.world"
    groups = {name: node["TaskGroupIndex"] for name, node in nodes.items()}
    assert groups == {"staging.hello": 0, "mart.none": 0, "dds.world": 1, "mart.last": 2}


def test_what_only_a_run_knows(folder: Path, opened: OpenDoor) -> None:
    """The values that a run passes to a query stand in it as they are written."""
    query = "SELECT '{{ TaskID }}' AS task, '{{ InstanceName }}' AS instance"
    teal = opened(write_files(folder, {model("staging.hello"): query}), dialect="teal-v1")
    nodes = {node["name"]: node for node in teal.get("/api/dag").json()["nodes"]}
    assert nodes["staging.hello"]["sqlSelectQuery"] == query


def test_an_unknown_task(teal: AppDoor) -> None:
    """The status of a task that does not exist is 404 with the body that clients read."""
    answer = teal.get("/api/dag/status/never")
    assert answer.status_code == 404
    assert answer.json() == {"taskId": "never", "status": "NOT_STARTED", "nodes": [], "lastTaskName": ""}


def test_a_lone_test_changes_nothing(teal: AppDoor) -> None:
    """A test that is run alone leaves the task's status, its nodes and the last asset as they were."""
    before = teal.run("monday").json()
    teal.post("/api/tests/execute/dds.test_world_count", {"taskId": "monday"})
    after = teal.get("/api/dag/status/monday").json()
    assert (after["status"], states(after)) == (before["status"], RAN)
    assert after["lastTaskName"] in RAN
    assert [result["testName"] for result in after["rootTestResults"]] == ["root.test_all"]
