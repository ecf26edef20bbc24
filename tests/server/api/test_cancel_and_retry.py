"""Cancelling tasks, retrying them, and reading earlier attempts."""

from pathlib import Path

from tests.doors import OpenDoor, Serve, wait_until
from tests.projects import SLOW_SQL, model, raw, write_project

FLAKY = """
import pathlib

def execute(context):
    if not (pathlib.Path(__file__).parents[3] / "repaired").exists():
        raise ValueError("not yet")
    return {"task": context.task_id}
"""
DOWNSTREAM = "version: 1.0.0\nname: flaky\nconnection: duck\nmodels:\n  stages:\n    - name: mart\n      models:\n"
DOWNSTREAM += "        - name: flaky\n          raw_upstreams: [staging.good]\n"
DOWNSTREAM += "        - name: under\n          raw_upstreams: [mart.flaky]\n"


def flaky_project(folder: Path) -> Path:
    """staging.good -> mart.flaky, which raises until there is a file `repaired` -> mart.under."""
    files = {
        "profile.yaml": DOWNSTREAM,
        model("staging.good"): "SELECT 1 AS id",
        raw("mart.flaky"): FLAKY,
        raw("mart.under"): "def execute(context):\n    return context.input['mart.flaky']['task']\n",
    }
    return write_project(folder, files)


def states(body: dict[str, list[dict[str, str]]]) -> list[str]:
    return [node["state"] for node in body["nodes"]]


def test_cancel(tmp_path: Path, opened: OpenDoor) -> None:
    """Cancelling interrupts what runs, leaves what has ended as it is, and ends the task FAILED with RUN_CANCELED."""
    files = {
        model("a.done"): "SELECT 1 AS id",
        model("b.slow"): SLOW_SQL,
        model("c.waits"): "SELECT * FROM {{ Ref('b.slow') }}",
    }
    door = opened(write_project(tmp_path, files), post_wait_ms=50)
    door.run("t")
    wait_until(lambda: states(door.get("/api/dag/status/t").json()) == ["SUCCESS", "IN_PROGRESS", "INITIAL"])
    answer = door.post("/api/dag/cancel/t")
    assert (answer.status_code, answer.json()["status"]) == (200, "FAILED")
    assert states(answer.json()) == ["SUCCESS", "FAILED", "INITIAL"]
    assert [node["message"] for node in answer.json()["nodes"]] == ["", "cancelled", "skipped: cancelled"]
    run_events = [m["data"] for m in door.stream("?taskId=t&lastEventId=0&kinds=run_event")[:-1]]
    assert run_events[-1]["eventType"] == "RUN_CANCELED"


def test_cancel_what_is_not_running(hello: Path, opened: OpenDoor) -> None:
    """Cancelling an ended task gives 409 and an unknown one 404; neither changes anything."""
    door = opened(hello)
    before = door.run("t").json()
    answer = door.post("/api/dag/cancel/t")
    assert (answer.status_code, answer.json()) == (
        409,
        {"error": "Task t is not running", "details": "it has ended: SUCCESS"},
    )
    assert door.post("/api/dag/cancel/nobody").status_code == 404
    assert door.get("/api/dag/status/t").json()["nodes"] == before["nodes"]


def test_cancel_a_raw_asset(tmp_path: Path, opened: OpenDoor) -> None:
    """A raw asset that loops forever is interrupted, even one that catches every Exception."""
    source = "def execute(context):\n    while True:\n        try:\n            sum(range(1000))\n"
    source += "        except Exception:\n            pass\n"
    door = opened(write_project(tmp_path, {raw("mart.loops"): source}), post_wait_ms=50)
    door.run("t")
    wait_until(lambda: states(door.get("/api/dag/status/t").json()) == ["IN_PROGRESS"])
    node = door.post("/api/dag/cancel/t").json()["nodes"][0]
    assert (node["state"], node["message"]) == ("FAILED", "cancelled")


