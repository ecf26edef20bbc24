"""Every endpoint and every response example of the spec, compared with dagscope's answers.

Each test runs through the app, through an app that is restarted before every request, and against a real server.
"""

from typing import Any

from tests.doors import AppDoor

NODE = {
    "name": "Executing staging.hello",
    "assetName": "staging.hello",
    "state": "SUCCESS",
    "order": 1,
    "startTime": 1737816622000,
    "endTime": 1737816623500,
    "executionTimeMs": 1500,
    "message": "",
    "totalTests": 1,
    "passedTests": 1,
    "failedTests": 0,
    "testResults": [{"testName": "staging.test_hello_exists", "status": "SUCCESS", "durationMs": 45}],
    "timings": {"waitingMs": 0, "queuedMs": 1, "executingMs": 1455, "testingMs": 45},
    "rows": 1,
}
"""A node as the spec's examples have it, with the fields that the contract and dagscope add."""


def like(example: Any, answer: Any) -> bool:
    """Whether the answer has the example's keys, and values of the same kinds; lists are like their first item."""
    if isinstance(example, dict):
        same = isinstance(answer, dict) and answer.keys() == example.keys()
        return same and all(like(example[key], answer[key]) for key in example)
    if isinstance(example, list):
        return isinstance(answer, list) and all(like(example[0], item) for item in answer) if example else answer == []
    return type(answer) is type(example)


def test_dag(door: AppDoor) -> None:
    """`GET /api/dag` shows project, nodes, their SQL as written and as compiled, and their state."""
    answer = door.get("/api/dag")
    assert answer.status_code == 200
    dag = answer.json()
    names = ("hello-world", "github.com/you_git_user/your_project", "hello-world-dag")
    assert (dag["projectName"], dag["moduleName"], dag["dagInstanceName"]) == names
    hello, world = dag["nodes"]
    assert hello == {
        "name": "staging.hello",
        "downstreams": ["dds.world"],
        "upstreams": [],
        "sqlSelectQuery": "SELECT 'Hello' as greeting, 1 as id",
        "sqlCompiledQuery": "CREATE OR REPLACE TABLE staging.hello AS SELECT 'Hello' as greeting, 1 as id",
        "materialization": "table",
        "connectionType": "duckdb",
        "connectionName": "memory_duck",
        "isDataFramed": False,
        "persistInputs": False,
        "tests": ["staging.test_hello_exists"],
        "state": "INITIAL",
        "totalTests": 1,
        "successfulTests": 0,
        "lastExecutionDuration": 0,
        "lastTestsDuration": 0,
        "description": hello["description"],
    }
    assert world["upstreams"] == ["staging.hello"]


def test_dag_after_a_run(door: AppDoor) -> None:
    """After a run the nodes show their state, passed tests and durations."""
    door.run("t")
    hello, world = door.get("/api/dag").json()["nodes"]
    assert [hello["state"], hello["successfulTests"], world["successfulTests"]] == ["SUCCESS", 1, 2]
    assert hello["lastExecutionDuration"] >= 0
    assert world["lastTestsDuration"] >= 0


def test_run_completed(door: AppDoor) -> None:
    """A run that ends in time answers 200 with every node, under `tasks` and under `nodes`."""
    answer = door.run("task_20250125_143022", data={"input_param1": "value1", "input_param2": 42})
    assert answer.status_code == 200
    body = answer.json()
    assert like(
        {
            "taskId": "task_20250125_143022",
            "taskUuid": "0198c5f4-6d5c-4d0e-9f6e-2f1f0e4c8a11",
            "attempt": 1,
            "newestAttempt": 1,
            "status": "SUCCESS",
            "startTime": 1737816622000,
            "endTime": 1737816625000,
            "completedAssets": 2,
            "totalAssets": 2,
            "failedAssets": 0,
            "inProgressAssets": 0,
            "tasks": [NODE],
            "nodes": [NODE],
            "rootTestResults": [],
            "lastTaskName": "Executing dds.world",
        },
        body,
    )
    assert body["tasks"] == body["nodes"]
    assert [body[key] for key in ("status", "completedAssets", "failedAssets", "inProgressAssets")] == [
        "SUCCESS",
        2,
        0,
        0,
    ]
    assert [(node["name"], node["order"], node["state"]) for node in body["nodes"]] == [
        ("Executing staging.hello", 1, "SUCCESS"),
        ("Executing dds.world", 2, "SUCCESS"),
    ]
    assert body["lastTaskName"] == "Executing dds.world"


def test_status(door: AppDoor) -> None:
    """The status of an ended task is the run's answer without `tasks`, however often it is asked."""
    ran = door.run("t").json()
    del ran["tasks"]
    answer = door.get("/api/dag/status/t")
    assert (answer.status_code, answer.json()) == (200, ran)
    assert door.get("/api/dag/status/t").json() == ran


def test_status_of_an_unknown_task(door: AppDoor) -> None:
    """An unknown task gives 404 with exactly the spec's four fields."""
    answer = door.get("/api/dag/status/unknown_task")
    assert answer.status_code == 404
    assert answer.json() == {"taskId": "unknown_task", "status": "NOT_STARTED", "nodes": [], "lastTaskName": ""}


