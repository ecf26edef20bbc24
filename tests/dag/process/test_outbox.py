"""What the process of runs sends: everything, in order, and nothing of it too late."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader

import pytest

from dagscope.dag.events import wire
from dagscope.dag.events.events import Event, Logged, NodeChanged
from dagscope.dag.events.status import LogEntry, NodeState, NodeStatus
from dagscope.dag.process import messages, packets
from dagscope.dag.process.messages import Ended, Happened
from dagscope.dag.process.outbox import Outbox
from dagscope.dag.process.packets import PeerGone

SOON_S = 20


def entry(number: int) -> Event:
    return Logged("t", 1, LogEntry(level="info", time="12:00", message=str(number), task_id="t"))


@dataclass
class Door:
    """An outbox and its other end; nothing is sent by itself until `start`."""

    outbox: Outbox
    file: BufferedReader
    secrets: list[str]
    open_connections: list[int]
    ended: list[BaseException] = field(default_factory=list)

    def start(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        try:
            self.outbox.work()
        except PeerGone as error:
            self.ended.append(error)

    def received(self) -> Happened | Ended:
        return messages.decoded_from_runs(packets.receive(self.file))


@pytest.fixture
def door() -> Iterator[Door]:
    ours, its = socket.socketpair()
    ours.settimeout(SOON_S)
    secrets: list[str] = []
    open_connections: list[int] = []

    def learned() -> tuple[str, ...]:
        taken = tuple(secrets)
        secrets.clear()
        return taken

    with ours, its, ours.makefile("rb") as file:
        yield Door(Outbox(its, learned, lambda: tuple(open_connections)), file, secrets, open_connections)
        ours.shutdown(socket.SHUT_RDWR)


def test_order(door: Door) -> None:
    """The end of an attempt is sent after all of its events, which keep their order."""
    for number in range(1000):
        door.outbox.emit(entry(number))
    door.outbox.send(Ended(7))
    door.outbox.emit(entry(1000))
    door.start()
    happened, ended, later = door.received(), door.received(), door.received()
    assert isinstance(happened, Happened)
    assert list(wire.decode(happened.events)) == [entry(number) for number in range(1000)]
    assert ended == Ended(7)
    assert isinstance(later, Happened)
    assert list(wire.decode(later.events)) == [entry(1000)]


def test_an_urgent_event(door: Door) -> None:
    """An urgent event has been sent when `emit_at_once` returns, with what came before it."""
    node = NodeStatus(name="Executing s.a", asset_name="s.a", order=0, total_tests=0, state=NodeState.IN_PROGRESS)
    started = NodeChanged("t", 1, node)
    door.outbox.emit(entry(1))
    door.outbox.emit_at_once(started)
    happened = door.received()
    assert isinstance(happened, Happened)
    assert list(wire.decode(happened.events)) == [entry(1), started]


def test_secrets_come_first(door: Door) -> None:
    """Secrets that were learned arrive with the events that may show them; open connections when they change."""
    door.secrets.append("hunter2")
    door.outbox.emit(entry(1))
    door.start()
    assert door.received() == Happened(wire.encode([entry(1)]), ("hunter2",), ())
    door.open_connections.append(3)
    door.outbox.look()
    assert door.received() == Happened(wire.encode([]), (), (3,))


def test_a_server_that_does_not_read(door: Door) -> None:
    """Threads that emit more than the server takes wait for it; nothing is lost."""
    door.start()
    emitting = threading.Thread(target=lambda: [door.outbox.emit(entry(number)) for number in range(60_000)])
    emitting.start()
    emitting.join(timeout=0.5)
    found: list[Event] = []
    while len(found) < 60_000:
        happened = door.received()
        assert isinstance(happened, Happened)
        found += wire.decode(happened.events)
    emitting.join()
    assert found == [entry(number) for number in range(60_000)]
