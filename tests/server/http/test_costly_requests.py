"""Requests that would be costly to parse are refused early, and other requests do not wait for them."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors import AppDoor, ServerDoor
from tests.projects import model, write_project

POST = b"POST /api/dag/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_MANY_CHUNKS = (
    '{"error":"Too many chunks",'
    '"details":"after the first 500, the chunks of a body hold 256 bytes or more on average"}'
)
TOO_MANY_LINES = '{"error":"Request header fields too large","details":"a request has at most 128 lines of headers"}'


pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    """A served project of one asset."""
    door = ServerDoor(write_project(tmp_path_factory.mktemp("costly"), {model("s.a"): "SELECT 1 AS id"}))
    yield door
    door.stop()


def sent(door: ServerDoor, data: bytes) -> tuple[str, str]:
    """The status line and the body of what a connection answers to these bytes."""
    address = urlsplit(door.address)
    with closing(socket.create_connection((address.hostname, address.port), timeout=20)) as connection:
        with suppress(OSError):  # refused, and closed, before all was sent
            connection.sendall(data.replace(b"Host: x", b"Host: " + address.netloc.encode()))
        answer = b""
        with suppress(OSError):
            while b"}" not in answer and (received := connection.recv(65_536)):
                answer += received
    head, _, body = answer.decode().partition("\r\n\r\n")
    return head.split("\r\n")[0], body.split("\r\n")[-1]


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (POST + b"1\r\n \r\n" * 600, "HTTP/1.1 413 Request Entity Too Large", TOO_MANY_CHUNKS),
        (
            b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 200 + b"\r\n",
            "HTTP/1.1 431 Request Header Fields Too Large",
            TOO_MANY_LINES,
        ),
        (
            POST + b"0\r\n" + b"a:b\r\n" * 200 + b"\r\n",
            "HTTP/1.1 431 Request Header Fields Too Large",
            TOO_MANY_LINES,
        ),
    ],
    ids=["chunks", "headers", "trailers"],
)
def test_refused(server: ServerDoor, data: bytes, status: str, body: str) -> None:
    """Too many chunks, headers or trailers are refused, with the limit."""
    assert sent(server, data) == (status, body)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\na: " + b"x" * 1_000_000 + b"\r\n\r\n",
        POST.replace(b"chunked\r\n", b"chunked\r\nContent-Length: 5\r\n") + b"0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 200 + b"\r\n",
    ],
    ids=["not HTTP", "a long header", "two lengths", "many headers"],
)
def test_headers_of_refusals(server: ServerDoor, data: bytes) -> None:
    """What is no valid request, or a body with two lengths, is refused, with the headers that every answer has."""
    address = urlsplit(server.address)
    with closing(socket.create_connection((address.hostname, address.port), timeout=20)) as connection:
        with suppress(OSError):
            connection.sendall(data.replace(b"Host: x", b"Host: " + address.netloc.encode()))
        answer = connection.recv(65_536).decode()
    head, *headers = answer.split("\r\n\r\n")[0].split("\r\n")
    assert head.split()[1] in {"400", "431"}
    assert {"x-content-type-options: nosniff", "referrer-policy: no-referrer", "cache-control: no-store"} <= set(
        headers
    )
    assert "content-security-policy: default-src 'none'; frame-ancestors 'none'" in headers


@pytest.mark.parametrize(
    "body",
    [
        b'{"taskId":"t"}'.join((b"e\r\n", b"\r\n0\r\n\r\n")),
        b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"taskId":"t"}') + b"0\r\nA: b\r\n\r\n",
        b"".join(b"100\r\n%s\r\n" % (b"\n" * 256) for _ in range(2_000)) + b'e\r\n{"taskId":"t"}\r\n0\r\n\r\n',
    ],
    ids=["one chunk", "short chunks", "lines inside of chunks"],
)
def test_usual_bodies(server: ServerDoor, body: bytes) -> None:
    """A body in chunks is read, in short ones too, and whatever line breaks it holds."""
    assert sent(server, POST + body)[0] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "data",
    [
        POST + b"1\r\n \r\n" * 100_000,
        POST.replace(b"/api/dag/run", b"/nowhere") + b"1\r\n \r\n" * 100_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:b\r\n" * 24_000 + b"\r\n",
        POST + b"0\r\n" + b"a:b\r\n" * 24_000 + b"\r\n",
        b"GET /api/dag/tasks?" + b"a=b&" * 25_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["chunks", "chunks to nowhere", "headers", "trailers", "query"],
)
def test_others_do_not_wait(server: ServerDoor, data: bytes) -> None:
    """Twenty connections that send much to parse keep no other request waiting for half a second."""
    threads = [threading.Thread(target=sent, args=(server, data)) for _ in range(20)]
    for thread in threads:
        thread.start()
    longest_s = 0.0
    while any(thread.is_alive() for thread in threads):
        began_s = time.monotonic()
        assert server.get("/api/dag/connection-status").status_code == 200
        longest_s = max(longest_s, time.monotonic() - began_s)
    assert longest_s < 0.5


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/dag/reset%0A"),
        ("GET", "/api/dag%0A"),
        ("DELETE", "/api/logs/t%0A"),
        ("GET", "/nowhere/%0A"),
        ("GET", "/%0A"),
    ],
)
def test_line_breaks_in_paths(server: ServerDoor, method: str, path: str) -> None:
    """A path that ends in a line break is none of the paths without it, whatever the route."""
    answer = server.request(method, path)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Bad request", "details": "a path cannot hold the character '\\n'"},
    )


def test_many_parameters(tmp_path: Path, opened: Callable[..., AppDoor]) -> None:
    """A query of more than 100 parameters is refused."""
    door = opened(write_project(tmp_path, {model("s.a"): "SELECT 1 AS id"}))
    assert door.get("/api/dag/tasks?" + "a=b&" * 99 + "limit=1").status_code == 200
    answer = door.get("/api/dag/tasks?" + "a=b&" * 100 + "limit=1")
    assert (answer.status_code, answer.json()["details"]) == (400, "a query has at most 100 parameters")


@pytest.mark.parametrize(
    "data",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 200 + b"\r\n",
    ],
)
def test_no_request_fills_the_log(server: ServerDoor, data: bytes) -> None:
    """A request that cannot be served adds nothing to the log: any page that is open in a browser can send it."""
    sent(server, data)
    server.run(f"after {len(data)}")  # its entries are written after those of the request
    assert "default" not in server.get("/api/logs").json()["logs"]
