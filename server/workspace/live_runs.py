"""One process of runs, from its start to its end, as the server talks to it."""

import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from queue import SimpleQueue

from dagscope.dag.process import exit_codes, messages, packets
from dagscope.dag.process.messages import FromRuns, Load, Open, ToRuns
from dagscope.dag.process.packets import PeerGone
from dagscope.dag.project.project import Project
from dagscope.server.workspace.end_of_process import described_end, out_of_memory_kills
from dagscope.server.workspace.remote_connection import Channel, RemoteConnection
from dagscope.server.workspace.spawned_runs import SpawnedRuns

_CATCH_UP_S = 0.001
_END_S = 1.0  # between the end of its socket and its own


class LiveRuns:
    """Messages to it wait in a queue, and a thread sends them: a process that does not read delays nobody here.

    Safe from any thread.
    """

    def __init__(self, spawned: SpawnedRuns) -> None:
        self.spawned = spawned
        self.project: Project | None = None
        """What it has loaded last."""
        self.has_run = False
        """Whether an attempt was started in it."""
        self.expected_end = ""
        """Why this side has ended it."""
        self._receiving = threading.Lock()
        self._arriving = select.poll()  # `select.select` takes no descriptor above 1,023
        self._arriving.register(spawned.control, select.POLLIN)
        self._loading = threading.Lock()
        self._generation = 0
        self._loaded: set[int] = set()
        self._kills_before = out_of_memory_kills()
        self._waiting: SimpleQueue[ToRuns | None] = SimpleQueue()
        threading.Thread(target=self._send_waiting, name="to the process of runs", daemon=True).start()

    def send(self, message: ToRuns) -> None:
        """Send a message after those before it; returns at once."""
        self._waiting.put(message)

    def _send_waiting(self) -> None:
        with suppress(PeerGone):  # whoever receives notices its end
            while (message := self._waiting.get()) is not None:
                packets.send(self.spawned.control, messages.encoded(message))

    def take_next(self, take: Callable[[FromRuns], None]) -> None:
        """Wait for its next message and call `take` with it. Raises `PeerGone`."""
        self._arriving.poll()
        with self._receiving:
            take(messages.decoded_from_runs(packets.receive_unbuffered(self.spawned.control)))

    def catch_up(self) -> None:
        """Return once every message that it has sent by now is taken; `take_next` runs in another thread."""
        while True:
            with self._receiving:
                if not self._has_message():
                    return
            time.sleep(_CATCH_UP_S)

    def _has_message(self) -> bool:
        try:
            return bool(self.spawned.control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:  # there is none, or it is closed
            return False

    def load(self, project: Project) -> None:
        """Have it load the project, unless it has loaded that one last."""
        with self._loading:
            if self.project is project:
                return
            self._generation, self.project = self._generation + 1, project
            numbers = {name: c.number for name, c in project.connections.items() if isinstance(c, RemoteConnection)}
            self._loaded.update(numbers.values())
            self.send(Load(self._generation, str(project.folder), project.files, numbers))

    def has_loaded(self, connection: RemoteConnection) -> bool:
        """Whether the connection is one of a project that it has loaded."""
        return connection.number in self._loaded

    def open_channel(self, connection: RemoteConnection, in_session: bool) -> Channel:
        """A channel on a connection that it has loaded. Raises `OSError` if the process has ended."""
        with ExitStack() as ours:
            calls, its_calls = socket.socketpair()
            ours.enter_context(calls)
            with its_calls:
                interrupts, its_interrupts = socket.socketpair()
                ours.enter_context(interrupts)
                with its_interrupts:
                    content = messages.encoded(Open(self._generation, connection.number, in_session))
                    socket.send_fds(self.spawned.opens, [content], [its_calls.fileno(), its_interrupts.fileno()])
            ours.pop_all()
        return Channel(connection.name, calls, interrupts)

    def kill(self, why: str) -> None:
        """End it, and all that it has started; its end is noticed elsewhere."""
        self.expected_end = self.expected_end or why
        self.spawned.kill()

    def how_it_ended(self) -> str:
        """Wait for its end, which its socket announces; returns how it ended."""
        try:
            status = self.spawned.guardian.wait(timeout=_END_S)
        except subprocess.TimeoutExpired:  # its socket is closed, but it lives
            status = exit_codes.SERVER_GONE
        self.spawned.end()
        return self.expected_end or described_end(status, self._kills_before)

    def lost(self) -> str:
        """What is lost with it, as the end of a sentence."""
        connections = self.project.connections.values() if self.project is not None else ()
        names = [f'"{each.name}"' for each in connections if not each.outlives_closing and each.is_open]
        return f"; the tables of the in-memory connection {', '.join(names)} are gone" if names else ""

    def close(self) -> None:
        """Close what is open to it, once it has ended."""
        self._waiting.put(None)
        self.spawned.close()
