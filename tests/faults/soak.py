"""A day's work in an hour: rounds of tasks, cancels, retries, reloads, streams and a console that is rarely read.

After each round the server becomes idle. What it then holds must not grow from round to round.
"""

import asyncio
import contextlib
import os
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.outcome import Outcome
from tests.faults.projects import busy_project
from tests.faults.server import Server
from tests.faults.wire import Cut, Stream
from tests.projects import raw

STOP_LIMIT_S = 10
GROWTH = 1.10  # the limit of what is held when idle, relative to the median of the first third of the rounds
SPARE_MB = 20  # what an allocator randomly keeps or returns
_REST_LIMIT_S = 20  # the pools of AnyIO keep an idle thread for ten seconds
_CLIENTS = 4
_STREAMS = 6

FLAKY = """\
import random


def execute(context):
    for number in range(20):
        context.log.info("trying", number=number)
    if random.random() < 0.5:
        raise ValueError("no luck this time")
    return {"tries": 20}
"""
NAPPING = """\
import time


def execute(context):
    for _ in range(6_000):
        time.sleep(0.1)
"""
"""Waits in short naps: a single wait in C cannot be ended, and its thread stays until it returns."""


@dataclass(frozen=True)
class Held:
    """What an idle server holds."""

    threads: int
    files: int
    memory_mb: float


async def soak(folder: Path, random: Random, rounds: int, round_s: float) -> Outcome:
    """Rounds of mixed work: threads, descriptors and memory level off, nothing stays open, SIGTERM ends the server."""
    outcome = Outcome()
    project = busy_project(folder / "soaked")
    for name, source in {"flaky": FLAKY, "napping": NAPPING}.items():
        (project / raw(f"base.{name}")).write_text(source, encoding="utf-8")
    with _hardly_read() as console:
        server = Server(project, {"post_wait_ms": 100}, options=("--reload",), console=console)
        async with server:
            at_rest = []
            for number in range(rounds):
                await _round(server, random, outcome, f"{number}", round_s)
                at_rest.append(await _rest(server, outcome, at_rest))
            _compare(at_rest, outcome)
            left = [task for task in (await server.get("/api/dag/tasks"))["tasks"] if task["status"] == "IN_PROGRESS"]
            outcome.expect(not left, f"{len(left)} tasks never ended, such as {left[:1]}")
            stopped_s = await server.stop()
            outcome.measures["stopped in"] = f"{stopped_s:.1f} s"
            outcome.expect(stopped_s < STOP_LIMIT_S, f"took {stopped_s:.1f} s to stop")
    return outcome


async def _round(server: Server, random: Random, outcome: Outcome, name: str, round_s: float) -> None:
    until = time.monotonic() + round_s

    async def repeat(what: Callable[[str], Awaitable[None]], who: str) -> None:
        number = 0
        while time.monotonic() < until:
            await what(f"{name}-{who}-{number}")
            number += 1

    work = _Work(server, random, outcome)
    clients = [repeat(work.task, f"client{index}") for index in range(_CLIENTS)]
    streams = [repeat(work.stream, f"stream{index}") for index in range(_STREAMS)]
    await asyncio.gather(*clients, *streams, repeat(work.reload, "editor"))


