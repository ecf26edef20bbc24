"""Clients that send too slowly or too much: they keep no other request waiting."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from http.client import HTTPConnection
from pathlib import Path
from random import Random

from tests.faults.outcome import Outcome
from tests.faults.projects import framed_project
from tests.faults.server import Server

LONGEST_MS = 500
_POST = b"POST /api/dag/run HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
_Send = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def hostile_senders(
    folder: Path, random: Random, half_open: int, large: int, short: int, drip: int, seconds: float
) -> Outcome:
    """Half-open connections, megabytes of headers, many short headers, and bodies in one-byte chunks, all at once."""
    outcome = Outcome()
    async with Server(framed_project(folder / "framed", 2), {"slow_sender_s": seconds * 0.8}) as server:
        post = _POST % server.port
        before = server.sockets()
        sending = [
            *(_sent(server, _half(post, random.randrange(1, len(post)))) for _ in range(half_open)),
            *(_sent(server, _all_of(post + b"X: " + b"x" * (1 << 20))) for _ in range(large)),
            *(_sent(server, _all_of(post + b"a: b\r\n" * 20_000)) for _ in range(short)),
            *(_sent(server, _in_bytes(post, seconds)) for _ in range(drip)),
        ]
        tasks = [asyncio.ensure_future(each) for each in sending]
        outcome.count("hostile connections", len(tasks))
        taken_ms = await asyncio.to_thread(_latencies_ms, server.port, seconds)
        outcome.count("other requests", len(taken_ms))
        outcome.measures["slowest other request"] = f"{max(taken_ms):.0f} ms"
        late = sum(taken >= LONGEST_MS for taken in taken_ms)  # one in a hundred may be the machine's other work
        outcome.expect(late * 100 <= len(taken_ms), f"{late} of {len(taken_ms)} requests took {LONGEST_MS} ms or more")
        _, unended = await asyncio.wait(tasks, timeout=seconds + 10)
        outcome.expect(not unended, f"{len(unended)} connections were not closed")
        await asyncio.sleep(0.5)
        outcome.expect(server.sockets() <= before + 1, f"{server.sockets() - before} sockets are left")
    return outcome


def _latencies_ms(port: int, seconds: float) -> list[float]:
    """How long many requests took, each on a new connection.

    In a thread: the loop that sends all the rest would keep them waiting itself.
    """
    taken_ms, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request("GET", "/api/dag/tasks")
            assert connection.getresponse().status == 200
        taken_ms.append((time.perf_counter() - began) * 1_000)
        time.sleep(0.02)
    return taken_ms


async def _sent(server: Server, send: _Send) -> None:
    """Send, and read until the server closes the connection."""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            with contextlib.suppress(OSError):
                await send(writer)
            while await reader.read(65_536):
                pass
        finally:
            writer.transport.abort()


def _half(head: bytes, length: int) -> _Send:
    return _all_of(head[:length])


def _all_of(data: bytes) -> _Send:
    return _in_parts((data,), 0)


def _in_bytes(post: bytes, seconds: float) -> _Send:
    """A body in chunks of one byte, each sent by itself, that has no end."""
    head = post + b"Transfer-Encoding: chunked\r\n\r\n"
    return _in_parts((head, *(b"1\r\n \r\n" for _ in range(int(seconds * 100)))), 0.01)


def _in_parts(parts: Iterable[bytes], pause_s: float) -> _Send:
    async def send(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return send
