"""Many clients that ask for everything at once, while a large task runs."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.generated import layered_project
from tests.faults.outcome import Outcome
from tests.faults.server import Server
from tests.faults.state import State
from tests.faults.wire import Answer, Connection, Cut, Stream

LAG_LIMIT_MS = 100
_TRIVIAL = "/no/such/endpoint"


async def many_clients(folder: Path, random: Random, clients: int, requests: int, assets: int) -> Outcome:
    """Mixed requests of many clients while tasks with `assets` nodes run, one after the other."""
    outcome, lags = Outcome(), folder / "lags"
    project = layered_project(folder / "layers", layers=10, per_layer=assets // 10)
    command = (sys.executable, "-m", "tests.faults.loop_lag", str(lags))
    async with Server(project, {"post_wait_ms": 100}, command=command) as server:
        await server.run("first")
        await server.ended("first")
        latencies_ms: list[float] = []
        measuring = asyncio.create_task(_ask_trivially(server, latencies_ms))
        running = asyncio.create_task(_keep_running(server, outcome))
        begun = time.monotonic()
        seeds = [Random(random.random()) for _ in range(clients)]
        await asyncio.gather(*(_client(server, seed, requests, assets // 10, outcome) for seed in seeds))
        elapsed_s = time.monotonic() - begun
        running.cancel()
        measuring.cancel()
        outcome.measures["requests a second"] = f"{outcome.counts['requests'] / elapsed_s:,.0f}"
        outcome.measures["a trivial request"] = _spread(latencies_ms)
        ended = {row[0] for row in State(project).rows("SELECT DISTINCT status FROM task WHERE task_id LIKE 'long%'")}
        outcome.expect(ended <= {"SUCCESS", "IN_PROGRESS"}, f"the tasks ended {ended}")
        locked = State(project).rows("SELECT data FROM log_entry WHERE data LIKE '%database is locked%' LIMIT 1")
        outcome.expect(not locked and "database is locked" not in server.said, f"database is locked: {locked}")
        await server.stop()
    values = [float(line) for line in lags.read_text(encoding="ascii").split()]
    outcome.measures["loop lag"] = _spread(values)
    over = sum(value > LAG_LIMIT_MS for value in values)
    outcome.measures[f"loop lag over {LAG_LIMIT_MS} ms"] = f"{over} of {len(values)} times"
    return outcome


async def _keep_running(server: Server, outcome: Outcome) -> None:
    for number in range(10**6):
        await server.run(f"long{number}")
        await server.ended(f"long{number}")
        outcome.count("tasks run meanwhile")


async def _ask_trivially(server: Server, latencies_ms: list[float]) -> None:
    """Send a request whose only cost is waiting for a turn in the event loop."""
    async with Connection(server.port) as connection:
        while True:
            begun = time.perf_counter()
            await connection.ask("GET", _TRIVIAL)
            latencies_ms.append((time.perf_counter() - begun) * 1_000)
            await asyncio.sleep(0.02)


def _spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    if not ordered:
        return "not measured"
    p50, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return f"p50 {p50:.0f} p99 {p99:.0f} max {ordered[-1]:.0f} ms"


async def _client(server: Server, random: Random, requests: int, per_layer: int, outcome: Outcome) -> None:
    async with Connection(server.port) as connection:
        for number in range(requests):
            try:
                answer = await _some_request(server, connection, random, per_layer)
            except Cut as cut:
                outcome.expect(False, f"request {number} was cut: {cut}")
                return
            outcome.count("requests")
            if answer is not None:
                is_failure = answer.status >= 500
                outcome.expect(not is_failure, f"{answer.status} {answer.body[:300]!r}" if is_failure else "")


async def _some_request(server: Server, connection: Connection, random: Random, per_layer: int) -> Answer | None:
    asset = f"layer_{random.randrange(10)}.model_{random.randrange(per_layer)}"
    task_id = random.choice(["first", "long0", "unknown"])
    kind = random.choices(_KINDS, _WEIGHTS)[0]
    if kind == "stream":
        connection.cut()  # it would be idle for long enough to be closed
        await _look_at_stream(server, random)
        return None
    method, path, body = _REQUESTS[kind]
    return await connection.ask(method, path.format(asset=asset, task=task_id), body)


_REQUESTS: dict[str, tuple[str, str, Any]] = {
    "status": ("GET", "/api/dag/status/{task}", None),
    "tasks": ("GET", "/api/dag/tasks?limit=50", None),
    "dag": ("GET", "/api/dag", None),
    "logs": ("GET", "/api/logs/{task}", None),
    "data": ("GET", "/api/dag/asset/{asset}/data?limit=5", None),
    "data tests": ("GET", "/api/tests", None),
    "delete": ("DELETE", "/api/logs/unknown", None),
    "execute": ("POST", "/api/dag/asset/none.such/execute", {"taskId": "x", "assetName": "none.such"}),
}
_KINDS = (*_REQUESTS, "stream")
_WEIGHTS = (30, 20, 2, 3, 15, 8, 8, 8, 6)


async def _look_at_stream(server: Server, random: Random) -> None:
    stream = Stream(server.port, random.choice(["", "?taskId=first", "?kinds=task"]), random.choice([None, 0]))
    if await stream.open() == 200:
        await stream.next()
    stream.cut(abruptly=random.random() < 0.3)
