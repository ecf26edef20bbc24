"""The server's side of the process of runs: starts it, uses it, replaces it when it has ended."""

import itertools
import subprocess
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from dagscope.dag.connections import Connection
from dagscope.dag.events import wire
from dagscope.dag.events.task_ids import NO_TASK
from dagscope.dag.events.task_log import Emit, RawAssetLog, TaskLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.error_text import named_error
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.process.messages import Begin, Cancel, Ended, FromRuns, Happened, Recorded, Resume, Run, Stop
from dagscope.dag.process.packets import PeerGone
from dagscope.dag.project.project import Project
from dagscope.dag.run.breakpoints import GoOn
from dagscope.dag.run.runner import TaskOptions
from dagscope.dag.run.task_plan import TaskPlan
from dagscope.dag.run.task_plan_wire import encode_plan
from dagscope.server.workspace.console import console_log
from dagscope.server.workspace.live_runs import LiveRuns
from dagscope.server.workspace.remote_connection import Channel, RemoteConnection
from dagscope.server.workspace.run_output import RunOutput
from dagscope.server.workspace.running_attempt import RunningAttempt
from dagscope.server.workspace.runs import RunBroken, RunsHere
from dagscope.server.workspace.spawned_runs import SpawnedRuns, spawn_runs

_CANCEL_S = 1.6
"""How long a cancelled attempt may take to end before the process is killed; its assets get 1 s of it."""

_STOP_S = 3.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0  # before another start, if a process ends without having run anything
_LOOK_AGAIN_S = 0.1
_CANCEL_AGAIN_S = 0.05
_DRAIN_S = 1.0  # for what it has printed
_CANCELLED = "cancelled"


