"""The event stream: snapshot, resume, reset, done (contract, The stream)."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, Serve, ServerDoor, messages, wait_until

KINDS = {"task", "node", "test", "log", "run_event"}


def ids(found: list[dict[str, Any]]) -> list[int]:
    return [message["id"] for message in found if message["event"] in KINDS]


def test_everything_of_a_task(door: AppDoor) -> None:
    """From position 0, a task's stream has everything that happened, in order, and ends with `done`."""
    door.run("t")
    found = door.stream("?taskId=t&lastEventId=0")
    assert ids(found) == sorted(set(ids(found)))
    assert {message["event"] for message in found} == KINDS | {"done"}
    assert (found[0]["event"], found[0]["data"]["status"]) == ("task", "IN_PROGRESS")
    assert (found[-2]["event"], found[-2]["data"]["status"]) == ("task", "SUCCESS")
    assert found[-1] == {"event": "done", "data": {}}


def test_messages_have_the_shapes_of_the_api(door: AppDoor) -> None:
    """Each message has the shape of its counterpart in the HTTP API, plus `taskId`."""
    node = door.run("t").json()["nodes"][1]
    found = door.stream("?taskId=t&lastEventId=0")
    last_of = {message["event"]: message["data"] for message in found}
    assert last_of["node"] == {"taskId": "t", **node}
    assert last_of["test"] == {"taskId": "t", **node["testResults"][-1]}
    assert last_of["task"] == door.get("/api/dag/tasks").json()["tasks"][0]
    assert [m["data"] for m in found if m["event"] == "log"] == door.get("/api/logs/t").json()["logs"]
    assert last_of["run_event"].keys() == {"taskId", "runId", "message", "timestamp", "level", "stepKey", "eventType"}


def test_a_snapshot_first(door: AppDoor) -> None:
    """Without a position, the first message is the task's status, and its id is where to resume."""
    door.run("t")
    snapshot, done = door.stream("?taskId=t")
    assert (snapshot["event"], snapshot["data"]) == ("snapshot", door.get("/api/dag/status/t").json())
    assert done["event"] == "done"
    assert door.get(f"/api/events?taskId=t&lastEventId={snapshot['id']}").status_code == 204


def test_resuming_anywhere(door: AppDoor) -> None:
    """After any id, exactly the rest follows, with nothing missing or repeated; after the last, the answer is 204."""
    door.run("t")
    whole = door.stream("?taskId=t&lastEventId=0")
    for position in (ids(whole)[0], ids(whole)[7], ids(whole)[-2]):
        rest = door.stream("?taskId=t", **{"Last-Event-ID": str(position)})
        assert rest == [m for m in whole if m.get("id", position + 1) > position]
    answer = door.get("/api/events?taskId=t", headers={"Last-Event-ID": str(ids(whole)[-1])})
    assert (answer.status_code, answer.content) == (204, b"")


def test_some_kinds(door: AppDoor) -> None:
    """`kinds` leaves the others out."""
    door.run("t")
    found = door.stream("?taskId=t&lastEventId=0&kinds=task,test")
    assert [m["event"] for m in found] == ["task", *["test"] * 6, "task", "done"]


def test_the_header_takes_precedence(door: AppDoor) -> None:
    """The header `Last-Event-ID` takes precedence over the query."""
    door.run("t")
    whole = ids(door.stream("?taskId=t&lastEventId=0"))
    found = door.stream("?taskId=t&lastEventId=0", **{"Last-Event-ID": str(whole[-2])})
    assert ids(found) == whole[-1:]


@pytest.mark.parametrize("position", ["-1", "5", str(2**53), str(2**63), "9" * 300])
def test_a_position_that_is_not_of_this_state(door: AppDoor, position: str) -> None:
    """A position that cannot be resumed from gets `reset`, then a snapshot."""
    door.run("t")
    found = door.stream(f"?taskId=t&lastEventId={position}")
    assert [message["event"] for message in found] == ["reset", "snapshot", "done"]
    assert found[0] == {"event": "reset", "data": {}}


@pytest.mark.parametrize("position", ["abc", "1.5", "0x10", "٣"])
def test_a_position_that_is_no_integer(door: AppDoor, position: str) -> None:
    """A position that is no integer is 400."""
    answer = door.get("/api/events", params={"taskId": "t", "lastEventId": position})
    assert answer.status_code == 400
    assert answer.json()["error"] == f"Invalid request format: 'Last-Event-ID' must be an integer, found {position!r}"