def test_tasks(door: AppDoor) -> None:
    """Tasks are listed newest first, and counted."""
    door.run("first")
    door.run("second")
    answer = door.get("/api/dag/tasks")
    assert answer.status_code == 200
    summary = {
        "taskId": "second",
        "taskUuid": "0198c5f4-6d5c-4d0e-9f6e-2f1f0e4c8a11",
        "status": "SUCCESS",
        "startTime": 1737816622000,
        "endTime": 1737816625000,
        "totalAssets": 2,
        "completedAssets": 2,
        "failedAssets": 0,
        "inProgressAssets": 0,
    }
    assert like({"tasks": [summary], "total": 2}, answer.json())
    assert [task["taskId"] for task in answer.json()["tasks"]] == ["second", "first"]


def test_task_uuid(door: AppDoor) -> None:
    """Run, status and tasks answers have the server's own id of the task, by which it is found too."""
    run = door.run("t").json()
    status = door.get(f"/api/dag/status/{run['taskUuid']}").json()
    assert (status["taskId"], status["taskUuid"]) == ("t", run["taskUuid"])
    assert [task["taskUuid"] for task in door.get("/api/dag/tasks").json()["tasks"]] == [run["taskUuid"]]
    assert door.get(f"/api/dag/asset/dds.world/data?taskId={run['taskUuid']}").status_code == 200


def test_name_that_no_task_can_have(door: AppDoor) -> None:
    """`default` is the name under which log entries without a task are, and no task's id."""
    answer = door.run("default")
    assert answer.status_code == 400
    assert answer.json()["error"] == (
        'Invalid request format: taskId cannot be "default": log entries that belong to no task are under it'
    )
    assert door.get("/api/logs/default").status_code == 200


def test_tasks_by_pages(door: AppDoor) -> None:
    """`limit` and `cursor` page the tasks; the last page has no cursor."""
    for name in ("a", "b", "c"):
        door.run(name)
    first = door.get("/api/dag/tasks?limit=2").json()
    assert ([task["taskId"] for task in first["tasks"]], first["total"]) == (["c", "b"], 3)
    last = door.get("/api/dag/tasks", params={"limit": 2, "cursor": first["cursor"]}).json()
    assert ([task["taskId"] for task in last["tasks"]], "cursor" in last) == (["a"], False)


def test_reset(door: AppDoor) -> None:
    """Reset clears tasks, states, data and logs, and says so in the spec's words."""
    door.run("t")
    answer = door.post("/api/dag/reset")
    assert answer.status_code == 200
    assert answer.json() == {"message": "DAG state reset successfully", "status": "SUCCESS"}
    assert door.get("/api/dag/tasks").json() == {"tasks": [], "total": 0}
    assert [node["state"] for node in door.get("/api/dag").json()["nodes"]] == ["INITIAL", "INITIAL"]
    assert door.get("/api/dag/asset/staging.hello/data").status_code == 204
    assert door.get("/api/logs").json() == {"logs": {}, "taskCount": 0, "totalLogCount": 0}


def test_execute(door: AppDoor) -> None:
    """Executing one asset answers 200 with its rows and the upstreams it used."""
    door.post("/api/dag/asset/staging.hello/execute", {"taskId": "a"})
    answer = door.post("/api/dag/asset/dds.world/execute", {"taskId": "b"})
    assert answer.status_code == 200
    body = answer.json()
    assert like(
        {
            "taskId": "b",
            "assetName": "dds.world",
            "status": "SUCCESS",
            "startTime": 1737816622000,
            "endTime": 1737816623500,
            "executionTimeMs": 1500,
            "result": {"rows_affected": 1, "data": [{"greeting": "Hello", "count": 1}]},
            "error": "",
            "upstreamsUsed": ["staging.hello"],
        },
        body,
    )
    assert body["upstreamsUsed"] == ["staging.hello"]
    assert body["result"]["rows_affected"] == 1


def test_execute_before_any_upstream_ran(door: AppDoor) -> None:
    """An upstream that no task has executed is not among those used."""
    body = door.post("/api/dag/asset/staging.hello/execute", {"taskId": "a"}).json()
    assert (body["status"], body["upstreamsUsed"]) == ("SUCCESS", [])


def test_execute_an_unknown_asset(door: AppDoor) -> None:
    """An unknown asset gives 404, in the shape of a failed execution."""
    answer = door.post("/api/dag/asset/unknown.asset/execute", {"taskId": "a"})
    assert answer.status_code == 404
    assert answer.json() == {
        "taskId": "a",
        "assetName": "unknown.asset",
        "status": "FAILED",
        "executionTimeMs": 0,
        "error": "Asset not found in DAG",
        "upstreamsUsed": [],
    }


def test_data(door: AppDoor) -> None:
    """The data of an executed asset is its rows as objects, with columns in SQL order."""
    door.run("t")
    answer = door.get("/api/dag/asset/staging.hello/data")
    assert answer.status_code == 200
    assert answer.json() == {
        "assetName": "staging.hello",
        "hasData": True,
        "dataType": "dataframe",
        "isDataFramed": False,
        "data": [{"greeting": "Hello", "id": 1}],
        "rowCount": 1,
        "columnCount": 2,
        "columns": ["greeting", "id"],
        "error": "",
    }


