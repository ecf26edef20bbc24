"""`GET /api/project` and the stream's `project` message."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dagscope.dag.ground.version import VERSION
from dagscope.server.app import API
from tests.cli.dagscope_command import dagscope
from tests.doors import AppDoor, OpenDoor, Serve, ServerDoor, wait_until
from tests.projects import model

BROKEN = "SELECT * FROM {{ Ref('staging.helo') }}"
PROBLEM = {
    "path": "assets/models/dds/world.sql",
    "line": 1,
    "message": 'unknown asset "staging.helo"; did you mean "staging.hello"?',
}


@contextmanager
def project_messages(door: ServerDoor, query: str = "") -> Iterator[Iterator[dict[str, Any]]]:
    """An open stream's `project` messages."""
    with door.http.stream("GET", f"/api/events{query}") as stream:
        lines = stream.iter_lines()
        assert any(line == "event: snapshot" for line in lines)
        yield (json.loads(next(lines).removeprefix("data: ")) for line in lines if line == "event: project")


def problems(door: AppDoor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = door.get("/api/project").json()["problems"]
    return found


def statuses(door: AppDoor) -> list[str]:
    return [task["status"] for task in door.get("/api/dag/tasks").json()["tasks"]]


def test_a_project(hello: Path, opened: OpenDoor) -> None:
    """The answer has the facts about the project and the server."""
    now = opened(hello).get("/api/project").json()
    times = {name: now.pop(name) for name in ("loadedTimeMs", "readTimeMs", "timeMs")}
    assert times["loadedTimeMs"] <= times["readTimeMs"] <= times["timeMs"]
    assert now == {
        "projectName": "hello-world",
        "version": VERSION,
        "readOnly": False,
        "isBundle": False,
        "stateWritable": True,
        "logsStored": True,
        "reload": False,
        "assetCount": 2,
        "testCount": 3,
        "problems": [],
    }


def test_problems_are_live(hello: Path, serve: Serve) -> None:
    """When a file is broken and fixed, every stream gets the project, and its problems are those of `check`."""
    door, world = serve(hello, "--reload"), hello / model("dds.world")
    good = world.read_text()
    with project_messages(door) as of_all, project_messages(door, "?taskId=t&kinds=log") as of_task:
        world.write_text(BROKEN)
        for sent in (next(of_all), next(of_task)):
            assert (sent["problems"], sent["assetCount"], "timeMs" in sent) == ([PROBLEM], 2, False)
            assert sent["loadedTimeMs"] < sent["readTimeMs"]
        checked = json.loads(dagscope("check", "--project", str(hello), "--json").stdout)["problems"]
        assert problems(door) == checked == [PROBLEM]
        world.write_text(good)
        for sent in (next(of_all), next(of_task)):
            assert (sent["problems"], sent["loadedTimeMs"]) == ([], sent["readTimeMs"])


def test_a_project_that_cannot_be_loaded_at_the_start(hello: Path, serve: Serve) -> None:
    """With `--reload` it is served with its earlier tasks, runs nothing, and is loaded once it is fixed."""
    door, world = serve(hello, "--reload", "--run", keep_days=0), hello / model("dds.world")
    wait_until(lambda: statuses(door) == ["SUCCESS"])
    door.stop()
    good = world.read_text()
    world.write_text(BROKEN)
    door.start()
    now = door.get("/api/project").json()
    assert (now["projectName"], now["assetCount"], "loadedTimeMs" in now) == ("hello", 0, False)
    assert (problems(door), door.get("/api/dag").json()["nodes"]) == ([PROBLEM], [])
    assert door.get("/api/dag/tasks").json()["total"] == 1
    refusal = {"error": "The project cannot be loaded", "details": f"{PROBLEM['path']}:1: {PROBLEM['message']}"}
    for path in ("run", "retry/t", "asset/dds.world/execute", "asset/dds.world/select"):
        answer = door.post(f"/api/dag/{path}", {"taskId": "t"} if path != "retry/t" else None)
        assert (answer.status_code, answer.json()) == (409, refusal)
    assert door.post("/api/tests/execute/dds.test_world_count", {"taskId": "t"}).status_code == 409
    world.write_text(good)
    wait_until(lambda: not problems(door))
    assert door.run("t").json()["status"] == "SUCCESS"


@pytest.mark.server
def test_a_project_that_cannot_be_loaded_without_reload(hello: Path) -> None:
    """Without `--reload`, `serve` exits and lists the problems."""
    (hello / model("dds.world")).write_text(BROKEN)
    refused = dagscope("serve", "--project", str(hello), "--port", "0")
    assert refused.stderr == f"{PROBLEM['path']}:1: {PROBLEM['message']}\n1 problem in {hello}\n"
    assert refused.returncode == 2


def test_a_read_only_server(hello: Path, serve: Serve) -> None:
    """A read-only server refuses everything that changes something, says so, and shows everything else."""
    door = serve(hello, "--read-only", "--run")
    wait_until(lambda: statuses(door) == ["SUCCESS"])
    assert door.get("/api/project").json()["readOnly"] is True
    reads = ("/api/dag/asset/{name}/preview", "/api/dag/asset/{name}/steps", "/api/dag/asset/{name}/trace")
    reading = {*reads, "/api/tests/{name}/steps", *(e.path for e in API if "graphql" in e.path)}
    refusal = {
        "error": "This server is read-only",
        "details": "nothing can be run, changed or deleted: the server was started with --read-only",
    }
    for endpoint in API:
        if endpoint.method != "GET" and endpoint.path not in reading:
            answer = door.request(endpoint.method, re.sub(r"\{[^}]*\}", "dds.world", endpoint.path), json={})
            assert (answer.status_code, answer.json()) == (403, refusal), endpoint.path
    ran = dagscope("run", "--project", str(hello))
    assert (ran.returncode, ran.stderr) == (
        2,
        f"the server at {door.address} refused: {refusal['error']}: {refusal['details']}\n",
    )
    assert door.post("/api/dag/asset/dds.world/preview").json()["rowCount"] == 1
    assert door.post("/graphql", {"query": "{ __typename }"}).status_code == 200
    assert door.get("/api/dag/tasks").json()["total"] == 1


def test_a_state_that_cannot_be_written(hello: Path, serve: Serve) -> None:
    """When the state can no longer be written, streams are told at once."""
    door = serve(hello)
    with project_messages(door) as sent:
        (hello / ".dagscope" / "state.sqlite").rename(hello / "elsewhere")
        assert door.run("t").status_code == 500
        assert next(sent)["stateWritable"] is False