def test_an_empty_position(door: AppDoor) -> None:
    """An empty position is none, in the header and in the query: an EventSource never comes back after a 400."""
    door.run("t")
    without = door.stream("?taskId=t")
    assert [message["event"] for message in without] == ["snapshot", "done"]
    assert door.stream("?taskId=t", **{"Last-Event-ID": ""}) == door.stream("?taskId=t&lastEventId=") == without


def test_an_unknown_kind(door: AppDoor) -> None:
    """An unknown kind gives 400, with the known ones."""
    answer = door.get("/api/events?kinds=task,frames")
    assert answer.json() == {
        "error": "Invalid request format: 'kinds' must be any of task, node, test, log, run_event, found 'frames'"
    }


def test_deleted_entries(door: AppDoor) -> None:
    """Deleted log entries are gone from the stream, wherever it resumes; their missing positions cause no `reset`."""
    door.run("t")
    whole = door.stream("?taskId=t&lastEventId=0")
    door.delete("/api/logs/t")
    left = [m for m in whole if m["event"] != "log"]
    assert door.stream("?taskId=t&lastEventId=0") == left
    assert door.stream(f"?taskId=t&lastEventId={left[0]['id']}") == left[1:]
    log_id = next(m["id"] for m in whole if m["event"] == "log")
    assert door.stream(f"?taskId=t&lastEventId={log_id}")[0]["event"] != "reset"


def test_positions_from_before_a_reset(door: AppDoor) -> None:
    """After a reset, positions from before it get `reset`; new ones are higher than all earlier ones."""
    door.run("t")
    before = ids(door.stream("?taskId=t&lastEventId=0"))
    door.post("/api/dag/reset")
    door.run("t")
    assert door.stream(f"?taskId=t&lastEventId={before[3]}")[0]["event"] == "reset"
    assert ids(door.stream("?taskId=t&lastEventId=0"))[0] > before[-1]


@pytest.fixture
def server(hello: Path, serve: Serve) -> ServerDoor:
    """A real server over the hello project, with a quick heartbeat."""
    return serve(hello, heartbeat_s=0.2)


def test_live(server: ServerDoor) -> None:
    """The stream of a task that has not started waits, follows it live and ends with it; comments keep it alive."""
    lines: list[str] = []
    joined = threading.Event()

    def follow() -> None:
        with server.http.stream("GET", "/api/events?taskId=later") as answer:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            for line in answer.iter_lines():
                lines.append(line)
                if line.startswith(":"):
                    joined.set()

    following = threading.Thread(target=follow)
    following.start()
    assert joined.wait(10)
    server.run("later")
    following.join(10)
    assert lines[0] == "retry: 2000"
    found = messages("\n".join(line for line in lines if not line.startswith(":")))
    assert (found[0]["event"], found[0]["data"]["status"]) == ("snapshot", "NOT_STARTED")
    assert [m for m in found if m["event"] in KINDS] == server.stream("?taskId=later&lastEventId=0")[:-1]
    assert found[-1]["event"] == "done"


def test_everything_live(server: ServerDoor) -> None:
    """The stream of everything starts with tasks and nodes, and continues after a reset with `reset` and `snapshot`."""
    events: list[str] = []
    with server.http.stream("GET", "/api/events?kinds=task") as answer:
        lines = answer.iter_lines()

        def next_message() -> tuple[str, Any]:
            event = next(line for line in lines if line.startswith("event: ")).removeprefix("event: ")
            events.append(event)
            return event, json.loads(next(lines).removeprefix("data: "))

        event, data = next_message()
        assert event == "snapshot"
        nodes = [{"name": "staging.hello", "state": "INITIAL"}, {"name": "dds.world", "state": "INITIAL"}]
        assert data == {"tasks": [], "nodes": nodes}
        server.run("t")
        assert [next_message()[1]["status"] for _ in range(2)] == ["IN_PROGRESS", "SUCCESS"]
        server.post("/api/dag/reset")
        assert [next_message()[0] for _ in range(2)] == ["reset", "snapshot"]


def test_number_of_streams(hello: Path, serve: Serve) -> None:
    """A stream beyond the limit gets 429, other requests do not, and a stream that ends makes room for another."""
    door = serve(hello, streams=2)
    with door.http.stream("GET", "/api/events") as first, door.http.stream("GET", "/api/events") as second:
        assert (next(first.iter_lines()), next(second.iter_lines())) == ("retry: 2000", "retry: 2000")
        refused = door.get("/api/events")
        details = "2 streams are open, the limit that DAGSCOPE_STREAMS sets; try again later"
        assert (refused.status_code, refused.json()) == (429, {"error": "Too many streams", "details": details})
        assert door.run("t").status_code == 200
    wait_until(lambda: door.get("/api/events?taskId=t").status_code == 200)