def test_data_before_any_execution(door: AppDoor) -> None:
    """An asset that was never executed has no data: 204 without a body."""
    answer = door.get("/api/dag/asset/staging.hello/data")
    assert (answer.status_code, answer.content) == (204, b"")


def test_data_of_an_unknown_asset(door: AppDoor) -> None:
    """An unknown asset's data is the spec's 404."""
    answer = door.get("/api/dag/asset/unknown.asset/data")
    assert answer.status_code == 404
    assert answer.json() == {
        "assetName": "unknown.asset",
        "hasData": False,
        "dataType": "",
        "isDataFramed": False,
        "error": "Asset not found in DAG",
    }


def test_data_of_an_unknown_task(door: AppDoor) -> None:
    """An unknown task gives 404, with another error than an unknown asset."""
    answer = door.get("/api/dag/asset/staging.hello/data?taskId=nope")
    assert (answer.status_code, answer.json()["error"]) == (404, "Task not found")


def test_data_of_a_task_that_no_longer_owns_the_relation(door: AppDoor) -> None:
    """A relation answers for the task that last wrote it; an older task gets 204."""
    door.run("old")
    door.run("new")
    assert door.get("/api/dag/asset/staging.hello/data?taskId=old").status_code == 204
    assert door.get("/api/dag/asset/staging.hello/data?taskId=new").json()["rowCount"] == 1


def test_tests(door: AppDoor) -> None:
    """`GET /api/tests` lists every data test with its SQL, connection and status."""
    before = door.get("/api/tests").json()["tests"]
    assert [test["name"] for test in before] == [
        "dds.test_world_count",
        "dds.test_world_greeting_unique",
        "staging.test_hello_exists",
    ]
    assert before[2] == {
        "name": "staging.test_hello_exists",
        "sql": "SELECT * FROM staging.hello WHERE greeting IS NULL",
        "connectionName": "memory_duck",
        "connectionType": "duckdb",
        "status": "INITIAL",
        "description": before[2]["description"],
    }
    door.run("t")
    assert {test["status"] for test in door.get("/api/tests").json()["tests"]} == {"SUCCESS"}


def test_task_logs(door: AppDoor) -> None:
    """The log of a task has level, time, message and taskId, and asset and connection where they belong."""
    door.run("t")
    answer = door.get("/api/logs/t")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["taskId"], body["count"]) == ("t", len(body["logs"]))
    first, second = body["logs"][:2]
    assert (first["level"], first["message"], first["taskId"]) == ("info", "Starting DAG execution", "t")
    assert (second["level"], second["message"]) == ("debug", "Executing asset: staging.hello")
    assert (second["asset"], second["connection"]) == ("staging.hello", "memory_duck")


def test_logs_of_an_unknown_task(door: AppDoor) -> None:
    """A task without entries has an empty log."""
    assert door.get("/api/logs/nobody").json() == {"taskId": "nobody", "logs": [], "count": 0}


def test_all_logs(door: AppDoor) -> None:
    """`GET /api/logs` has the entries of every task under its id, and counts them."""
    door.run("a")
    door.run("b")
    body = door.get("/api/logs").json()
    assert (list(body["logs"]), body["taskCount"]) == (["a", "b"], 2)
    assert body["totalLogCount"] == sum(map(len, body["logs"].values()))
    assert body["logs"]["a"] == door.get("/api/logs/a").json()["logs"]


def test_delete_task_logs(door: AppDoor) -> None:
    """Clearing a task's log says so in the spec's words, and leaves the others."""
    door.run("a")
    door.run("b")
    answer = door.delete("/api/logs/a")
    assert answer.status_code == 200
    assert answer.json() == {"message": "Logs cleared for task: a", "taskId": "a"}
    assert list(door.get("/api/logs").json()["logs"]) == ["b"]


def test_delete_logs_of_no_task(door: AppDoor) -> None:
    """`DELETE /api/logs/` gives 400 and deletes nothing."""
    door.run("a")
    answer = door.delete("/api/logs/")
    assert (answer.status_code, answer.json()) == (400, {"error": "taskId is required"})
    assert door.get("/api/logs/a").json()["count"] > 0


def test_delete_all_logs(door: AppDoor) -> None:
    """Clearing all logs says so in the spec's words."""
    door.run("a")
    answer = door.delete("/api/logs")
    assert (answer.status_code, answer.json()) == (200, {"message": "All logs cleared successfully"})
    assert door.get("/api/logs").json() == {"logs": {}, "taskCount": 0, "totalLogCount": 0}


def test_missing_task_id(door: AppDoor) -> None:
    """A body without `taskId` gives 400 in the spec's words."""
    for path in ("/api/dag/run", "/api/dag/asset/staging.hello/execute"):
        answer = door.post(path, {"data": {}})
        assert answer.status_code == 400
        assert answer.json() == {"error": "Invalid request format: missing required field 'taskId'"}
