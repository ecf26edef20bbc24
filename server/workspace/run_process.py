"""The server's side of the process of runs: starts it, talks to it, replaces it when it has ended."""

import itertools
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from dagscope.dag.connections import Connection
from dagscope.dag.events import wire
from dagscope.dag.events.events import Event, NodeChanged
from dagscope.dag.events.log_limits import EntryCount
from dagscope.dag.events.task_ids import NO_TASK
from dagscope.dag.events.task_log import Emit, RawAssetLog, TaskLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.process import messages, packets
from dagscope.dag.process.messages import Begin, Cancel, Ended, Happened, Load, Open, Run, Stop, ToRuns
from dagscope.dag.process.packets import PeerGone
from dagscope.dag.project.project import Project
from dagscope.dag.run.runner import TaskOptions
from dagscope.dag.run.task_plan import TaskPlan
from dagscope.dag.run.task_plan_wire import encode_plan
from dagscope.server.workspace.console import console_log
from dagscope.server.workspace.remote_connection import Channel, RemoteConnection
from dagscope.server.workspace.runs import RunBroken, RunsHere
from dagscope.server.workspace.spawned_runs import SpawnedRuns, spawn_runs

_CANCEL_S = 1.6
"""How long a cancelled attempt may take to end before the process is killed; its assets get 1 s of it."""

_STOP_S = 3.0
_EXIT_SERVER_GONE = 70  # of the process of runs, when its socket is closed
_LONGEST_LINE = 65_536
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0  # before another start, if a process ends without having run anything
_LOOK_AGAIN_S = 0.1
_CANCEL_AGAIN_S = 0.05
_DRAIN_S = 1.0  # for what it has printed
_CANCELLED = "cancelled"
_MOST_NAMES = 3  # of assets, in a message


@dataclass(eq=False)
class _Attempt:
    """The attempt that runs."""

    number: int
    project: Project
    log: TaskLog
    emit: Emit
    ended: "Future[Ended]" = field(default_factory=Future)
    running: dict[str, str] = field(default_factory=dict)
    """The connections of assets that run now, by name."""

    def take(self, event: Event) -> None:
        if isinstance(event, NodeChanged):
            if event.node.state.is_running:
                name = event.node.asset_name
                self.running[name] = self.project.assets[name].connection
            else:
                self.running.pop(event.node.asset_name, None)
        self.emit(event)

    @property
    def meanwhile(self) -> str:
        """Which assets run now, as a part of a sentence: one of them may have ended the process."""
        names = tuple(self.running)
        if len(names) > _MOST_NAMES:
            names = (*names[:_MOST_NAMES], f"{len(names) - _MOST_NAMES} more")
        listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
        return f" while {listed} ran" if listed else ""

    def log_of_output(self) -> TaskLog:
        """The log of what is printed now: of the asset, if only one raw asset runs."""
        raw = [name for name in tuple(self.running) if self.project.assets[name].is_raw]
        return self.log.for_asset(raw[0], self.project.assets[raw[0]].connection) if len(raw) == 1 else self.log


