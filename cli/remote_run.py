"""`dagscope run` on a project that is being served: the server runs the task."""

import json
import os
import select
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import click
from rich.console import Console

from dagscope.cli.breakpoint_question import STOP, ask, read_answer, say, show_hold
from dagscope.cli.console_text import print_line
from dagscope.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, fail
from dagscope.cli.http_client import HeaderUnusable, HttpFailed, NoAnswer, Redirected
from dagscope.cli.progress import TaskProgress, show_nodes
from dagscope.cli.run_options import RunOptions
from dagscope.cli.task_stream import Message, Refused, TaskServer
from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.run_events import RunEventType
from dagscope.dag.events.status import DataTestResult, NodeState, NodeStatus, PausedAt, TaskStatus, TaskSummary
from dagscope.dag.project.files_read import CONFIG, PROFILE
from dagscope.dag.project.loading_limits import LoadingLimits
from dagscope.dag.project.project_files import ProjectFiles
from dagscope.dag.run.breakpoints import GoOn
from dagscope.storage.state_folder import StateFolder

_LOOK_S = 0.2  # while the terminal waits for an answer: the task may be continued elsewhere, or end


def run_on_server(state: StateFolder, address: str, options: RunOptions) -> int:
    """Run the whole DAG as a task of the server at `address`. Returns the exit code."""
    console = Console(stderr=options.as_json, quiet=options.as_json)
    console.print(f"Running on the server at {address}", highlight=False, soft_wrap=True)
    server = TaskServer(state, address, os.environ.get("DAGSCOPE_API_TOKEN"), options.task_id)
    _say_what_it_has_not_read(server, state.path.parent, console)
    interrupted = False
    with TaskProgress(console, options.task_id) as progress:
        task = _ServedTask(server, options, progress, console)
        try:
            answer = task.to_end()
        except KeyboardInterrupt:
            interrupted = True
            answer = _cancel(server, options.task_id)
        except HttpFailed as error:
            fail(_advised(error, options.task_id if task.is_posting else None))
    if interrupted and answer["status"] == TaskStatus.NOT_STARTED:
        return EXIT_INTERRUPTED
    if options.as_json:
        click.echo(json.dumps(answer | {"tasks": answer["nodes"]}, ensure_ascii=False, separators=(",", ":")))
    else:
        _show_end(console, answer, task.rows)
    if interrupted:
        return EXIT_INTERRUPTED
    return 0 if answer["status"] == TaskStatus.SUCCESS else EXIT_FAILED


def _say_what_it_has_not_read(server: TaskServer, folder: Path, console: Console) -> None:
    """Without `--reload`, the server executes the files as they were when it read them."""
    try:
        facts = server.ask("GET", "/api/project")
    except HttpFailed:
        return  # the run itself reports that
    read_ms = facts.get("readTimeMs")
    if facts.get("reload") or not isinstance(read_ms, int):
        return
    newer = [path for path in _files(folder) if _saved_ms(folder / path) > read_ms]
    if newer:
        others = f" and {len(newer) - 1} more" if len(newer) > 1 else ""
        saved = f"{newer[0]}{others} was saved after the server had read the project"
        print_line(console, f"warning: {saved}, and it runs the earlier version; restart it, or serve with --reload")


def _files(folder: Path) -> list[str]:
    """The files that a server reads once; those of Python are read again for each task."""
    found = ProjectFiles(folder, LoadingLimits(), [], lambda: None).find("assets", (".sql",))
    return [CONFIG, PROFILE, *found]


def _saved_ms(file: Path) -> float:
    try:
        return file.stat().st_mtime * 1000
    except OSError:  # it is gone, and the server has what it was
        return 0


@dataclass(frozen=True)
class _Posted:
    """The answer to the POST."""

    answer: dict[str, Any]


@dataclass(frozen=True)
class _PostFailed:
    """The POST got no answer."""

    error: HttpFailed


@dataclass(frozen=True)
class _Lost:
    """The server is not reachable. The text is for people."""

    text: str


