"""What the process of runs sends to the server: events in batches, and messages between them, in one order."""

import socket
import threading
import time
from collections.abc import Callable

from dagscope.dag.events import wire
from dagscope.dag.events.events import Event
from dagscope.dag.process import messages, packets
from dagscope.dag.process.messages import FromRuns, Happened

_GATHER_S = 0.01  # events of one batch are at most that far apart
_MOST_WAITING = 20_000  # events; a thread that emits more waits for the server


class Outbox:
    """Sends from a thread of its own. Safe from any thread.

    `learned` returns the secrets that it has not returned before; `open_connections` the numbers of open ones.
    """

    def __init__(
        self,
        to: socket.socket,
        learned: Callable[[], tuple[str, ...]],
        open_connections: Callable[[], tuple[int, ...]],
    ) -> None:
        self._to, self._learned, self._open_connections = to, learned, open_connections
        self._changed, self._sending = threading.Condition(), threading.Lock()
        self._waiting: list[Event | FromRuns] = []
        self._is_looked_at = False
        self._sent_open: tuple[int, ...] | None = None

    def emit(self, event: Event) -> None:
        """Send an event soon; waits while very many are waiting already."""
        with self._changed:
            while len(self._waiting) >= _MOST_WAITING:
                self._changed.wait()
            self._put(event)

    def emit_at_once(self, event: Event) -> None:
        """Send an event before this returns, after those before it."""
        self.emit(event)
        self._flush()

    def send(self, message: FromRuns) -> None:
        """Send a message before this returns, after all events before it."""
        with self._changed:
            self._put(message)
        self._flush()

    def look(self) -> None:
        """Report which connections are open, if that has changed."""
        with self._changed:
            self._is_looked_at = True
            self._changed.notify_all()

    def _put(self, what: Event | FromRuns) -> None:
        self._waiting.append(what)
        if len(self._waiting) == 1:
            self._changed.notify_all()

    def work(self) -> None:
        """Send until the server is gone, which raises `PeerGone`."""
        while True:
            with self._changed:
                while not self._waiting and not self._is_looked_at:
                    self._changed.wait()
                self._is_looked_at = False
            self._flush()
            time.sleep(_GATHER_S)

    def _flush(self) -> None:
        with self._sending:
            with self._changed:
                taken, self._waiting = self._waiting, []
                self._changed.notify_all()
            events: list[Event] = []
            for what in taken:
                if isinstance(what, Event):
                    events.append(what)
                else:
                    self._send_events(events)
                    events = []
                    self._send(what)
            self._send_events(events)

    def _send_events(self, events: list[Event]) -> None:
        now_open, secrets = self._open_connections(), self._learned()
        if events or secrets or now_open != self._sent_open:
            self._sent_open = now_open
            self._send(Happened(wire.encode(events), secrets, now_open))

    def _send(self, message: FromRuns) -> None:
        packets.send(self._to, messages.encoded(message))
