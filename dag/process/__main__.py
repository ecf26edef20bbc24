"""The process of runs: loads projects, owns connections and frames, runs tasks. The server starts it."""

import contextlib
import faulthandler
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from dagscope.dag.connections import Connection
from dagscope.dag.events.captured_entries import Capture
from dagscope.dag.events.status import TaskStatus
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.error_text import named_error
from dagscope.dag.ground.forked_children import closed_in_children
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.memory_limit import limit_memory, memory_is_used_up
from dagscope.dag.process import messages, packets
from dagscope.dag.process.channels import Channels
from dagscope.dag.process.foreign_logs import capture_foreign_logs
from dagscope.dag.process.left_processes import end_left_processes
from dagscope.dag.process.messages import Begin, Cancel, Ended, Load, Open, Run, Stop, ToRuns
from dagscope.dag.process.outbox import Outbox
from dagscope.dag.process.output import LoggedOutput
from dagscope.dag.process.packets import PeerGone
from dagscope.dag.project.loading import load_again
from dagscope.dag.project.project import Project
from dagscope.dag.redaction.redaction import Redaction
from dagscope.dag.run import runner
from dagscope.dag.run.process_state import restored_after_raw_assets
from dagscope.dag.run.task_plan_wire import decode_plan

EXIT_SERVER_GONE = 70
_SWITCH_INTERVAL_S = 0.0005  # a raw asset that computes in Python does not hold up answers


class _Secrets:
    """What redaction has learned since it was asked last."""

    def __init__(self) -> None:
        self._redaction, self._known = Redaction(), frozenset[str]()

    @property
    def redaction(self) -> Redaction:
        return self._redaction

    def use(self, redaction: Redaction) -> None:
        self._redaction, self._known = redaction, redaction.secrets

    def learned(self) -> tuple[str, ...]:
        now = self._redaction.secrets
        if now is self._known:
            return ()
        new, self._known = now - self._known, now
        return tuple(new)


class _Runs:
    """What the server's messages are about."""

    def __init__(self, control: socket.socket, opens: socket.socket, guardian: int) -> None:
        self._control, self._opens, self._guardian = control, opens, guardian
        self._connections: dict[int, Connection] = {}
        self._secrets = _Secrets()
        self.outbox = Outbox(control, self._secrets.learned, self._open_connections)
        self._told = threading.Condition()
        self._generation = 0
        self._loaded: Future[Project] = Future()
        self._cancellations: dict[int, Cancellation] = {}
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self._running = ThreadPoolExecutor(1, thread_name_prefix="runner")

    def serve(self) -> NoReturn:
        """Do what the server asks for, until it is gone or says stop."""
        file = self._control.makefile("rb")
        begin = messages.decoded_to_runs(packets.receive(file))
        assert isinstance(begin, Begin)
        self._frames = FrameFiles(Path(begin.frames), begin.frame_bytes, begin.frames_total_bytes)
        if begin.memory_bytes is not None:
            limit_memory(begin.memory_bytes)
        Capture(self.outbox.emit, lambda: self._secrets.redaction, begin.log_limits).__enter__()
        _start(self.outbox.work, "outbox")
        channels = Channels(self._connection, self.outbox.look)
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
                self._cancellations[message.number] = Cancellation()
                self._running.submit(self._run, message, self._loaded)
            case Cancel():
                cancellation = self._cancellations.get(message.number)
                if cancellation is not None:
                    _start(cancellation.request, "cancel")  # interrupting a statement may take a while
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
        self._secrets.use(project.redaction)
        return project

    def _connection(self, opened: Open) -> Connection:
        with self._told:
            while self._generation < opened.generation:  # its message is on another socket
                self._told.wait()
            loaded = self._loaded
        loaded.result()
        return self._connections[opened.connection]

    def _run(self, run: Run, loaded: "Future[Project]") -> None:
        """Run an attempt. Whatever happens, its end is reported."""
        left_behind: tuple[str, ...] = ()
        used_up, fault = False, ""
        try:
            cancellation = self._cancellations[run.number]
            plan, emit = decode_plan(run.plan), self.outbox.emit
            end = runner.run(loaded.result(), plan, self._frames, emit, cancellation, run.options)
            left_behind = end.left_behind
            used_up = end.status is TaskStatus.FAILED and memory_is_used_up()
        except BaseException as error:  # noqa: BLE001  whatever it is, it ends this task and nothing else
            fault = named_error(error)
        del self._cancellations[run.number]
        self.outbox.send(Ended(run.number, left_behind, end_left_processes(self._guardian), used_up, fault))

    def _open_connections(self) -> tuple[int, ...]:
        return tuple(number for number, connection in list(self._connections.items()) if connection.is_open)


def _start(work: Callable[[], object], name: str) -> None:
    threading.Thread(target=_or_end, args=(work,), name=name, daemon=True).start()


def _or_end(work: Callable[[], object]) -> None:
    try:
        work()
    except PeerGone:
        os._exit(EXIT_SERVER_GONE)


def main() -> NoReturn:
    """Serve the server at the other end of the sockets that the environment names."""
    control, opens = (socket.socket(fileno=int(number)) for number in os.environ.pop("DAGSCOPE_PASSED").split(","))
    for each in (control, opens):
        each.set_inheritable(False)
    guardian = int(os.environ.pop("DAGSCOPE_GUARDIAN"))
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    faulthandler.enable(all_threads=False)  # a crash in C says where it was; other threads are no news
    for number in (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF):
        signal.signal(number, lambda *_: None)  # a timer that a raw asset sets does not end the process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # also for `_thread.interrupt_main`
    outputs = LoggedOutput("stdout", 1), LoggedOutput("stderr", 2)
    sys.stdout, sys.stderr = outputs
    for output in outputs:
        restored_after_raw_assets(lambda output=output: output.pending, lambda _, output=output: output.end_line())  # type: ignore[misc]  # mypy cannot infer it
    capture_foreign_logs()
    with closed_in_children(control.close), closed_in_children(opens.close):
        try:
            _Runs(control, opens, guardian).serve()
        except PeerGone:
            os._exit(EXIT_SERVER_GONE)


if __name__ == "__main__":  # a child that a raw asset spawns imports this module too
    main()
