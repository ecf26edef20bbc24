"""Many streams at once: each has exactly what it wants, however its client reads (docs/http-api/stream.md)."""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors import Serve, ServerDoor, messages, wait_until
from tests.faults.projects import noisy, raw_project
from tests.faults.state import Entry, State

pytestmark = pytest.mark.server

FILTERS: tuple[tuple[str | None, frozenset[str] | None], ...] = (
    (None, None),
    (None, frozenset({"log"})),
    (None, frozenset({"task", "node"})),
    ("t", None),
    ("t", frozenset({"node"})),
    ("u", frozenset({"run_event", "task"})),
    ("unknown", None),
)
WIDE = noisy(lines=1_500, burst=100, pause_s=0.01, width=4_000)  # more than the system buffers for a connection
MANY = noisy(lines=5_500, burst=500, pause_s=0.01, width=500)  # and more than the ring has


class Listener:
    """A connection with a stream, which reads only when it is asked to."""

    def __init__(self, door: ServerDoor, query: str = "", version: str = "1.1", buffer_bytes: int = 0) -> None:
        address = urlsplit(door.address)
        self.socket = socket.socket()
        if buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.socket.settimeout(60)
        self.socket.connect((address.hostname, address.port))
        self.socket.sendall(f"GET /api/events{query} HTTP/{version}\r\nHost: {address.netloc}\r\n\r\n".encode())
        self.answer = HTTPResponse(self.socket)
        self.answer.begin()
        self.text = ""
        assert self.answer.status == 200
        self.until('"nodes":[')  # of the snapshot: from now on, it is live
        self.text = ""

    def until(self, mark: str) -> "Listener":
        """Read until something was received; http.client fails if the chunks are not whole."""
        while mark not in self.text:
            received = self.answer.read1(65_536)
            assert received, f"the stream ended without {mark}"
            self.text += received.decode()
        return self

    def through(self, entry: Entry) -> list[tuple[int, str]]:
        """The positions and kinds received up to an entry, and up to the next comment, which nothing else precedes."""
        self.until(f"id: {entry.id}\n")
        self.until(f"id: {entry.id}\nevent: {entry.event}\ndata: {entry.data}\n\n")
        rest = self.text.rpartition(f"id: {entry.id}\n")[2]
        while ": still here\n\n" not in rest:
            received = self.answer.read1(65_536).decode()
            self.text, rest = self.text + received, rest + received
        return [(message["id"], message["event"]) for message in messages(self.text)]

    def close(self) -> None:
        self.socket.close()
        self.answer.close()


@pytest.fixture
def listeners() -> Iterator[ExitStack]:
    """Closes the connections that are opened in it."""
    with ExitStack() as opened:
        yield opened


def entries_of(door: ServerDoor, after: int = 0) -> list[Entry]:
    return State(door.folder).entries(after)


def kinds_of(entries: list[Entry]) -> list[tuple[int, str]]:
    return [(entry.id, entry.event) for entry in entries]


def test_fifty_streams_of_mixed_filters(tmp_path: Path, serve: Serve, listeners: ExitStack) -> None:
    """Streams with different filters, open at the same time, have exactly the entries that they want, in order."""
    door = serve(raw_project(tmp_path, talker=noisy(300, burst=20, pause_s=0.01, level="info")), heartbeat_s=0.2)
    opened = []
    for number in range(50):
        task_id, kinds = FILTERS[number % len(FILTERS)]
        query = "&".join(
            [*([f"taskId={task_id}"] if task_id else []), *([f"kinds={','.join(sorted(kinds))}"] if kinds else [])]
        )
        listener = listeners.enter_context(closing(Listener(door, f"?{query}")))
        opened.append((task_id, kinds, listener))
    for task_id in ("t", "u"):
        assert door.run(task_id).json()["status"] == "SUCCESS"
    written = entries_of(door)
    for task_id, kinds, listener in opened:
        wanted = [
            entry for entry in written if task_id in (None, entry.task_id) and (not kinds or entry.event in kinds)
        ]
        if task_id in ("t", "u"):
            *found, last = messages(listener.text + listener.answer.read().decode())
            assert last == {"event": "done", "data": {}}
            assert [(message["id"], message["event"]) for message in found] == kinds_of(wanted)
        elif wanted:
            assert listener.through(wanted[-1]) == kinds_of(wanted)
        else:
            assert messages(listener.until(": still here").text) == []