class RunProcess:
    """Executes attempts in a process of its own: in `spawned`, and in others after its end. Safe from any thread."""

    def __init__(self, spawned: SpawnedRuns) -> None:
        self._changed = threading.Condition()
        self._pause_s = 0.0
        self._process: LiveRuns | None = None
        self._attempt: RunningAttempt | None = None
        self._newest: Project | None = None
        self._numbers = itertools.count(1)
        self._connections: WeakValueDictionary[int, RemoteConnection] = WeakValueDictionary()
        self._closing = threading.Event()
        self._recorded = threading.Event()
        self._recorded.set()
        self._spawned: SpawnedRuns | None = spawned

    def begin(self, begin: Begin, here: RunsHere, emit: Emit) -> None:
        """Let it work, once a project is adopted; `emit` receives events that belong to no attempt.

        `here` ends attempts that were cancelled before they have executed anything.
        """
        assert self._newest is not None
        assert self._spawned is not None
        self._begin, self._here, self._emit = begin, here, emit
        spawned, self._spawned = self._spawned, None
        self._use(spawned)

    def _use(self, spawned: SpawnedRuns) -> None:
        process = LiveRuns(spawned)
        process.send(self._begin)
        with self._changed:
            if self._closing.is_set():
                process.kill("the server was stopped")
            else:
                assert self._newest is not None
                process.load(self._newest)
                self._process = process
                self._changed.notify_all()
        outputs = [
            RunOutput(pipe, name, process.catch_up, partial(self._log_output, name))
            for pipe, name in zip(spawned.outputs, ("stdout", "stderr"), strict=True)
        ]
        threading.Thread(target=self._listen, args=(process, outputs), name="process of runs", daemon=True).start()

    # -- what others ask for

    def adopt(self, project: Project) -> Project:
        """The project with its connections there; those that are there already stay. Returns at once."""
        adopted = {
            name: connection if isinstance(connection, RemoteConnection) else self._remote(connection)
            for name, connection in project.connections.items()
        }
        project = project.with_connections(adopted)
        with self._changed:
            self._newest = project
            if self._process is not None:
                self._process.load(project)
        return project

    def _remote(self, local: Connection) -> RemoteConnection:
        remote = RemoteConnection(local, next(self._numbers), self)
        self._connections[remote.number] = remote
        return remote

    def open_channel(self, connection: RemoteConnection, in_session: bool, cancellation: Cancellation) -> Channel:
        """A channel for calls on the connection, or on a session of it. Waits until the process has started.

        Raises `ConnectionFailed` or `Cancelled`.
        """
        process = self._started(connection.name, cancellation)
        if not process.has_loaded(connection):
            raise ConnectionFailed(connection.name, "the project was loaded again without it; ask again")
        try:
            return process.open_channel(connection, in_session)
        except OSError as error:
            raise ConnectionFailed(connection.name, "the process of runs has ended; ask again") from error

    def has_loaded(self, connection: RemoteConnection) -> bool:
        """Whether the connection may be open in the process that runs now."""
        process = self._process
        return process is not None and process.has_loaded(connection)

    def _started(self, connection: str, cancellation: Cancellation) -> LiveRuns:
        with self._changed:
            while self._process is None and not self._closing.is_set():
                cancellation.check()
                self._changed.wait(_LOOK_AGAIN_S)
            if self._process is None:
                raise ConnectionFailed(connection, "the server is shutting down")
            return self._process

    def run(
        self, project: Project, plan: TaskPlan, emit: Emit, cancellation: Cancellation, options: TaskOptions
    ) -> None:
        """Execute an attempt (`Runs.run`). If the process ends before it executes anything, the next one does."""
        log = TaskLog.of_attempt(emit, project.redaction, plan.task.task_id, plan.attempt, options.log_limits)
        sent = encode_plan(plan)
        for is_last in (False, True):
            attempt = RunningAttempt(next(self._numbers), project, plan, log, emit)
            process = self._process_for(attempt, cancellation)
            if process is None:  # cancelled before anything was executed
                self._here.run(project, plan, emit, cancellation, options)
                return
            process.load(project)
            process.send(Run(attempt.number, sent, options))
            try:
                ended = self._ended(attempt, process, cancellation)
            except RunBroken:
                if is_last or attempt.has_events or cancellation.is_requested:
                    raise
            else:
                self._finish(process, log, ended)
                return

    def go_on(self, asset: str, how: GoOn) -> None:
        """Go on with the attempt that runs (`Runs.go_on`)."""
        with self._changed:
            if self._attempt is not None and self._process is not None:
                self._process.send(Resume(self._attempt.number, asset, how))

    def _process_for(self, attempt: RunningAttempt, cancellation: Cancellation) -> LiveRuns | None:
        """The process, once it has started, with the attempt as the one that it runs; None if it was cancelled."""
        with self._changed:
            while self._process is None:
                self._changed.wait(_LOOK_AGAIN_S)
                if cancellation.is_requested or self._closing.is_set():
                    break
            if cancellation.is_requested or self._process is None:
                cancellation.request()
                return None
            self._process.spawned.started.clear()
            self._attempt, self._process.has_run = attempt, True
            return self._process

    def _ended(self, attempt: RunningAttempt, process: LiveRuns, cancellation: Cancellation) -> Ended:
        """Wait for the attempt's end. Raises `RunBroken` if the process ends before."""
        try:
            awaited: list[Future[Any]] = [attempt.ended, cancellation.requested]
            wait(awaited, return_when=FIRST_COMPLETED)
            deadline_s = time.monotonic() + _CANCEL_S
            while not attempt.ended.done():
                if time.monotonic() > deadline_s:
                    _restart(process, attempt.log, "it did not answer")
                    break
                process.send(Cancel(attempt.number))
                wait([attempt.ended], timeout=_CANCEL_AGAIN_S)
            return attempt.ended.result()
        finally:
            with self._changed:
                self._attempt = None

    def _finish(self, process: LiveRuns, log: TaskLog, ended: Ended) -> None:
        """Report what the attempt has left, and replace the process if that would affect the next one."""
        if ended.fault:
            raise RunBroken(ended.fault)
        if ended.left_processes:
            names = ", ".join(ended.left_processes)
            log.warning(f"Processes that assets left running were ended: {names}")
        if ended.left_behind:
            self._replace(process, log, f"what was cancelled did not stop: {', '.join(ended.left_behind)}")
        elif ended.memory_is_used_up:
            self._replace(process, log, "its memory is used up (DAGSCOPE_MEMORY_BYTES)")

    def _replace(self, process: LiveRuns, log: TaskLog, why: str) -> None:
        _restart(process, log, why)
        with self._changed:
            while self._process is process:
                self._changed.wait(_LOOK_AGAIN_S)

    def wait_for_records(self, seconds: float) -> None:
        """Wait until what the newest attempt has left is recorded (`Runs.wait_for_records`)."""
        self._recorded.wait(seconds)

    def close(self) -> None:
        """Stop the process; its databases are closed first. Waits for its end."""
        with self._changed:
            self._closing.set()
            process = self._process
            self._changed.notify_all()
        if process is not None:
            process.expected_end = "the server was stopped"
            process.send(Stop())
            with suppress(subprocess.TimeoutExpired):
                process.spawned.guardian.wait(timeout=_STOP_S)
            process.spawned.end()
        elif self._spawned is not None:  # it was never used
            self._spawned.end()
            for file in (self._spawned, *self._spawned.outputs):
                file.close()

    # -- what the process says

    def _listen(self, process: LiveRuns, outputs: list[RunOutput]) -> None:
        """Take its messages until it ends, and then start another; in a thread of its own."""
        try:
            while True:
                process.take_next(partial(self._take, outputs))
        except PeerGone:
            pass
        except BaseException as error:  # noqa: BLE001  a fault of this side must not leave the attempt without an end
            console_log().write("error", "The process of runs is restarted after a fault", {}, error)
            process.kill("an internal fault")
        how = process.how_it_ended()
        for output in outputs:
            output.close(_DRAIN_S)
        with self._changed:
            self._process = None
            self._recorded.set()
            attempt = self._attempt
            if attempt is not None:
                attempt.take_started(process.spawned.started)
            lost = process.lost()
            for connection in list(self._connections.values()):
                connection.is_open_there = False
            self._changed.notify_all()
        process.close()
        reason = f"the process of runs ended ({how}){attempt.meanwhile if attempt is not None else ''}{lost}"
        if attempt is not None and not attempt.ended.done():
            attempt.ended.set_exception(RunBroken(reason, is_cancelled=process.expected_end == _CANCELLED))
        self._start_again(process, reason)

    def _start_again(self, process: LiveRuns, reason: str) -> None:
        if not process.expected_end:
            console_log().write("warning", "The process of runs ended; another one starts", {"reason": reason})
        if process.has_run or process.expected_end:
            self._pause_s = 0.0
        else:  # it ends by itself: another one probably does too
            self._pause()
        while not self._closing.is_set():
            try:
                spawned = spawn_runs()
            except OSError as error:
                known = {"error": named_error(error)}
                console_log().write("error", "The process of runs cannot be started; trying again", known)
                self._pause()
            else:
                self._use(spawned)
                return

    def _pause(self) -> None:
        self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
        self._closing.wait(self._pause_s)

    def _take(self, outputs: list[RunOutput], message: FromRuns) -> None:
        attempt = self._attempt
        match message:
            case Happened():
                self._learn(message.secrets, attempt)
                now_open = frozenset(message.open_connections)
                for connection in list(self._connections.values()):
                    connection.is_open_there = connection.number in now_open
                emit = attempt.take if attempt is not None else self._emit
                for event in wire.decode(message.events):
                    if attempt is not None and attempt.is_end_of_raw_asset(event):
                        for output in outputs:  # what was written before is the asset's
                            output.take_all()
                    emit(event)
            case Ended() if attempt is not None and attempt.number == message.number:
                self._recorded.clear()
                attempt.ended.set_result(message)
            case Recorded():
                self._recorded.set()

    def _learn(self, secrets: tuple[str, ...], attempt: RunningAttempt | None) -> None:
        if secrets:
            projects = (self._newest, attempt.project if attempt is not None else None)
            for project in filter(None, projects):
                project.redaction.learn_all(secrets)

    def _log_output(self, name: str, line: str) -> None:
        RawAssetLog(self._log_of_output()).write("info", line, {"stream": name})

    def _log_of_output(self) -> TaskLog:
        attempt = self._attempt
        if attempt is not None:
            return attempt.log_of_output()
        assert self._newest is not None
        return TaskLog(self._emit, self._newest.redaction, NO_TASK, 0, limits=self._begin.log_limits)


def _restart(process: LiveRuns, log: TaskLog, why: str) -> None:
    """End the process, which is then replaced; the log says what is lost with it."""
    log.warning(f"The process of runs was restarted, because {why}{process.lost()}")
    process.kill(_CANCELLED)