def test_cancel_what_cannot_be_stopped(tmp_path: Path, serve: Serve) -> None:
    """A raw asset that waits in C code is abandoned after a second; what it does later is ignored; others continue."""
    source = "import time\n\ndef execute(context):\n    time.sleep(4)\n    context.log.info('too late')\n    return 1\n"
    door = serve(write_project(tmp_path, {raw("mart.sleeps"): source}), post_wait_ms=50)
    door.run("t")
    wait_until(lambda: states(door.get("/api/dag/status/t").json()) == ["IN_PROGRESS"])
    assert door.post("/api/dag/cancel/t").json()["nodes"][0]["message"] == "cancelled"
    door.stop()
    assert door.process.returncode == 0


def test_cancel_a_waiting_task(tmp_path: Path, opened: OpenDoor) -> None:
    """A task that waits for another is cancelled at once; the other continues."""
    door = opened(write_project(tmp_path, {model("a.slow"): SLOW_SQL}), post_wait_ms=50)
    door.run("first")
    door.run("second")
    answer = door.post("/api/dag/cancel/second").json()
    assert (answer["status"], states(answer)) == ("FAILED", ["INITIAL"])
    assert door.get("/api/dag/status/first").json()["status"] == "IN_PROGRESS"
    assert states(door.get("/api/dag").json()) == ["IN_PROGRESS"]


def test_retry(tmp_path: Path, opened: OpenDoor) -> None:
    """A retry executes exactly what failed or was skipped; earlier results are reused, earlier attempts readable."""
    door = opened(flaky_project(tmp_path))
    first = door.run("t").json()
    assert states(first) == ["SUCCESS", "FAILED", "INITIAL"]
    (tmp_path / "repaired").touch()
    answer = door.post("/api/dag/retry/t")
    assert (answer.status_code, states(answer.json())) == (200, ["SUCCESS"] * 3)
    assert answer.json()["nodes"][0] == first["nodes"][0]
    assert door.get("/api/dag/asset/mart.under/data?taskId=t").json()["data"] == "t"
    earlier = door.get("/api/dag/status/t?attempt=1").json()
    assert (earlier["status"], earlier["nodes"]) == ("FAILED", first["nodes"])
    assert door.get("/api/dag/asset/mart.flaky/data?taskId=t&attempt=1").status_code == 204
    messages = [entry["message"] for entry in door.get("/api/logs/t?attempt=1").json()["logs"]]
    assert (messages[0], messages[-1]) == ("Starting DAG execution", "DAG execution failed")


def test_retry_after_a_kill(tmp_path: Path, serve: Serve) -> None:
    """What a killed server left can be retried once another has taken over."""
    door = serve(write_project(tmp_path, {model("a.slow"): SLOW_SQL}), post_wait_ms=50)
    door.run("t")
    door.process.kill()
    door.stop()
    (tmp_path / model("a.slow")).write_text("SELECT 1 AS n")
    door.start()
    assert door.get("/api/dag/status/t").json()["status"] == "FAILED"
    wait_until(lambda: door.post("/api/dag/retry/t").status_code in (200, 409))
    assert door.get("/api/dag/status/t").json()["status"] == "SUCCESS"


def test_nothing_to_retry(hello: Path, opened: OpenDoor) -> None:
    """A retry gives 409 if all assets of the task succeeded, and 404 if the task is unknown."""
    door = opened(hello)
    door.run("t")
    answer = door.post("/api/dag/retry/t")
    assert (answer.status_code, answer.json()) == (
        409,
        {"error": "Nothing to retry", "details": "nothing to retry: all assets of task t succeeded"},
    )
    assert door.post("/api/dag/retry/nobody").status_code == 404


def test_an_attempt_that_is_not_there(hello: Path, opened: OpenDoor) -> None:
    """An attempt that does not exist gives 404, like a task that does not exist."""
    door = opened(hello)
    door.run("t")
    assert door.get("/api/dag/status/t?attempt=2").status_code == 404
    assert door.get("/api/dag/asset/dds.world/data?taskId=t&attempt=2").json()["error"] == "Task not found"