_Item = Message | _Posted | _PostFailed | _Lost | HttpFailed
"""What the threads that wait for the server pass on. An `HttpFailed` is the end of the stream."""


class _ServedTask:
    """A task that is posted and followed. Two threads wait for the server; all else happens in the caller's thread.

    `rows` are the row counts of assets that the stream has reported. `is_posting` means that the server was asked to
    run the task.
    """

    def __init__(self, server: TaskServer, options: RunOptions, progress: TaskProgress, console: Console) -> None:
        self._server, self._options, self._progress, self._console = server, options, progress, console
        self._inbox: SimpleQueue[_Item] = SimpleQueue()
        self._shown: dict[str, NodeStatus] = {}
        self._logged: dict[str, tuple[str, int]] = {}
        self.is_posting = self._is_posted = self._is_lost = self._has_begun = self._has_ended = False
        self._posted: dict[str, Any] = {}
        self.rows: dict[str, int] = {}
        self._paused: tuple[PausedAt, ...] = ()
        self._asked: PausedAt | None = None
        self._answered: set[PausedAt] = set()

    def to_end(self) -> dict[str, Any]:
        """Wait until the task has ended. Returns its status. Raises `HttpFailed`."""
        self._start(self._read)
        while True:
            while not (self._is_posted and self._has_ended):
                self._take(self._next())
            answer = self._last_status()
            if _is_ended(answer):
                return answer
            self._has_ended = False  # an earlier attempt, started by another client, has ended

    def _next(self) -> _Item:
        """What comes next; while the task holds, it can be continued on the terminal."""
        while self._options.breakpoints and self._inbox.empty():
            paused = next((each for each in self._paused if each not in self._answered), None)
            if paused is None:
                break
            self._ask(paused)
            if select.select([sys.stdin], [], [], _LOOK_S)[0]:
                self._answer(paused, read_answer())
        return self._inbox.get()

    def _ask(self, paused: PausedAt) -> None:
        """Unless that was asked before."""
        if paused != self._asked:
            self._asked = paused
            self._progress.stop()
            show_hold(self._console, paused, self._shown.get(paused.asset))
            ask(self._console, paused)

    def _answer(self, paused: PausedAt, answer: GoOn | str | None) -> None:
        try:
            if answer == STOP:
                self._server.cancel()
            elif answer is not None:
                self._server.go_on(paused.asset, answer)
        except Refused as error:
            say(self._console, str(error))
            answer = None
        if answer is None:
            ask(self._console, paused)
        else:
            self._answered.add(paused)
            self._progress.start()

    def _last_status(self) -> dict[str, Any]:
        """The final status, from the answer to the POST if it is there: the server may have stopped after the task."""
        if self._posted and _is_ended(self._posted):
            return {name: value for name, value in self._posted.items() if name != "tasks"}
        return self._server.status(self._say)

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True).start()

    def _read(self) -> None:
        try:
            for message in self._server.messages(lambda text: self._inbox.put(_Lost(text))):
                self._inbox.put(message)
        except HttpFailed as error:
            self._inbox.put(error)

    def _post(self) -> None:
        options = self._options
        body = {
            "taskId": options.task_id,
            "data": options.data,
            "runTests": options.run_tests,
            "profile": options.profile,
        }
        if options.select is not None:
            body["select"] = options.select.text
        if options.breakpoints:
            body["breakpoints"] = [{"asset": point.asset, "when": point.when} for point in options.breakpoints]
        if options.capture is not None:
            body["capture"] = options.capture.text
        try:
            self._inbox.put(_Posted(self._server.ask("POST", "/api/dag/run", body)))
        except HttpFailed as error:
            self._inbox.put(_PostFailed(error))

    def _take(self, item: _Item) -> None:
        self._is_lost = self._is_lost and not isinstance(item, Message)
        match item:
            case Message("snapshot", status, _):
                self._take_snapshot(status)
            case Message("task", summary, _):
                self._take_summary(TaskSummary.of_json(summary))
            case Message("node", node, _):
                self._take_node(NodeStatus.of_json(node))
            case Message("log", {"asset": asset, "message": message, "rows": int(rows)}, _):
                self._logged[asset] = (message, rows)
            case Message(
                "run_event", {"eventType": RunEventType.MATERIALIZATION, "stepKey": asset, "message": text}, _
            ):
                message, rows = self._logged.get(asset, ("", 0))
                if message == text:  # the entry that belongs to the event, not one of the asset's own
                    self.rows[asset] = rows
            case _Posted(answer):
                if "nodes" not in answer:
                    raise self._server.refusal(answer)
                self._is_posted, self._posted = True, answer
                self._end_without_stream()
            case _PostFailed(error):
                if not self._has_begun:
                    raise error
                self._is_posted = True  # the server took the task before it was lost
            case HttpFailed() as error:
                raise error
            case _Lost(text):
                self._is_lost = True
                self._end_without_stream()
                if not self._has_ended:
                    self._say(text)

    def _take_snapshot(self, status: dict[str, Any]) -> None:
        """Take the state of the task, at the start and whenever the server no longer has the next messages."""
        is_first, self.is_posting = not self.is_posting, True
        if is_first:
            self._start(self._post)
        has_task = status["status"] != TaskStatus.NOT_STARTED
        if has_task and (not is_first or not _is_ended(status)):
            self._take_summary(TaskSummary.of_json(status))
            self._take_nodes(status)
        elif self._has_begun:
            raise Refused(f"the server at {self._server.address} has lost the task: its state was reset")

    def _take_summary(self, summary: TaskSummary) -> None:
        self._has_ended, self._paused = summary.status.is_ended, summary.paused_at
        if not self._has_begun:
            self._progress.begin(summary.total_assets)
        self._has_begun = True

    def _end_without_stream(self) -> None:
        """Use the answer to the POST if the server stopped and cut the stream before the end of the task."""
        if self._is_lost and self._posted and _is_ended(self._posted):
            self._take_nodes(self._posted)
            self._has_ended = True

    def _take_nodes(self, status: dict[str, Any]) -> None:
        for node in map(NodeStatus.of_json, status["nodes"]):
            if not _is_same(node, self._shown.get(node.asset_name)):
                self._take_node(node)

    def _take_node(self, node: NodeStatus) -> None:
        self._shown[node.asset_name] = node
        self._progress.node(node, NodeFacts(rows=self.rows.get(node.asset_name)))


