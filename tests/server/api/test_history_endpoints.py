"""`GET /api/dag/history`: the newest tasks side by side."""

from pathlib import Path
from typing import Any

import pytest

from dagscope.server.api import history_endpoints
from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, write_project


@pytest.fixture
def orders(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    """A project whose data decides what fails: SQL, a test of an asset, or a root test."""
    files = {
        model("s.orders"): "SELECT CAST({{ param('id', 1) }} AS INTEGER) AS id, {{ param('long', 1) }} AS text",
        model("s.paid"): block("tests: [{name: small}]") + 'SELECT id FROM {{ Ref("s.orders") }}',
        model("s.report"): 'SELECT id FROM {{ Ref("s.paid") }}',
        data_test("s.small"): 'SELECT id FROM {{ Ref("s.paid") }} WHERE id > 5',
        data_test("root.odd"): 'SELECT id FROM {{ Ref("s.orders") }} WHERE id % 2 = 0',
    }
    return opened(write_project(tmp_path, files))


def history(door: AppDoor, query: str = "") -> Any:
    answer = door.get(f"/api/dag/history{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def outline(task: Any) -> tuple[Any, ...]:
    return tuple(task[key] for key in ("taskId", "attempt", "skippedAssets", "failedTests", "violatingRows"))


def test_tasks_side_by_side(orders: AppDoor) -> None:
    """Tasks come oldest first, each with its counts and what failed first; assets and tests are aligned with them."""
    for task_id, value in (("good", 1), ("even", 2), ("large", 7), ("broken", "nope")):
        orders.run(task_id, data={"id": value})
    found = history(orders)
    good, even, large, broken = found["tasks"]
    assert [outline(task) for task in found["tasks"]] == [
        ("good", 1, 0, 0, 0),
        ("even", 1, 0, 1, 1),
        ("large", 1, 1, 1, 1),
        ("broken", 1, 2, 0, 0),
    ]
    assert good["durationMs"] == good["endTime"] - good["startTime"]
    assert "firstFailure" not in good
    assert even["firstFailure"] == {"message": "1 row violates this test", "testName": "root.odd", "rowCount": 1}
    assert large["firstFailure"] == {
        "message": "tests failed: s.small (1 row)",
        "assetName": "s.paid",
        "testName": "s.small",
        "rowCount": 1,
    }
    assert broken["firstFailure"]["assetName"] == "s.orders"
    assert broken["firstFailure"]["message"].startswith("SQL execution failed: Conversion Error")
    names = ("s.orders", "s.paid", "s.report")
    assert {asset["name"]: asset["states"] for asset in found["assets"]} == dict(
        zip(
            names,
            (
                ["SUCCESS", "SUCCESS", "SUCCESS", "FAILED"],
                ["SUCCESS", "SUCCESS", "FAILED", "INITIAL"],
                ["SUCCESS", "SUCCESS", "INITIAL", "INITIAL"],
            ),
            strict=True,
        )
    )
    assert [[ms is None for ms in asset["durationsMs"]] for asset in found["assets"]][2] == [False, False, True, True]
    assert found["tests"] == [
        {
            "name": "root.odd",
            "rowCounts": [0, 1, 0, None],
            "statuses": ["SUCCESS", "FAILED", "SUCCESS", None],
        },
        {"name": "s.small", "rowCounts": [0, 0, 1, None], "statuses": ["SUCCESS", "SUCCESS", "FAILED", None]},
    ]


def test_pages(orders: AppDoor) -> None:
    """`limit` and `taskId` select the newest tasks up to one, by its task id or uuid; `hasEarlier` if more exist."""
    assert history(orders) == {"tasks": [], "assets": [], "tests": [], "hasEarlier": False}
    for task_id in "abc":
        orders.run(task_id)
    uuid = history(orders)["tasks"][1]["taskUuid"]
    for query, task_ids, has_earlier in (
        ("?limit=2", ["b", "c"], True),
        ("?limit=3", ["a", "b", "c"], False),
        ("?taskId=b", ["a", "b"], False),
        (f"?taskId={uuid}&limit=1", ["b"], True),
    ):
        found = history(orders, query)
        assert ([task["taskId"] for task in found["tasks"]], found["hasEarlier"]) == (task_ids, has_earlier)
        assert {len(asset["states"]) for asset in found["assets"]} == {len(task_ids)}


def test_single_assets_selections_and_tests(orders: AppDoor) -> None:
    """A task has only its own assets, a selection none; what an attempt carries over keeps its counts."""
    orders.run("whole", data={"id": 8})
    orders.post("/api/dag/asset/s.orders/execute", {"taskId": "one"})
    orders.post("/api/dag/asset/s.orders/select", {"taskId": "query"})
    orders.post("/api/tests/execute/s.small", {"taskId": "lone"})
    orders.post("/api/dag/asset/s.orders/execute", {"taskId": "whole"})
    found = history(orders)
    assert [(task["taskId"], task["attempt"], task["totalAssets"]) for task in found["tasks"]] == [
        ("one", 1, 1),
        ("query", 1, 1),
        ("lone", 1, 0),
        ("whole", 2, 3),
    ]
    assert {asset["name"]: asset["states"] for asset in found["assets"]} == {
        "s.orders": ["SUCCESS", None, None, "SUCCESS"],
        "s.paid": [None, None, None, "FAILED"],
        "s.report": [None, None, None, "INITIAL"],
    }
    assert {test["name"]: test["rowCounts"] for test in found["tests"]} == {
        "root.odd": [None, None, None, 1],
        "s.small": [None, None, 1, 1],
    }
    assert found["tasks"][-1]["violatingRows"] == 2
    assert [each["testName"] for each in orders.get("/api/dag/status/lone").json()["loneTestResults"]] == ["s.small"]


def test_invalid_parameters(orders: AppDoor) -> None:
    """A limit out of range, an invalid task id and an unknown task are refused, each with what would be right."""
    for query in ("limit=0", f"limit={history_endpoints.MOST_TASKS + 1}", "limit=x"):
        answer = orders.get(f"/api/dag/history?{query}")
        value = query.partition("=")[2]
        error = f"Invalid request format: 'limit' must be a whole number from 1 to 200, found '{value}'"
        assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert orders.get("/api/dag/history?taskId=").status_code == 400
    answer = orders.get("/api/dag/history?taskId=nix")
    details = "no task has this id; GET /api/dag/tasks lists all tasks"
    assert (answer.status_code, answer.json()) == (404, {"error": "Task not found", "details": details})


def test_long_messages(orders: AppDoor) -> None:
    """The message of the first failure is cut after 500 characters."""
    orders.run("t", data={"id": "x" * 2_000})
    message = history(orders)["tasks"][0]["firstFailure"]["message"]
    assert (len(message), message[-1]) == (501, "…")


def test_rows_in_status_and_stream(orders: AppDoor) -> None:
    """Nodes have the number of rows that they wrote, and red tests that of violations, in status and stream alike."""
    orders.run("t", data={"id": 8})
    nodes = orders.get("/api/dag/status/t").json()["nodes"]
    assert [node.get("rows") for node in nodes] == [1, 1, None]
    assert [result["rowCount"] for result in nodes[1]["testResults"]] == [1]
    streamed = orders.stream("?taskId=t&lastEventId=0&kinds=node,test")
    last = {each["data"]["assetName"]: each["data"] for each in streamed if each["event"] == "node"}
    assert [last[node["assetName"]] | {"taskId": "t"} for node in nodes] == [{**node, "taskId": "t"} for node in nodes]
    assert [each["data"].get("rowCount") for each in streamed if each["event"] == "test"] == [None, 1, None, 1]
