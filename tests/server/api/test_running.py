"""What runs, waits, joins and fails (contract, Task and node status)."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dagscope.dag.ground.clock import now_ms
from tests.doors import AppDoor, OpenDoor, Serve, wait_until
from tests.projects import block, model, raw, write_project

GATE = """
import pathlib, time

def execute(context):
    gate = pathlib.Path(__file__).parents[3] / "gate"
    with (gate.parent / "executions").open("a") as file:
        file.write(context.task_id + "\\n")
    while not gate.exists():
        time.sleep(0.01)
    return 1
"""
"""A raw asset that ends once there is a file `gate`, and records each of its executions."""


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    """A project with a gated raw asset and a SQL one under it."""
    profile = """\
version: 1.0.0
name: gated
connection: duck
models:
  stages:
    - name: mart
      models:
        - name: done
          raw_upstreams: [staging.gate]
"""
    files = {
        "profile.yaml": profile,
        raw("staging.gate"): GATE,
        raw("mart.done"): "def execute(context):\n    return 2\n",
    }
    return write_project(tmp_path, files)


def dag_states(door: AppDoor) -> list[str]:
    return [node["state"] for node in door.get("/api/dag").json()["nodes"]]


def executions(folder: Path) -> list[str]:
    return (folder / "executions").read_text().split()


def test_a_run_that_takes_long(gated: Path, opened: OpenDoor) -> None:
    """A POST whose time is up answers 202 PENDING; the status says IN_PROGRESS, and later SUCCESS."""
    door = opened(gated, post_wait_ms=100)
    answer = door.run("t")
    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")
    status = door.get("/api/dag/status/t").json()
    assert (status["status"], status["inProgressAssets"]) == ("IN_PROGRESS", 1)
    gate, done = status["nodes"]
    assert (gate["state"], gate["executionTimeMs"], "endTime" in gate) == ("IN_PROGRESS", 0, False)
    assert (done["state"], done["testResults"], "startTime" in done) == ("INITIAL", [], False)
    (gated / "gate").touch()
    wait_until(lambda: door.get("/api/dag/status/t").json()["status"] == "SUCCESS")


def test_an_execute_that_takes_long(gated: Path, opened: OpenDoor) -> None:
    """An execute whose time is up answers 202 in the spec's shape."""
    door = opened(gated, post_wait_ms=100)
    answer = door.post("/api/dag/asset/staging.gate/execute", {"taskId": "t"})
    body = answer.json()
    assert answer.status_code == 202
    assert body == {
        "taskId": "t",
        "assetName": "staging.gate",
        "status": "IN_PROGRESS",
        "startTime": body["startTime"],
        "upstreamsUsed": [],
    }
    (gated / "gate").touch()


