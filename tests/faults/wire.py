"""A client that sees every byte: HTTP/1.1 and server-sent events over a plain socket that a test can cut anywhere."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Cut(Exception):
    """The connection ended before the answer did."""


@dataclass(frozen=True)
class Answer:
    """A complete answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        return json.loads(self.body)


class Message(NamedTuple):
    """A complete message of a stream. `data` is its text as it was sent."""

    event: str
    data: str
    id: int | None


class Connection:
    """One connection to a server, for any number of requests. Raises `Cut` once it is closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()

    async def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        """Send a request without waiting for its answer."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            *(f"{k}: {v}" for k, v in (headers or {}).items()),
        ]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        try:
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + content)
            await self._writer.drain()
        except OSError as error:
            raise Cut(str(error)) from error

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status code and the headers of the answer, their names in lower case."""
        with _cuts():
            status = int((await self._line()).split(" ", 2)[1])
            headers = {}
            while line := await self._line():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
        return status, headers

    async def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        await self.send(method, path, body, headers)
        status, found = await self.head()
        with _cuts():
            if "content-length" in found:
                content = await self._reader.readexactly(int(found["content-length"]))
            else:
                content = b"" if status == 204 else b"".join([chunk async for chunk in self.chunks()])
        if found.get("connection") == "close":
            self.cut()
        return Answer(status, found, content)

    async def chunks(self) -> Any:
        """The chunks of a body of unknown length."""
        with _cuts():
            while size := int(await self._line(), 16):
                yield (await self._reader.readexactly(size + 2))[:-2]
            await self._line()

    async def _line(self) -> str:
        line = await self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise Cut("the connection ended")
        return line[:-2].decode("latin-1")

    def cut(self, abruptly: bool = False) -> None:
        """Close the connection; `abruptly` sends a TCP reset."""
        if self._writer is not None:
            if abruptly:
                linger = struct.pack("ii", 1, 0)
                self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._writer.transport.abort()
            self._writer = None


@contextlib.contextmanager
def _cuts() -> Any:
    try:
        yield
    except (OSError, EOFError, ValueError) as error:
        raise Cut(str(error)) from error


class Stream:
    """An event stream. `next()` returns complete messages only, and None after the last. Raises `Cut` if it breaks."""

    def __init__(self, port: int, query: str = "", last_id: int | str | None = None) -> None:
        self.connection = Connection(port)
        self._path = f"/api/events{query}"
        self._headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
        self._left = b""
        self.bytes_read = 0
        self.cut_after: int | None = None
        """The number of bytes after which the connection is cut, even in the middle of a message."""

    async def open(self) -> int:
        """The status code of the answer."""
        await self.connection.send("GET", self._path, headers=self._headers)
        status, _ = await self.connection.head()
        self._chunks = self.connection.chunks()
        return status

    async def next(self) -> Message | None:
        while True:
            block, mark, rest = self._left.partition(b"\n\n")
            if mark:
                self._left = rest
                if message := _message(block.decode("utf-8")):
                    return message
                continue
            try:
                chunk = (await anext(self._chunks)).replace(b"\r\n", b"\n")  # a line of a stream can end with either
            except StopAsyncIteration:
                return None
            self.bytes_read += len(chunk)
            if self.cut_after is not None and self.bytes_read >= self.cut_after:
                self._left += chunk[: len(chunk) - (self.bytes_read - self.cut_after)]
                self.cut_after, self._chunks = None, _nothing()
                self.cut(abruptly=True)
                continue
            self._left += chunk

    def cut(self, abruptly: bool = False) -> None:
        self.connection.cut(abruptly)


async def _nothing() -> Any:
    raise Cut("cut by the test")
    yield


def _message(block: str) -> Message | None:
    fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
    if "data" not in fields:
        return None
    return Message(fields["event"], fields["data"], int(fields["id"]) if "id" in fields else None)