class _Process:
    """One process of runs, from its start to its end."""

    def __init__(self, spawned: SpawnedRuns) -> None:
        self.spawned = spawned
        self.file = spawned.control.makefile("rb")
        self.generation = 0
        self.project: Project | None = None
        self.numbers: set[int] = set()
        self.out_of_memory_kills = _out_of_memory_kills()
        self.has_run = False
        """Whether an attempt was started in it."""
        self.expected_end = ""
        """Why this side has ended it."""
        self._sending = threading.Lock()

    def send(self, message: ToRuns) -> None:
        with self._sending:
            packets.send(self.spawned.control, messages.encoded(message))

    def try_to_cancel(self, number: int) -> None:
        """Send the message unless that would have to wait; it is repeated anyway."""
        if self._sending.acquire(blocking=False):
            try:
                with suppress(PeerGone):
                    packets.send(self.spawned.control, messages.encoded(Cancel(number)), socket.MSG_DONTWAIT)
            finally:
                self._sending.release()

    def load(self, project: Project) -> None:
        """Let it load the project, unless that is what it has loaded last."""
        with self._sending:
            if self.project is project:
                return
            self.generation, self.project = self.generation + 1, project
            numbers = {name: c.number for name, c in project.connections.items() if isinstance(c, RemoteConnection)}
            self.numbers.update(numbers.values())
            load = Load(self.generation, str(project.folder), project.files, numbers)
            packets.send(self.spawned.control, messages.encoded(load))

    def open_channel(self, connection: RemoteConnection, in_session: bool) -> Channel:
        calls, its_calls = socket.socketpair()
        interrupts, its_interrupts = socket.socketpair()
        with its_calls, its_interrupts:
            content = messages.encoded(Open(self.generation, connection.number, in_session))
            socket.send_fds(self.spawned.opens, [content], [its_calls.fileno(), its_interrupts.fileno()])
        return Channel(connection.name, calls, interrupts)

    def kill(self, why: str) -> None:
        self.expected_end = self.expected_end or why
        self.spawned.kill()

    def how_it_ended(self) -> str:
        """Wait for its end; how it came."""
        try:
            status = self.spawned.guardian.wait(timeout=1.0)
        except subprocess.TimeoutExpired:  # its socket is closed, but it lives
            status = _EXIT_SERVER_GONE
        self.spawned.kill()
        self.spawned.guardian.wait()
        if self.expected_end:
            return self.expected_end
        if status == _EXIT_SERVER_GONE:
            return "an asset closed its connection to the server"
        if status >= 0:
            return f"exit code {status}"
        if status == -signal.SIGKILL and _out_of_memory_kills() > self.out_of_memory_kills:
            return "out of memory: the system killed it"
        return f"signal {signal.Signals(-status).name}"

    def close(self) -> None:
        self.file.close()
        self.spawned.control.close()
        self.spawned.opens.close()