def test_a_slow_reader_beside_fast_ones(tmp_path: Path, serve: Serve, listeners: ExitStack) -> None:
    """A client that does not read holds up no other, and has everything once it reads."""
    door = serve(raw_project(tmp_path, wordy=WIDE), heartbeat_s=0.5, stalled_reader_s=100)
    slow = listeners.enter_context(closing(Listener(door, buffer_bytes=65_536)))
    fast = [listeners.enter_context(closing(Listener(door))) for _ in range(4)]
    assert door.post("/api/dag/run", {"taskId": "t"}).json()["status"] == "SUCCESS"
    written = entries_of(door)
    for listener in (*fast, slow):
        assert listener.through(written[-1]) == kinds_of(written)


def test_a_reader_that_stalls_and_continues(tmp_path: Path, serve: Serve, listeners: ExitStack) -> None:
    """A client that stops reading, for longer than the newest entries are held in memory, misses none of them.

    Afterwards it receives new entries as they are written.
    """
    door = serve(raw_project(tmp_path, wordy=MANY), heartbeat_s=0.5, stalled_reader_s=100)
    listener = listeners.enter_context(closing(Listener(door, buffer_bytes=65_536)))
    for task_id in ("t", "u"):
        assert door.run(task_id).json()["status"] == "SUCCESS"
        written = entries_of(door)
        assert listener.through(written[-1]) == kinds_of(written)


def test_http_1_0(hello: Path, serve: Serve, listeners: ExitStack) -> None:
    """A client of HTTP/1.0 receives the messages without the frames of chunks, beside one of HTTP/1.1."""
    door = serve(hello, heartbeat_s=0.2)
    old = listeners.enter_context(closing(Listener(door, version="1.0")))
    new = listeners.enter_context(closing(Listener(door)))
    assert (old.answer.getheader("Connection"), old.answer.getheader("Transfer-Encoding")) == ("close", None)
    assert new.answer.getheader("Transfer-Encoding") == "chunked"
    door.run("t")
    written = entries_of(door)
    assert old.through(written[-1]) == new.through(written[-1]) == kinds_of(written)
    assert all(line.startswith(("id: ", "event: ", "data: ", ": ")) for line in old.text.splitlines() if line)


@pytest.mark.parametrize("ending", ["both directions", "its own direction", "a reset of the connection"])
def test_a_proxy_that_closes(tmp_path: Path, serve: Serve, listeners: ExitStack, ending: str) -> None:
    """A stream that a proxy closes while entries are written gives its place to another, which resumes after it."""
    source = noisy(1_000, burst=10, pause_s=0.01)
    door = serve(raw_project(tmp_path, talker=source), heartbeat_s=0.5, streams=2, post_wait_ms=0)
    staying = listeners.enter_context(closing(Listener(door)))
    closed = listeners.enter_context(closing(Listener(door)))
    door.run("t")
    closed.until('"number":50,')
    if ending == "its own direction":
        closed.socket.shutdown(socket.SHUT_WR)
    else:
        if ending == "a reset of the connection":
            closed.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        closed.close()
    last = messages(closed.text.rpartition("\n\n")[0])[-1]["id"]
    answers = []
    wait_until(lambda: answers.append(door.get(f"/api/events?taskId=t&lastEventId={last}")) or answers[-1].is_success)
    rest = messages(answers[-1].text)
    written = entries_of(door)
    assert [message["id"] for message in rest[:-1]] == [entry.id for entry in written if entry.id > last]
    assert staying.through(written[-1]) == kinds_of(written)
