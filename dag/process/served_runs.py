"""What the process of runs does for the server: loads projects, executes attempts, opens connections."""

import contextlib
import os
import socket
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from dagscope.dag.connections import Connection
from dagscope.dag.events.captured_entries import Capture
from dagscope.dag.events.events import Event, NodeChanged
from dagscope.dag.events.status import NodeState, NodeStatus, TaskStatus
from dagscope.dag.events.task_log import Emit
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.error_text import named_error
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.memory_limit import limit_memory, memory_is_used_up
from dagscope.dag.process import exit_codes, messages, packets
from dagscope.dag.process.attempt_garbage import garbage_left
from dagscope.dag.process.channels import Channels
from dagscope.dag.process.learned_secrets import LearnedSecrets
from dagscope.dag.process.left_processes import end_left_processes
from dagscope.dag.process.messages import Begin, Cancel, Ended, Load, Open, Recorded, Resume, Run, Stop, ToRuns
from dagscope.dag.process.outbox import Outbox
from dagscope.dag.process.packets import PeerGone
from dagscope.dag.process.started_assets import StartedAssets
from dagscope.dag.project.loading import load_again
from dagscope.dag.project.project import Project
from dagscope.dag.run import runner
from dagscope.dag.run.breakpoints import Answer, Holding
from dagscope.dag.run.left_relations import LeftRelations
from dagscope.dag.run.task_plan_wire import decode_plan

_ANSWERING_S = 0.05  # recording begins later: meanwhile, the server needs the processors to answer
_ANSWERING_NODE_S = 0.00005  # and that much longer for each node
_RECORDING_S = 1.0  # how long an attempt waits until what the one before has left is recorded


