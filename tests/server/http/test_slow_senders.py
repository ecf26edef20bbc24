"""Requests that take too long to arrive, and the connections that they occupy (docs/settings.md)."""

import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors import Serve, ServerDoor

pytestmark = pytest.mark.server

LATE = (
    '{"error":"Request timeout",'
    '"details":"a request must arrive within 0.5 s, the limit that DAGSCOPE_SLOW_SENDER_S sets"}'
)
POST = "POST /api/dag/run HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"


def answer_to(door: ServerDoor, *parts: str) -> tuple[str, str]:
    """The status line and the body of what is sent, or has been sent, until the server closes the connection."""
    address = urlsplit(door.address)
    with closing(socket.create_connection((address.hostname, address.port), timeout=20)) as connection:
        for part in parts:
            connection.sendall(part.replace("HOST", address.netloc).encode())
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    head, _, body = answer.decode().partition("\r\n\r\n")
    return head.split("\r\n")[0], body


@pytest.mark.parametrize(
    "part",
    [
        "G",
        "GET /api/dag HTTP/1.1\r\nHost: HOST\r\nX",
        POST + "Content-Length: 14\r\n\r\n{",
        POST + "Transfer-Encoding: chunked\r\n\r\n1",
    ],
    ids=["a letter", "half a head", "half a body", "half a chunk"],
)
def test_late_requests(hello: Path, serve: Serve, part: str) -> None:
    """A request that does not arrive in time is refused with 408, which names the limit, and nothing is run."""
    door = serve(hello, slow_sender_s=0.5)
    assert answer_to(door, part) == ("HTTP/1.1 408 Request Timeout", LATE)
    assert door.get("/api/dag/tasks").json()["total"] == 0


def test_unused_connections(hello: Path, serve: Serve) -> None:
    """A connection on which nothing is sent is closed without an answer."""
    assert answer_to(serve(hello, slow_sender_s=0.5)) == ("", "")


def test_long_answers(hello: Path, serve: Serve) -> None:
    """The limit is not one for answers: a stream stays open."""
    door = serve(hello, slow_sender_s=0.2, heartbeat_s=0.3)
    with door.http.stream("GET", "/api/events") as stream:
        lines = [line for _, line in zip(range(40), stream.iter_lines(), strict=False) if line == ": still here"]
    assert len(lines) > 3
