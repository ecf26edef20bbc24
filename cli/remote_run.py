"""`dagscope run` on a project that a server serves: the task goes through that server."""

import http.client
import json
import os
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import click
from rich.console import Console

from dagscope.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, fail
from dagscope.cli.progress import TaskProgress
from dagscope.cli.run_command import checked_task_id, read_data, show_nodes
from dagscope.dag.events.events import NodeChanged, NodeFacts, TaskAccepted
from dagscope.dag.events.status import DataTestResult, NodeState, NodeStatus, TaskStatus, TaskSummary

_POLL_S = 0.3
_TIMEOUT_S = 30  # a POST answers within 10


def run_on_server(
    address: str, task_id: str | None, data: str | None, run_tests: bool, profile: bool, as_json: bool
) -> int:
    """Run the whole DAG as a task of the server at `address`; the exit code."""
    task_id = checked_task_id(task_id)
    body = {"taskId": task_id, "data": read_data(data), "runTests": run_tests, "profile": profile}
    console = Console(stderr=as_json, quiet=as_json)
    console.print(f"Running on the server at {address}", highlight=False, soft_wrap=True)
    server = _Server(address)
    interrupted = False
    try:
        answer = _follow(server, task_id, body, console)
    except KeyboardInterrupt:
        interrupted = True
        answer = _cancel(server, task_id)
        if answer["status"] == TaskStatus.NOT_STARTED:
            return EXIT_INTERRUPTED
    if as_json:
        click.echo(json.dumps(answer | {"tasks": answer["nodes"]}, ensure_ascii=False, separators=(",", ":")))
    else:
        nodes = [(node, NodeFacts()) for node in _nodes(answer)]
        tests = tuple(map(DataTestResult.model_validate, answer["rootTestResults"]))
        show_nodes(console, nodes, tests, _summary(answer), None)
    if interrupted:
        return EXIT_INTERRUPTED
    return 0 if answer["status"] == TaskStatus.SUCCESS else EXIT_FAILED


def _follow(server: "_Server", task_id: str, body: dict[str, Any], console: Console) -> dict[str, Any]:
    """Post the task and show its progress until it has ended; its last status."""
    posted: list[dict[str, Any]] = []
    posting = threading.Thread(target=lambda: posted.append(server.ask("POST", "/api/dag/run", body)), daemon=True)
    posting.start()  # it answers only after up to ten seconds
    path = f"/api/dag/status/{_quoted(task_id)}"
    told: dict[str, NodeStatus] = {}
    with TaskProgress(console, task_id) as progress:
        while True:
            posting.join(_POLL_S)
            if posted and "nodes" not in posted[0]:
                fail(f"the server at {server.address} refused: {_reason(posted[0])}")
            answer = server.ask("GET", path)
            is_ours = bool(posted) or answer["status"] == TaskStatus.IN_PROGRESS
            if is_ours:
                _show_changes(progress, answer, told)
            if posted and answer["status"] in (TaskStatus.SUCCESS, TaskStatus.FAILED):
                return answer


def _show_changes(progress: TaskProgress, answer: dict[str, Any], told: dict[str, NodeStatus]) -> None:
    nodes = _nodes(answer)
    task_id = answer["taskId"]
    if not told:
        fresh = tuple((node.changed(state=NodeState.INITIAL, message=""), NodeFacts()) for node in nodes)
        progress(TaskAccepted(task_id, 1, _summary(answer), task_uuid="", data={}, nodes=fresh))
        told.update((node.asset_name, node) for node, _ in fresh)
    for node in nodes:
        before = told[node.asset_name]
        if (node.state, node.message) != (before.state, before.message):
            progress(NodeChanged(task_id, 1, node))
            told[node.asset_name] = node


def _cancel(server: "_Server", task_id: str) -> dict[str, Any]:
    """Cancel the task; its status, ended or never begun."""
    try:
        server.ask("POST", f"/api/dag/cancel/{_quoted(task_id)}")
        return server.ask("GET", f"/api/dag/status/{_quoted(task_id)}")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _reason(answer: dict[str, Any]) -> str:
    return f"{answer.get('error')} {answer.get('details', '')}".rstrip()


def _nodes(answer: dict[str, Any]) -> list[NodeStatus]:
    return [NodeStatus.model_validate(node) for node in answer["nodes"]]


def _summary(answer: dict[str, Any]) -> TaskSummary:
    values = {key: value for key, value in answer.items() if key != "status"}
    return TaskSummary.model_validate(values | {"status": TaskStatus(answer["status"])})


def _quoted(task_id: str) -> str:
    return urllib.parse.quote(task_id, safe="")


class _Server:
    """Asks a dagscope server; exits with one line where it does not answer as one."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON of the answer, an error's too."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        if token := os.environ.get("DAGSCOPE_API_TOKEN"):
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(  # noqa: S310  the address is the one in the project's own lock file
            self.address + path, data, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read()
        except (OSError, http.client.HTTPException) as error:
            fail(f"the server at {self.address} does not answer: {error}")
        try:
            values: dict[str, Any] = json.loads(text)
        except ValueError:
            fail(f"the server at {self.address} gave no JSON: {text[:80]!r}")
        return values
