"""`dagscope run` on a project that a server serves: the task goes through that server."""

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import click
from rich.console import Console

from cli.dagscope import EXIT_FAILED, EXIT_INTERRUPTED, fail
from cli.progress import TaskProgress
from cli.run_command import checked_task_id, read_data, show_nodes
from dag.events import NodeChanged, NodeFacts, TaskAccepted
from dag.status import DataTestResult, NodeState, NodeStatus, TaskStatus, TaskSummary

_POLL_S = 0.3
_TIMEOUT_S = 30  # a POST answers within 10


def run_on_server(address: str, task_id: str | None, data: str | None, run_tests: bool, as_json: bool) -> int:
    """Run the whole DAG as a task of the server at `address`; the exit code."""
    task_id = checked_task_id(task_id)
    body = {"taskId": task_id, "data": read_data(data), "runTests": run_tests}
    console = Console(stderr=as_json, quiet=as_json)
    console.print(f"Running on the server at {address}", highlight=False, soft_wrap=True)
    server = _Server(address)
    interrupted = False
    try:
        answer = _follow(server, task_id, body, console)
    except KeyboardInterrupt:
        interrupted = True
        answer = server.ask("POST", f"/api/dag/cancel/{_quoted(task_id)}")
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
    answer = server.ask("POST", "/api/dag/run", body)
    with TaskProgress(console, task_id) as progress:
        nodes = _nodes(answer)
        fresh = tuple((node.changed(state=NodeState.INITIAL, message=""), NodeFacts()) for node in nodes)
        progress(TaskAccepted(task_id, 1, _summary(answer), task_uuid="", data={}, nodes=fresh))
        told = {node.asset_name: node for node, _ in fresh}
        while True:
            for node in _nodes(answer):
                if node.state is not told[node.asset_name].state or node.message != told[node.asset_name].message:
                    progress(NodeChanged(task_id, 1, node))
                    told[node.asset_name] = node
            if answer["status"] in (TaskStatus.SUCCESS, TaskStatus.FAILED):
                return answer
            time.sleep(_POLL_S)
            answer = server.ask("GET", f"/api/dag/status/{_quoted(task_id)}")


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
        self._address = address

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON of the answer, an error's too if it has a task's status."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(  # noqa: S310  the address is the one in the project's own lock file
            self._address + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read()
        except (OSError, http.client.HTTPException) as error:
            fail(f"the server at {self._address} does not answer: {error}")
        try:
            values: dict[str, Any] = json.loads(text)
        except ValueError:
            fail(f"the server at {self._address} gave no JSON: {text[:80]!r}")
        if "nodes" not in values:
            fail(f"the server at {self._address} refused: {values.get('error')} {values.get('details', '')}".rstrip())
        return values