class RunProcess:
    """Executes attempts in a process of its own: in `spawned`, and in others after its end. Safe from any thread."""

    def __init__(self, spawned: SpawnedRuns) -> None:
        self._changed = threading.Condition()
        self._pause_s = 0.0
        self._process: _Process | None = None
        self._attempt: _Attempt | None = None
        self._newest: Project | None = None
        self._begin: Begin | None = None
        self._emit: Emit = lambda _: None
        self._numbers = itertools.count(1)
        self._connections: dict[int, RemoteConnection] = {}
        self._closing = threading.Event()
        self._spawned = spawned

    def begin(self, begin: Begin, here: RunsHere, emit: Emit) -> None:
        """Give it what it needs; `emit` receives events that belong to no attempt.

        `here` ends attempts that were cancelled before they have executed anything.
        """
        self._begin, self._here, self._emit = begin, here, emit
        self._use(self._spawned)

    def _use(self, spawned: SpawnedRuns) -> None:
        process = _Process(spawned)
        assert self._begin is not None
        with suppress(PeerGone):  # its end is noticed below
            process.send(self._begin)
        readers = [
            threading.Thread(target=self._read_output, args=(file, name), name=f"{name} of runs", daemon=True)
            for file, name in zip(spawned.outputs, ("stdout", "stderr"), strict=True)
        ]
        for reader in readers:
            reader.start()
        threading.Thread(target=self._listen, args=(process, readers), name="process of runs", daemon=True).start()
        with self._changed:
            self._process = process
            self._changed.notify_all()
        if self._newest is not None:
            with suppress(PeerGone):
                process.load(self._newest)

    # -- what others ask for

    def adopt(self, project: Project) -> Project:
        """The project with its connections there; those that are there already stay."""
        adopted = {
            name: connection if isinstance(connection, RemoteConnection) else self._remote(connection)
            for name, connection in project.connections.items()
        }
        project = project.with_connections(adopted)
        self._newest = project
        with self._changed:
            process = self._process
        if process is not None:
            with suppress(PeerGone):
                process.load(project)
        return project

    def _remote(self, local: Connection) -> RemoteConnection:
        remote = RemoteConnection(local, next(self._numbers), self._open_channel)
        self._connections[remote.number] = remote
        return remote

    def _open_channel(self, connection: RemoteConnection, in_session: bool) -> Channel:
        process = self._started(connection.name)
        try:
            if connection.number not in process.numbers and self._newest is not None:
                process.load(self._newest)
            return process.open_channel(connection, in_session)
        except (PeerGone, OSError) as error:
            raise ConnectionFailed(connection.name, "the process of runs has ended; ask again") from error

    def _started(self, connection: str) -> _Process:
        with self._changed:
            while self._process is None and not self._closing.is_set():
                self._changed.wait()
            if self._process is None:
                raise ConnectionFailed(connection, "the server is shutting down")
            return self._process

    def run(
        self, project: Project, plan: TaskPlan, emit: Emit, cancellation: Cancellation, options: TaskOptions
    ) -> None:
        task = TaskLog(
            emit,
            project.redaction,
            plan.task.task_id,
            plan.attempt,
            limits=options.log_limits,
            own_entries=EntryCount(options.log_limits.task_entries),
        )
        attempt = _Attempt(next(self._numbers), project, task, emit)
        process = self._process_for(attempt, cancellation)
        if process is None:  # cancelled before anything was executed
            self._here.run(project, plan, emit, cancellation, options)
            return
        try:
            with suppress(PeerGone):  # then `ended` raises how the process ended
                process.load(project)
                process.send(Run(attempt.number, encode_plan(plan), options))
            ended = _ended(attempt, process, cancellation)
        finally:
            with self._changed:
                self._attempt = None
        if ended.fault:
            raise RunBroken(ended.fault)
        if ended.left_processes:
            names = ", ".join(ended.left_processes)
            task.warning(f"Processes that assets left running were ended: {names}")
        if ended.left_behind:
            self._replace(process, task, f"what was cancelled did not stop: {', '.join(ended.left_behind)}")
        elif ended.memory_is_used_up:
            self._replace(process, task, "its memory is used up (DAGSCOPE_MEMORY_BYTES)")

    def _process_for(self, attempt: _Attempt, cancellation: Cancellation) -> _Process | None:
        """The process, once it has started, with the attempt as the one that it runs; None if it was cancelled."""
        with self._changed:
            while self._process is None:
                self._changed.wait(_LOOK_AGAIN_S)
                if cancellation.is_requested or self._closing.is_set():
                    break
            if cancellation.is_requested or self._process is None:
                cancellation.request()
                return None
            self._attempt, self._process.has_run = attempt, True
            return self._process

    def _replace(self, process: _Process, task: TaskLog, why: str) -> None:
        """End the process after an attempt that would affect the next one."""
        task.warning(f"The process of runs was restarted, because {why}{_lost(process)}")
        process.kill(_CANCELLED)
        with self._changed:
            while self._process is process:
                self._changed.wait(_LOOK_AGAIN_S)

    def close(self) -> None:
        """Stop the process; its databases are closed first."""
        with self._changed:
            self._closing.set()
            process = self._process
            self._changed.notify_all()
        if process is None:
            self._spawned.kill()
            return
        process.expected_end = "the server was stopped"
        with suppress(PeerGone):
            process.send(Stop())
        with suppress(subprocess.TimeoutExpired):
            process.spawned.guardian.wait(timeout=_STOP_S)
        process.spawned.kill()
        process.spawned.guardian.wait()

    # -- what the process says

    def _listen(self, process: _Process, readers: list[threading.Thread]) -> None:
        """Take its messages until it ends, and then start another; in a thread of its own."""
        try:
            while True:
                self._take(messages.decoded_from_runs(packets.receive(process.file)))
        except PeerGone:
            pass
        except BaseException as error:  # noqa: BLE001  a fault of this side must not leave the attempt without an end
            console_log().write("error", "The process of runs is restarted after a fault", {}, error)
            process.kill("an internal fault")
        how = process.how_it_ended()
        for reader in readers:
            reader.join(_DRAIN_S)
        process.close()
        with self._changed:
            self._process = None
            attempt = self._attempt
            lost = _lost(process)
            for connection in self._connections.values():
                connection.is_open_there = False
            self._changed.notify_all()
        reason = f"the process of runs ended ({how}){attempt.meanwhile if attempt is not None else ''}{lost}"
        if attempt is not None and not attempt.ended.done():
            attempt.ended.set_exception(RunBroken(reason, is_cancelled=process.expected_end == _CANCELLED))
        self._start_again(process, reason)

    def _start_again(self, process: _Process, reason: str) -> None:
        if self._closing.is_set():
            return
        if not process.expected_end:
            console_log().write("warning", "The process of runs ended; another one starts", {"reason": reason})
        if process.has_run or process.expected_end:
            self._pause_s = 0.0
        else:  # it ends by itself: another one probably does too
            self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
            self._closing.wait(self._pause_s)
        if not self._closing.is_set():
            self._use(spawn_runs())

    def _take(self, message: messages.FromRuns) -> None:
        attempt = self._attempt
        match message:
            case Happened():
                if message.secrets and self._newest is not None:
                    self._newest.redaction.learn_all(message.secrets)
                if attempt is not None and message.secrets and attempt.project is not self._newest:
                    attempt.project.redaction.learn_all(message.secrets)
                now_open = frozenset(message.open_connections)
                for number, connection in self._connections.items():
                    connection.is_open_there = number in now_open
                emit = attempt.take if attempt is not None else self._emit
                for event in wire.decode(message.events):
                    emit(event)
            case Ended() if attempt is not None and attempt.number == message.number:
                attempt.ended.set_result(message)

    def _read_output(self, file: IO[bytes], name: str) -> None:
        """Log what it prints, until it ends; in a thread of its own."""
        while line := file.readline(_LONGEST_LINE):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text.strip():
                RawAssetLog(self._log_of_output()).write("info", text, {"stream": name})

    def _log_of_output(self) -> TaskLog:
        attempt = self._attempt
        if attempt is not None:
            return attempt.log_of_output()
        assert self._newest is not None
        assert self._begin is not None
        return TaskLog(self._emit, self._newest.redaction, NO_TASK, 0, limits=self._begin.log_limits)


def _ended(attempt: _Attempt, process: _Process, cancellation: Cancellation) -> Ended:
    """Wait for the attempt's end. Raises `RunBroken`."""
    awaited: list[Future[Any]] = [attempt.ended, cancellation.requested]
    wait(awaited, return_when=FIRST_COMPLETED)
    deadline_s = time.monotonic() + _CANCEL_S
    while not attempt.ended.done():
        if time.monotonic() > deadline_s:
            process.kill(_CANCELLED)
            break
        process.try_to_cancel(attempt.number)
        wait([attempt.ended], timeout=_CANCEL_AGAIN_S)
    return attempt.ended.result()


def _lost(process: _Process) -> str:
    """What is lost with the process, as the end of a sentence."""
    connections = process.project.connections.values() if process.project is not None else ()
    names = [f'"{each.name}"' for each in connections if not each.outlives_closing and each.is_open]
    return f"; the tables of the in-memory connection {', '.join(names)} are gone" if names else ""


def _out_of_memory_kills() -> int:
    """How many processes of this control group the system has killed for want of memory; 0 if it does not say."""
    with suppress(OSError, ValueError):
        for line in Path("/sys/fs/cgroup/memory.events").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0
