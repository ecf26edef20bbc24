"""`dg plus api run events --follow`: continues until the run ends, whatever happens to the connection."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from dagscope.cli.plus import run_event_query
from tests.cli.plus.canned_server import canned_server, connection, event, logs, text
from tests.cli.plus.plus_command import Dg
from tests.doors import Serve, ServerDoor, free_port
from tests.projects import raw, write_project

PORT = str(free_port())

GATED = {
    "profile.yaml": "version: 1.0.0\nname: gated\nconnection: duck\nmodels:\n  stages:\n    - name: staging\n",
    raw("staging.gate"): """
import pathlib, time

def execute(context):
    context.log.info("waiting")
    while not (pathlib.Path(__file__).parents[3] / "gate").exists():
        time.sleep(0.01)
""",
}


@pytest.fixture
def gated(tmp_path: Path, serve: Serve) -> Iterator[ServerDoor]:
    """A server with a run that continues until a file `gate` exists."""
    server = serve(write_project(tmp_path / "project", GATED), "--port", PORT, post_wait_ms=0)
    server.run("nightly")
    yield server
    (tmp_path / "project" / "gate").touch()


def test_until_the_run_ends(gated: ServerDoor, dg: Dg) -> None:
    """New events are printed as they arrive, and the command ends with the run."""
    dg.configure(url=gated.address)
    process = dg.process("plus", "api", "run", "events", "nightly", "--follow")
    assert process.stdout is not None
    head = [process.stdout.readline() for _ in range(7)]
    assert "LOG_MESSAGE" in head[-1]
    (gated.folder / "gate").touch()
    rest = _rest(process)
    assert process.returncode == 0
    types = [line.split()[1] for line in rest.splitlines()[:-2]]
    assert types == ["MATERIALIZATION", "STEP_SUCCESS", "RUN_SUCCESS"]
    assert rest.splitlines()[-1] == "Total events: 6"


def test_over_a_killed_server(gated: ServerDoor, dg: Dg) -> None:
    """If the server is killed and restarted during the run, each event up to the run's end is printed once."""
    dg.configure(url=gated.address)
    process = dg.process("plus", "api", "run", "events", "nightly", "--follow", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    head = ""
    while "LOG_MESSAGE" not in head:
        head += process.stdout.readline()
    gated.stop(signal.SIGKILL)
    assert process.stderr.readline() == (
        f"Cannot connect to http://127.0.0.1:{PORT}/graphql: Connection refused; trying again ...\n"
    )
    gated.start()
    rest = _rest(process)
    document = json.loads(head + rest)
    assert [event["eventType"] for event in document["events"]] == [
        "RUN_START",
        "STEP_START",
        "LOG_MESSAGE",
        "STEP_FAILURE",
        "ENGINE_EVENT",
        "RUN_FAILURE",
    ]
    assert [event["message"] for event in document["events"][-3:]] == [
        'Execution of step "staging.gate" failed: interrupted: server restarted',
        "The run was interrupted: server restarted.",
        "Execution failed: interrupted: server restarted",
    ]
    assert (process.returncode, document["count"]) == (0, 6)


def test_interrupted(gated: ServerDoor, dg: Dg) -> None:
    """After Ctrl-C the document is complete and the exit code is 130."""
    dg.configure(url=gated.address)
    process = dg.process("plus", "api", "run", "events", "nightly", "--follow", "--json", "--after", "")
    assert process.stdout is not None
    head = ""
    while "LOG_MESSAGE" not in head:
        head += process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest = _rest(process)
    document = json.loads(head + rest)
    assert (process.returncode, document["count"]) == (130, 3)
    again = json.loads(dg.events("nightly", "--json", "--after", document["cursor"]).stdout)
    assert again["events"] == []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide waits by 100."""
    monkeypatch.setattr(run_event_query, "_POLL_S", 0.01)
    monkeypatch.setattr(run_event_query, "_RETRY_S", 0.01)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("after", [None, "", "p2", "p3", "p4"])
def test_of_a_run_that_has_ended(dg: Dg, after: str | None) -> None:
    """A run that has ended is printed to its end immediately, even from a cursor after its end."""
    types = ["RUN_START", "STEP_START", "STEP_SUCCESS", "RUN_SUCCESS"]
    events = [event(str(number), eventType=type_) for number, type_ in enumerate(types)]
    with canned_server(_pages(events)) as server:
        dg.configure(url=server.url)
        result = dg.events("x", "--follow", *(() if after is None else ("--after", after)))
    start = int(after[1:]) if after else 0
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"Total events: {4 - start}"


@pytest.mark.usefixtures("quick")
def test_limit(dg: Dg) -> None:
    """Without a limit all events are printed. With one, the command stops there, and its cursor is just after it."""
    types = ["RUN_START", *["STEP_START"] * 300, "RUN_SUCCESS"]
    events = [event(str(number), eventType=type_) for number, type_ in enumerate(types)]
    with canned_server(_pages(events)) as server:
        dg.configure(url=server.url)
        assert json.loads(dg.events("x", "--follow", "--json").stdout)["count"] == 302
        document = json.loads(dg.events("x", "--follow", "--json", "--limit", "5", "--after", "").stdout)
    assert (document["count"], document["cursor"]) == (5, "p5")


@pytest.mark.usefixtures("quick")
def test_next_attempt(dg: Dg) -> None:
    """A run that was started again is followed to the end of its newest attempt."""
    events = [
        event(str(number), eventType=type_) for number, type_ in enumerate(["RUN_START", "RUN_FAILURE", "RUN_START"])
    ]
    with canned_server(_pages(events)) as server:
        dg.configure(url=server.url)

        def end() -> None:
            time.sleep(0.3)
            events.append(event("3", eventType="RUN_SUCCESS"))

        ending = threading.Thread(target=end)
        ending.start()
        result = dg.events("x", "--follow", "--type", "RUN_SUCCESS")
        ending.join()
    assert result.stdout.splitlines()[-1] == "Total events: 1"


@pytest.mark.usefixtures("quick")
def test_fault_on_the_way(dg: Dg) -> None:
    """A permanent error ends the command, and the output so far is valid."""
    answers = [logs(connection([event()], "p1")), text("busy", 503), text("{}", 401)]

    def answer(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        answers.pop(0)(handler, body)

    with canned_server(answer) as server:
        dg.configure(url=server.url)
        result = dg.events("x", "--follow", "--json", "--after", "p0")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["count"] == 1
    lost, error = result.stderr.split("\n", 1)
    assert lost == f"{server.url}/graphql is not available: HTTP 503; trying again ..."
    message = "Authentication failed: the API token is missing. Run `dg plus login` to authenticate."
    assert json.loads(error) == {"error": message, "run_id": "x"}


def test_server_that_never_was(dg: Dg) -> None:
    """If the server does not answer the first query, the command fails instead of waiting."""
    dg.configure(url="http://127.0.0.1:9")
    result = dg.events("x", "--follow")
    assert (result.exit_code, result.stdout) == (1, "")


def _rest(process: "subprocess.Popen[str]") -> str:
    """The rest of a process's output. `communicate` would lose what was read ahead."""
    assert process.stdout is not None
    assert process.stderr is not None
    rest = process.stdout.read()
    process.wait(timeout=20)
    process.stdout.close()
    process.stderr.close()
    return rest


def _pages(events: list[dict[str, Any]]) -> Any:
    def answer(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        start = int(body["variables"].get("afterCursor", "p0")[1:])
        end = min(start + body["variables"]["limit"], len(events))
        logs(connection(events[start:end], f"p{end}", end < len(events)))(handler, body)

    return answer