class ServedRuns:
    """Takes the server's messages from `control`, and its channels from `opens`; `guardian` is its parent's id."""

    def __init__(self, control: socket.socket, opens: socket.socket, started: StartedAssets, guardian: int) -> None:
        self._control, self._opens, self._started, self._guardian = control, opens, started, guardian
        self._connections: dict[int, Connection] = {}
        self._secrets = LearnedSecrets()
        self._outbox = Outbox(control, self._secrets.taken, self._open_connections)
        self._told = threading.Condition()
        self._generation = 0
        self._loaded: Future[Project] = Future()
        self._cancellations: dict[int, Cancellation] = {}
        self._holdings: dict[int, Holding] = {}
        self._recording: Cancellation | None = None
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self._running = ThreadPoolExecutor(1, thread_name_prefix="runner")

    def serve(self) -> NoReturn:
        """Carry out the server's messages until it ends or sends `Stop`."""
        _or_end(self._serve)
        raise AssertionError("it serves until the process ends")

    def _serve(self) -> None:
        file = self._control.makefile("rb")
        begin = messages.decoded_to_runs(packets.receive(file))
        assert isinstance(begin, Begin)
        self._frames = FrameFiles(Path(begin.frames), begin.frame_bytes, begin.frames_total_bytes)
        if begin.memory_bytes is not None:
            limit_memory(begin.memory_bytes)
        Capture(self._outbox.emit, lambda: self._secrets.newest, begin.log_limits).__enter__()
        _start(self._outbox.work, "outbox")
        channels = Channels(self._connection, self._outbox.look)
        _start(lambda: channels.listen(self._opens), "channels")
        while True:
            self._take(messages.decoded_to_runs(packets.receive(file)))

    def _take(self, message: ToRuns) -> None:
        match message:
            case Load():
                with self._told:
                    self._generation, self._loaded = message.generation, self._loading.submit(self._load, message)
                    self._told.notify_all()
            case Run():
                begun = Cancellation()
                self._holdings[message.number] = Holding(begun)
                with self._told:
                    self._cancellations[message.number] = begun
                    self._told.notify_all()
                self._end_recording_soon()
                self._running.submit(_or_end, lambda loaded=self._loaded: self._run(message, loaded))  # type: ignore[misc]  # mypy cannot infer it
            case Cancel():
                cancellation = self._cancellations.get(message.number)
                if cancellation is not None:
                    # Interrupting a statement may take a while.
                    threading.Thread(target=cancellation.request, name="cancel", daemon=True).start()
            case Resume():
                self._loading.submit(self._resume, message, self._loaded)  # after what is being loaded
            case Stop():
                for connection in self._connections.values():
                    with contextlib.suppress(Exception):
                        connection.close()
                os._exit(0)

    def _load(self, load: Load) -> Project:
        folder = Path(load.folder)
        os.chdir(folder)  # files that SQL and Python write to a relative path are created in the project
        project = load_again(folder, load.files)
        numbers = load.connections
        for name, connection in project.connections.items():
            self._connections.setdefault(numbers[name], connection)
        project = project.with_connections({name: self._connections[numbers[name]] for name in project.connections})
        self._secrets.watch(project.redaction)
        self._outbox.look()
        return project

    def _resume(self, resume: Resume, loaded: "Future[Project]") -> None:
        holding = self._holdings.get(resume.number)
        if holding is not None:  # files that could not be loaded here after all do not keep it waiting
            project = loaded.result() if loaded.exception() is None else None
            holding.go_on(resume.asset, Answer(resume.how, project))

    def _connection(self, opened: Open) -> Connection:
        with self._told:
            while self._generation < opened.generation:  # its message is on another socket
                self._told.wait()
            loaded = self._loaded
        loaded.result()
        return self._connections[opened.connection]

    def _run(self, run: Run, loaded: "Future[Project]") -> None:
        """Run an attempt. Whatever happens, its end is reported."""
        with garbage_left() as collect_as_usual:
            left = self._run_and_report(run, loaded, collect_as_usual)
        if left is not None:
            self._record(left)

    def _run_and_report(
        self, run: Run, loaded: "Future[Project]", collect_as_usual: Callable[[], None]
    ) -> LeftRelations | None:
        left_behind: tuple[str, ...] = ()
        used_up, fault, left = False, "", None
        try:
            cancellation = self._cancellations[run.number]
            project, plan = loaded.result(), decode_plan(run.plan)
            if plan.executes_python(project):
                collect_as_usual()
            emit, holding = self._emit_of(project), self._holdings[run.number]
            end = runner.run(project, plan, self._frames, emit, cancellation, run.options, holding)
            left_behind, left = end.left_behind, end.relations
            used_up = end.status is TaskStatus.FAILED and memory_is_used_up()
        except BaseException as error:  # noqa: BLE001  whatever it is, it ends this task and nothing else
            fault = named_error(error)
        del self._cancellations[run.number], self._holdings[run.number]
        self._outbox.send(Ended(run.number, left_behind, end_left_processes(self._guardian), used_up, fault))
        return left

    def _record(self, left: LeftRelations) -> None:
        """Nobody waits for this but the next attempt, and that one not for long."""
        with self._told:
            self._told.wait_for(lambda: self._cancellations, _ANSWERING_S + len(left.reports) * _ANSWERING_NODE_S)
        self._recording = Cancellation()
        if self._cancellations:
            self._end_recording_soon()
        try:
            left.record(self._recording)
        finally:
            self._recording = None
            self._outbox.send(Recorded())

    def _end_recording_soon(self) -> None:
        recording = self._recording
        if recording is not None:
            timer = threading.Timer(_RECORDING_S, recording.request)
            timer.daemon = True
            timer.start()

    def _emit_of(self, project: Project) -> Emit:
        """For an attempt: the server knows at once which assets have started, and for raw ones whose output comes."""
        order = enumerate(project.graph.order)
        quiet = {name: position for position, name in order if not project.assets[name].is_raw}

        def is_urgent(node: NodeStatus) -> bool:
            if node.state is not NodeState.IN_PROGRESS:
                return False
            position = quiet.get(node.asset_name)
            return position is None or not self._started.note(position)

        def emit(event: Event) -> None:
            if isinstance(event, NodeChanged) and is_urgent(event.node):
                self._outbox.emit_at_once(event)
            else:
                self._outbox.emit(event)

        return emit

    def _open_connections(self) -> tuple[int, ...]:
        return tuple(number for number, connection in list(self._connections.items()) if connection.is_open)


def _start(work: Callable[[], object], name: str) -> None:
    threading.Thread(target=_or_end, args=(work,), name=name, daemon=True).start()


def _or_end(work: Callable[[], object]) -> None:
    """Do work that the process cannot do without: if it fails, the process ends, and the server reports that."""
    try:
        work()
    except PeerGone:
        os._exit(exit_codes.SERVER_GONE)
    except MemoryError:
        os._exit(exit_codes.OUT_OF_MEMORY)
    except BaseException:  # noqa: BLE001  others would wait for it forever
        with contextlib.suppress(BaseException):
            os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
        os._exit(exit_codes.FAULT)