def _is_same(node: NodeStatus, shown: NodeStatus | None) -> bool:
    """Whether there is nothing new about a node. A node that was not reported yet is waiting."""
    state, message = (shown.state, shown.message) if shown else (NodeState.INITIAL, "")
    return (node.state, node.message) == (state, message)


def _cancel(server: TaskServer, task_id: str) -> dict[str, Any]:
    """Cancel the task. Returns its status, which is ended or never started."""
    try:
        return server.cancel()
    except HttpFailed as error:
        fail(_advised(error, task_id))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _advised(error: HttpFailed, task_id: str | None) -> str:
    """What happened, and what to do. `task_id` is None if the server was not asked to run anything."""
    match error:
        case NoAnswer() if task_id is None:
            return f"{error}; nothing was run: start the server again, or stop it"
        case NoAnswer():
            return f"{error}; once the server answers again, GET /api/dag/status/{task_id} shows how the task ended"
        case Redirected():
            return f"{error}; another program answers at the server's address: stop it, and start the server again"
        case HeaderUnusable():
            return "DAGSCOPE_API_TOKEN contains characters that HTTP does not allow; set it to the server's token"
    return str(error)


def _is_ended(answer: dict[str, Any]) -> bool:
    return TaskStatus(answer["status"]).is_ended


def _show_end(console: Console, answer: dict[str, Any], rows: dict[str, int]) -> None:
    nodes = [(node, NodeFacts(rows=rows.get(node.asset_name))) for node in map(NodeStatus.of_json, answer["nodes"])]
    tests = tuple(map(DataTestResult.of_json, answer["rootTestResults"]))
    show_nodes(console, nodes, tests, TaskSummary.of_json(answer), None)