def test_ten_posts_of_one_task(gated: Path, serve: Serve) -> None:
    """Ten posts of one running task are one execution with one answer, over real HTTP."""
    door = serve(gated)
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(door.run, "t") for _ in range(10)]
        wait_until((gated / "executions").exists)
        (gated / "gate").touch()
        bodies = [answer.result().json() for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["status"] == "SUCCESS"
    assert executions(gated) == ["t"]


def test_two_tasks_at_once(gated: Path, opened: OpenDoor) -> None:
    """Of two tasks posted at once, the second waits, IN_PROGRESS with all nodes INITIAL; both succeed."""
    door = opened(gated, post_wait_ms=50)
    door.run("first")
    assert door.run("second").status_code == 202
    waiting = door.get("/api/dag/status/second").json()
    assert (waiting["status"], {node["state"] for node in waiting["nodes"]}) == ("IN_PROGRESS", {"INITIAL"})
    (gated / "gate").touch()
    wait_until(lambda: door.get("/api/dag/status/second").json()["status"] == "SUCCESS")
    assert door.get("/api/dag/status/first").json()["status"] == "SUCCESS"
    assert executions(gated) == ["first", "second"]


def test_execute_joins_a_running_task(gated: Path, opened: OpenDoor) -> None:
    """An execute in a running task that has yet to execute the asset joins it."""
    door = opened(gated, post_wait_ms=20_000)
    with ThreadPoolExecutor(2) as pool:
        ran = pool.submit(door.run, "t")
        wait_until((gated / "executions").exists)
        executed = pool.submit(door.post, "/api/dag/asset/mart.done/execute", {"taskId": "t"})
        (gated / "gate").touch()
        assert ran.result().json()["status"] == "SUCCESS"
        assert executed.result().json()["result"] == {"rows_affected": 0, "data": 2}
    assert executions(gated) == ["t"]


def test_execute_under_an_ended_task(gated: Path, opened: OpenDoor) -> None:
    """An execute in an ended task is a new attempt; the other nodes are carried over, not executed."""
    (gated / "gate").touch()
    door = opened(gated)
    before = door.run("t").json()["nodes"][0]
    door.post("/api/dag/asset/mart.done/execute", {"taskId": "t"})
    wait_until(lambda: door.get("/api/dag/status/t").json()["status"] == "SUCCESS")  # it answers before the task ends
    status = door.get("/api/dag/status/t").json()
    assert (status["totalAssets"], status["completedAssets"]) == (2, 2)
    assert status["nodes"][0] == before
    assert executions(gated) == ["t"]


def test_a_task_posted_again(gated: Path, opened: OpenDoor) -> None:
    """Posting an ended task runs it again; there is still one task, and its log keeps the earlier attempt."""
    (gated / "gate").touch()
    door = opened(gated)
    door.run("t")
    entries = door.get("/api/logs/t").json()["count"]
    door.run("t")
    assert executions(gated) == ["t", "t"]
    assert door.get("/api/dag/tasks").json()["total"] == 1
    assert door.get("/api/logs/t").json()["count"] == 2 * entries


def test_reset_while_a_task_runs(gated: Path, opened: OpenDoor) -> None:
    """A reset while a task runs gives 500 in the spec's words, and loses nothing."""
    door = opened(gated, post_wait_ms=50)
    door.run("t")
    answer = door.post("/api/dag/reset")
    assert answer.status_code == 500
    details = "Cannot reset while execution is in progress"
    assert answer.json() == {"error": "Failed to reset DAG state", "details": details}
    assert door.get("/api/dag/status/t").status_code == 200
    (gated / "gate").touch()


BROKEN = {
    model("staging.good"): "SELECT 1 AS id",
    model("staging.bad"): "SELECT no_such_column FROM {{ Ref('staging.good') }}",
    model("dds.under"): "SELECT * FROM {{ Ref('staging.bad') }}",
    model("dds.beside"): "SELECT * FROM {{ Ref('staging.good') }}",
}


def test_a_sql_error(tmp_path: Path, opened: OpenDoor) -> None:
    """A SQL error is in the node, the log and the answer; downstreams are skipped, other branches finish."""
    door = opened(write_project(tmp_path, BROKEN))
    answer = door.run("t")
    assert (answer.status_code, answer.json()["status"]) == (500, "FAILED")
    nodes = {node["assetName"]: node for node in answer.json()["nodes"]}
    message = nodes["staging.bad"]["message"]
    assert message.startswith('SQL execution failed: Binder Error: Referenced column "no_such_column" not found')
    assert nodes["staging.bad"]["state"] == "FAILED"
    assert (nodes["dds.under"]["state"], nodes["dds.under"]["message"]) == (
        "INITIAL",
        "skipped: upstream staging.bad failed",
    )
    assert nodes["dds.beside"]["state"] == "SUCCESS"
    errors = [entry for entry in door.get("/api/logs/t").json()["logs"] if entry["level"] == "error"]
    assert (errors[0]["message"], errors[0]["error"], errors[0]["asset"]) == (
        "Asset execution failed",
        message,
        "staging.bad",
    )


def test_execute_of_a_failing_asset(tmp_path: Path, opened: OpenDoor) -> None:
    """An execute that fails answers 500 in the spec's shape."""
    door = opened(write_project(tmp_path, BROKEN))
    door.post("/api/dag/asset/staging.good/execute", {"taskId": "a"})
    answer = door.post("/api/dag/asset/staging.bad/execute", {"taskId": "t"})
    body = answer.json()
    assert answer.status_code == 500
    assert list(body) == [
        "taskId",
        "assetName",
        "status",
        "startTime",
        "endTime",
        "executionTimeMs",
        "error",
        "upstreamsUsed",
    ]
    assert (body["status"], body["upstreamsUsed"]) == ("FAILED", ["staging.good"])
    assert body["error"].startswith("SQL execution failed: Binder Error")


def test_a_failing_test(tmp_path: Path, opened: OpenDoor) -> None:
    """A failing data test fails its node, which names it; an exception of a raw asset is shown with file and line."""
    files = {
        model("staging.numbers"): block("tests:\n  - name: positive\n  - name: broken")
        + "SELECT -1 AS n UNION ALL SELECT -2",
        "assets/tests/staging/positive.sql": "SELECT * FROM {{ Ref('staging.numbers') }} WHERE n < 0",
        "assets/tests/staging/broken.sql": "SELECT nothing FROM {{ Ref('staging.numbers') }}",
        raw("mart.fails"): "def execute(context):\n    return 1 / 0\n",
    }
    door = opened(write_project(tmp_path, files))
    nodes = {node["assetName"]: node for node in door.run("t").json()["nodes"]}
    tested = nodes["staging.numbers"]
    assert (tested["state"], tested["passedTests"], tested["failedTests"]) == ("FAILED", 0, 2)
    assert tested["message"].startswith(
        "tests failed: staging.positive (2 rows), staging.broken (could not run: Binder"
    )
    assert tested["testResults"][0]["error"] == "2 rows violate this test"
    assert nodes["mart.fails"]["message"] == "ZeroDivisionError: division by zero (fails.py:2)"


def test_root_tests(tmp_path: Path, opened: OpenDoor) -> None:
    """A failing root test fails the task; one that refers to a node without success is absent."""
    files = BROKEN | {
        "assets/tests/none.sql": "SELECT * FROM {{ Ref('staging.good') }}",
        "assets/tests/unreachable.sql": "SELECT * FROM {{ Ref('staging.bad') }}",
    }
    door = opened(write_project(tmp_path, files))
    results = door.run("t").json()["rootTestResults"]
    assert [(result["testName"], result["status"], result["error"]) for result in results] == [
        ("root.none", "FAILED", "1 row violates this test")
    ]


def test_a_locked_database(hello: Path, opened: OpenDoor, serve: Serve) -> None:
    """Nodes fail with the pid of the process that has locked their database file; once it is free, they succeed."""
    (hello / "store").mkdir()
    holder = serve(hello)
    holder.run("holder")
    other = write_project(hello.parent / "other", {model("staging.a"): "SELECT 1 AS id"})
    config = (other / "config.yaml").read_text().replace("store/small.duckdb", str(hello / "store" / "hello.duckdb"))
    (other / "config.yaml").write_text(config)
    door = opened(other)
    node = door.run("t").json()["nodes"][0]
    path = hello / "store" / "hello.duckdb"
    assert node["message"] == (
        f'connection "duck": database file {path} is locked by process {holder.process.pid}; '
        "close it there, then run again"
    )
    holder.stop()
    assert door.run("t").json()["status"] == "SUCCESS"


def test_logs_in_pages(hello: Path, opened: OpenDoor) -> None:
    """The pages of a task's entries have all of them; the last page's cursor gives those that come later."""
    door = opened(hello)
    door.run("t")
    whole = door.get("/api/logs/t").json()
    assert list(whole) == ["taskId", "logs", "count"]
    entries, page = [], {"cursor": "0", "hasMore": True}
    while page["hasMore"]:
        page = door.get(f"/api/logs/t?limit=3&cursor={page['cursor']}").json()
        assert page["count"] == len(page["logs"])
        entries += page["logs"]
    assert entries == whole["logs"]
    assert door.get(f"/api/logs/t?limit=3&cursor={page['cursor']}").json()["logs"] == []
    door.run("t")
    assert door.get(f"/api/logs/t?cursor={page['cursor']}").json()["count"] == whole["count"]
    refused = door.get("/api/logs/t?limit=0")
    message = "Invalid request format: 'limit' must be a whole number of 1 or more, found '0'"
    assert (refused.status_code, refused.json()) == (400, {"error": message})


def test_logs_without_a_store(hello: Path, opened: OpenDoor) -> None:
    """Without a log store, the four log endpoints answer 501 in the spec's words."""
    door = opened(hello, store_logs=False)
    door.run("t")
    for method, path in (
        ("GET", "/api/logs"),
        ("GET", "/api/logs/t"),
        ("DELETE", "/api/logs"),
        ("DELETE", "/api/logs/t"),
    ):
        answer = door.request(method, path)
        assert (answer.status_code, answer.json()) == (501, {"error": "Log writer not configured"})
    assert not [m for m in door.stream("?taskId=t&lastEventId=0") if m["event"] == "log"]


def test_waiting_changes_nothing(gated: Path, opened: OpenDoor) -> None:
    """A task that waits, and one that is cancelled while it waits, leave the DAG's states unchanged."""
    door = opened(gated, post_wait_ms=50)
    (gated / "gate").touch()
    door.run("before")
    wait_until(lambda: door.get("/api/dag/status/before").json()["status"] == "SUCCESS")
    (gated / "gate").unlink()
    door.run("first")
    wait_until(lambda: door.get("/api/dag/status/first").json()["inProgressAssets"] == 1)
    assert dag_states(door) == ["IN_PROGRESS", "INITIAL"]
    door.run("second")
    assert dag_states(door) == ["IN_PROGRESS", "INITIAL"]
    door.post("/api/dag/cancel/second")
    assert dag_states(door) == ["IN_PROGRESS", "INITIAL"]
    (gated / "gate").touch()
    wait_until(lambda: door.get("/api/dag/status/first").json()["status"] == "SUCCESS")
    assert dag_states(door) == ["SUCCESS", "SUCCESS"]


def test_shutdown_while_a_task_runs(gated: Path, serve: Serve) -> None:
    """After a server is killed in a task, its next start ends the task: FAILED, with the reason, as of before."""
    door = serve(gated, post_wait_ms=50)
    door.run("t")
    wait_until(lambda: door.get("/api/dag/status/t").json()["inProgressAssets"] == 1)
    door.process.kill()
    door.stop()
    killed_ms = now_ms()
    door.start()
    status = door.get("/api/dag/status/t").json()
    assert (status["status"], status["inProgressAssets"], status["failedAssets"]) == ("FAILED", 0, 1)
    node = status["nodes"][0]
    assert node["message"] == "interrupted: server restarted"
    assert node["timings"]["executingMs"] == node["executionTimeMs"]
    assert node["startTime"] <= node["endTime"] == status["endTime"] <= killed_ms
    history = door.get("/api/dag/history").json()
    assert history["assets"][0]["durationsMs"] == [None]


def test_entries_of_other_loggers(tmp_path: Path, serve: Serve) -> None:
    """Entries that a raw asset writes with its context, structlog or logging are all in its task's log."""
    source = """
import logging
import structlog

def execute(context):
    context.log.info("from context", rows=3)
    structlog.get_logger().info("from structlog", cost=1.5)
    logging.getLogger("library").warning("from logging")
"""
    door = serve(write_project(tmp_path, {raw("mart.talks"): source}))
    door.run("t")
    entries = {entry["message"]: entry for entry in door.get("/api/logs/t").json()["logs"]}
    assert (entries["from context"]["rows"], entries["from context"]["asset"]) == (3, "mart.talks")
    assert (entries["from structlog"]["cost"], entries["from structlog"]["asset"]) == (1.5, "mart.talks")
    assert (entries["from logging"]["level"], entries["from logging"]["asset"]) == ("warning", "mart.talks")


def test_entries_with_an_exception(tmp_path: Path, serve: Serve) -> None:
    """An exception that a raw asset logs is in its entry, however it is logged."""
    source = """
import logging

def execute(context):
    try:
        1 / 0
    except ZeroDivisionError as error:
        context.log.error("one", exc_info=True)
        context.log.error("two", exc_info=error)
        logging.getLogger("library").exception("three")
    context.log.info("four", exc_info=None)
"""
    door = serve(write_project(tmp_path, {raw("mart.talks"): source}))
    door.run("t")
    entries = {entry["message"]: entry for entry in door.get("/api/logs/t").json()["logs"]}
    for message in ("one", "two", "three"):
        assert entries[message]["exception"].startswith("Traceback (most recent call last):\n")
        assert entries[message]["exception"].endswith("\nZeroDivisionError: division by zero")
    assert not {"exception", "exc_info"} & entries["four"].keys()


def test_rows_of_empty_structs(tmp_path: Path, opened: OpenDoor) -> None:
    """A struct without fields, such as an API's empty object, is an empty object."""
    door = opened(write_project(tmp_path, {model("s.api"): "SELECT () AS e, [()] AS l, NULL AS n"}))
    assert door.run("t").status_code == 200
    assert door.get("/api/dag/asset/s.api/data").json()["data"] == [{"e": {}, "l": [{}], "n": None}]


def test_a_task_uuid_means_its_task(hello: Path, opened: OpenDoor) -> None:
    """A task's uuid finds that task, also to run it again; it never becomes the id of another task."""
    door = opened(hello)
    door.run("t")
    connection = sqlite3.connect(hello / ".dagscope" / "state.sqlite")
    (uuid,) = connection.execute("SELECT task_uuid FROM task").fetchone()
    connection.close()
    assert door.run(uuid).json()["taskId"] == "t"
    assert door.get(f"/api/dag/status/{uuid}").json()["taskId"] == "t"
    assert door.get("/api/dag/tasks").json()["total"] == 1


@pytest.mark.parametrize(
    "path", ["/api/dag/asset/staging.hello/execute", "/api/tests/execute/staging.test_hello_exists"]
)
def test_there_once_answered(hello: Path, opened: OpenDoor, path: str) -> None:
    """A POST that does not wait for its work has accepted it when it answers: a kill of the server does not lose it."""
    door = opened(hello, post_wait_ms=0)
    assert door.post(path, {"taskId": "t"}).status_code < 300
    assert door.get("/api/dag/status/t").json()["status"] != "NOT_STARTED"
