"""Clients that stop reading but stay connected, and clients that disconnect without notice."""

import asyncio
import socket
import time
from pathlib import Path
from random import Random

from tests.faults.outcome import Outcome
from tests.faults.projects import noisy, raw_project
from tests.faults.server import Server
from tests.faults.wire import Cut, Stream

CLOSE_LIMIT_S = 30
MEMORY_LIMIT_MB = 50
_SETTLE_S = 10
_LINE_BYTES = 1_000


async def stalled_readers(folder: Path, random: Random, clients: int, lines: int, stalled_s: float) -> Outcome:
    """Connections of clients that never read are closed in time, cost little memory and do not slow the run."""
    outcome = Outcome()
    source = noisy(lines, burst=100, pause_s=0.02, width=_LINE_BYTES)
    async with Server(raw_project(folder / "wordy", lines=source), {"stalled_reader_s": stalled_s}) as server:
        await _timed_run(server, "warm")
        alone_s, alone_mb = await _timed_run(server, "alone"), server.memory_mb()
        await asyncio.sleep(0.5)  # so that the server notices that its last client is gone
        before = server.sockets()
        stalled = [_never_reading(server.port, random) for _ in range(clients)]
        await asyncio.sleep(0.5)
        outcome.count("stalled readers", server.sockets() - before)
        highest_mb, watching = [alone_mb], asyncio.create_task(_closed(server, before))
        measuring = asyncio.create_task(_measure(server, highest_mb))
        watched_s = await _timed_run(server, "watched")
        ended = time.monotonic()
        try:
            await asyncio.wait_for(watching, CLOSE_LIMIT_S)
            outcome.measures["closed after the run's end in"] = f"{time.monotonic() - ended:.1f} s"
        except TimeoutError:
            left = server.sockets() - before
            outcome.expect(False, f"{left} of {clients} stalled readers hold their sockets after {CLOSE_LIMIT_S} s")
        measuring.cancel()
        more_mb = max(highest_mb) - alone_mb
        outcome.measures["more memory"] = f"{more_mb:.0f} MB"
        outcome.measures["run's time"] = (
            f"{alone_s:.2f} s alone, {watched_s:.2f} s with them ({watched_s / alone_s:.2f})"
        )
        outcome.expect(more_mb <= MEMORY_LIMIT_MB, f"{more_mb:.0f} MB more with {clients} stalled readers")
        for reader in stalled:
            reader.close()
    return outcome


async def _timed_run(server: Server, task_id: str) -> float:
    """Run the project. Its only node takes all of the time."""
    await server.run(task_id)
    status = await server.ended(task_id)
    assert status["status"] == "SUCCESS", status
    return float(status["nodes"][0]["executionTimeMs"]) / 1000


def _never_reading(port: int, random: Random) -> socket.socket:
    """A client that asks for everything and reads nothing, with a very small buffer."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.connect(("127.0.0.1", port))
    last_id = random.choice(["", "Last-Event-ID: 0\r\n"])
    reader.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{last_id}\r\n".encode())
    return reader


async def _closed(server: Server, sockets: int) -> None:
    while server.sockets() > sockets:
        await asyncio.sleep(0.1)


async def _measure(server: Server, highest_mb: list[float]) -> None:
    while True:
        highest_mb.append(server.memory_mb())
        await asyncio.sleep(0.05)


async def abrupt_disconnects(folder: Path, random: Random, disconnects: int, at_once: int) -> Outcome:
    """Clients that vanish at any point of a stream leave nothing behind: no socket, no file, no complaint."""
    outcome = Outcome()
    async with Server(raw_project(folder / "brief", lines=noisy(500, burst=10, pause_s=0.05))) as server:
        await server.run("t")
        for _ in range(2 * at_once):  # opens what is opened once and kept, such as connections to the state
            await _vanish(server, random)
        await asyncio.sleep(1)
        sockets, files = server.sockets(), server.open_files()
        running = asyncio.create_task(server.run("u"))
        gate = asyncio.Semaphore(at_once)

        async def vanish() -> None:
            async with gate:
                await _vanish(server, random)
                outcome.count("disconnects")

        await asyncio.gather(*(vanish() for _ in range(disconnects)))
        await running
        until = time.monotonic() + _SETTLE_S
        while time.monotonic() < until and (server.sockets() > sockets or server.open_files() > files):
            await asyncio.sleep(0.1)
        outcome.expect(server.sockets() <= sockets, f"{server.sockets() - sockets} sockets are left")
        outcome.expect(server.open_files() <= files, f"{server.open_files() - files} open files are left")
        complaints = (await server.get("/api/logs/default"))["logs"]
        outcome.expect(not complaints, f"{len(complaints)} complaints in the log, such as {complaints[:1]}")
        outcome.expect("Traceback" not in server.said, f"the server complained: {server.said[-500:]}")
        outcome.expect((await server.ended("u"))["status"] == "SUCCESS", "the run beside them failed")
    return outcome


async def _vanish(server: Server, random: Random) -> None:
    query = random.choice(["", "?taskId=t", "?taskId=unknown", "?kinds=log"])
    stream = Stream(server.port, query, random.choice([None, 0, -1]))
    try:
        if random.random() < 0.3:
            await stream.connection.send("GET", "/api/events" + query)
        else:
            await stream.open()
            for _ in range(random.randint(0, 3)):
                await asyncio.wait_for(stream.next(), 0.05)
    except (Cut, TimeoutError):
        pass
    stream.cut(abruptly=random.random() < 0.5)