class _Work:
    """What clients and people do to a server. Every answer must be a documented one."""

    def __init__(self, server: Server, random: Random, outcome: Outcome) -> None:
        self._server, self._random, self._outcome = server, random, outcome

    async def task(self, task_id: str) -> None:
        """Run everything or one asset, read its data, cancel it some time later, or retry what failed."""
        kind = self._random.choice(["run", "execute", "execute", "test"])
        if kind == "run":
            await self._ask("POST", "/api/dag/run", {"taskId": task_id})
        elif kind == "execute":
            asset = self._random.choice(["base.m1", "base.flaky", "base.napping", "joined.m0", "side.small"])
            await self._ask("POST", f"/api/dag/asset/{asset}/execute", {"taskId": task_id})
        else:
            await self._ask("POST", "/api/tests/execute/base.positive_1", {"taskId": task_id})
        await asyncio.sleep(self._random.uniform(0, 2))
        for path in (f"/api/dag/status/{task_id}", f"/api/logs/{task_id}", "/api/dag", "/api/dag/asset/base.m1/data"):
            await self._ask("GET", path)
        await self._ask("POST", f"/api/dag/cancel/{task_id}")
        if self._random.random() < 0.3:
            await self._ask("POST", f"/api/dag/retry/{task_id}")
            await self._ask("POST", f"/api/dag/cancel/{task_id}")
        self._outcome.count("tasks")

    async def stream(self, name: str) -> None:
        """Follow everything for a while, from the start or from now on."""
        stream = Stream(self._server.port, last_id=self._random.choice([None, 0]))
        with contextlib.suppress(Cut, TimeoutError):
            await stream.open()
            async with asyncio.timeout(self._random.uniform(0, 3)):
                while await stream.next() is not None:
                    pass
        stream.cut(abruptly=self._random.random() < 0.5)
        self._outcome.count("streams")

    async def reload(self, name: str) -> None:
        """Save a model, first broken and then valid again."""
        model = self._server.project / "assets/models/side/small.sql"
        whole = model.read_text(encoding="utf-8")
        model.write_text(whole + "{{ broken", encoding="utf-8")
        await asyncio.sleep(self._random.uniform(0.2, 1))
        model.write_text(whole, encoding="utf-8")
        await asyncio.sleep(self._random.uniform(0.2, 1))
        self._outcome.count("reloads", 2)

    async def _ask(self, method: str, path: str, body: object = None) -> None:
        answer = await self._server.ask(method, path, body)
        is_known = answer.status < 500 or (answer.status == 500 and b'"FAILED"' in answer.body)  # what was run failed
        self._outcome.expect(is_known, f"{method} {path}: {answer.status} {answer.body[:200]!r}")
        self._outcome.count("requests")


async def _rest(server: Server, outcome: Outcome, earlier: list[Held]) -> Held:
    """Cancel what is left, and give the server time to release what it holds."""
    for task in (await server.get("/api/dag/tasks?limit=50"))["tasks"]:
        if task["status"] == "IN_PROGRESS":
            await server.ask("POST", f"/api/dag/cancel/{task['taskId']}")
            status = (await server.ended(task["taskId"], limit_s=30))["status"]
            outcome.expect(status in ("SUCCESS", "FAILED"), f"task {task['taskId']} is {status} 30 s after its cancel")
    until = time.monotonic() + _REST_LIMIT_S
    held = _held(server)
    while earlier and time.monotonic() < until and _excess(held, earlier):
        await asyncio.sleep(0.5)
        held = _held(server)
    outcome.measures["at rest"] = f"{held.threads} threads, {held.files} files, {held.memory_mb:.0f} MB"
    return held


def _held(server: Server) -> Held:
    threads = len(os.listdir(f"/proc/{server.pid}/task"))  # noqa: PTH208  iterdir would open every entry's parent again
    return Held(threads, server.open_files(), server.memory_mb())


def _excess(held: Held, earlier: list[Held]) -> list[str]:
    """What exceeds the limits that the first third of the rounds sets."""
    first = earlier[: max(1, len(earlier) // 3)]
    limits = {
        "threads": statistics.median(one.threads for one in first) * GROWTH + 1,
        "files": statistics.median(one.files for one in first) * GROWTH + 1,
        "memory_mb": max(statistics.median(one.memory_mb for one in first) * GROWTH, first[-1].memory_mb + SPARE_MB),
    }
    return [
        f"{getattr(held, name):.0f} {name} at rest, more than {limit:.0f}"
        for name, limit in limits.items()
        if getattr(held, name) > limit
    ]


def _compare(at_rest: list[Held], outcome: Outcome) -> None:
    outcome.measures["at first"] = f"{at_rest[0].threads} threads, {at_rest[0].memory_mb:.0f} MB"
    outcome.losses += _excess(at_rest[-1], at_rest[:-1] or at_rest)


@contextlib.contextmanager
def _hardly_read() -> Iterator[int]:
    """A console whose reader reads only now and then, like a pager."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    done = threading.Event()

    def read() -> None:
        while not done.wait(5):
            with contextlib.suppress(BlockingIOError):
                while os.read(reader, 65_536):
                    pass

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield writer
    finally:
        done.set()
        thread.join()
        os.close(reader)
        os.close(writer)
