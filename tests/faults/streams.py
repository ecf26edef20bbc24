"""Streams that are cut, joined anywhere, or asked for positions that do not exist."""

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from tests.doors import DAGSCOPE
from tests.faults.outcome import Outcome
from tests.faults.projects import PACED, noisy, raw_project
from tests.faults.server import Server
from tests.faults.state import Entry, State
from tests.faults.wire import Connection, Cut, Message, Stream
from tests.projects import copy_example

_LONGEST_CUT_BYTES = 40_000
_QUIET_S = 60  # a stream that is silent for this long while there are entries has lost them
_LAST_TASK = "after"  # run when every client has joined, so that even one that joined late has an end to wait for


async def cut_streams(folder: Path, random: Random, cuts: int, restarts: int) -> Outcome:
    """Cut a stream of everything at random bytes, resume with `Last-Event-ID`, and sometimes restart the server."""
    outcome = Outcome()
    server = Server(raw_project(folder / "noisy", lines=noisy(2_000, burst=10, pause_s=0.01)), {"post_wait_ms": 100})
    state = State(server.project)
    await server.start()
    try:
        begun = state.last_position
        reader = _Reader(server, random, begun, outcome)
        async with _kept_running(server):
            for number in range(cuts):
                await asyncio.wait_for(reader.until_cut(), _QUIET_S)
                outcome.count("cuts")
                if (number + 1) % max(1, cuts // max(1, restarts)) == 0:
                    await (server.kill() if random.random() < 0.5 else server.stop())
                    outcome.count("restarts")
                    await server.start()
        await asyncio.wait_for(reader.through(state.last_position), _QUIET_S)
        _compare(outcome, "the joined stream", reader.seen, state.entries(begun))
        outcome.count("messages", len(reader.seen))
    finally:
        await server.kill()
    return outcome


class _Reader:
    """Reads a stream over any number of connections, each resuming after the last complete message."""

    def __init__(self, server: Server, random: Random, position: int, outcome: Outcome) -> None:
        self.server, self.random, self.position, self.outcome = server, random, position, outcome
        self.seen: list[Message] = []

    async def until_cut(self) -> None:
        stream = Stream(self.server.port, last_id=self.position)
        stream.cut_after = self.random.randint(0, _LONGEST_CUT_BYTES)
        with contextlib.suppress(Cut):
            await stream.open()
            while self._take(await stream.next()):
                pass
        stream.cut()

    async def through(self, position: int) -> None:
        """Read on, uncut, up to a position."""
        stream = Stream(self.server.port, last_id=self.position)
        await stream.open()
        while self.position < position and self._take(await stream.next()):
            pass
        stream.cut()

    def _take(self, message: Message | None) -> bool:
        if message is not None and self.outcome.expect(message.id is not None, f"{message} at {self.position}"):
            self.seen.append(message)
            self.position = message.id or 0
        return message is not None


@contextlib.asynccontextmanager
async def _kept_running(server: Server) -> Any:
    """Run tasks one by one, across restarts too. At the end, the last one has ended."""
    on, number = True, 0

    async def run_tasks() -> None:
        nonlocal number
        while on:
            with contextlib.suppress(Cut):
                async with Connection(server.port) as connection:
                    while on:
                        number += 1
                        await connection.ask("POST", "/api/dag/run", {"taskId": f"t{number}"})
                        while on and await _runs(connection, f"t{number}"):
                            await asyncio.sleep(0.05)
            await asyncio.sleep(0.05)

    running = asyncio.create_task(run_tasks())
    yield
    on = False
    await running
    await server.ended(f"t{number}")


async def _runs(connection: Connection, task_id: str) -> bool:
    answer = await connection.ask("GET", f"/api/dag/status/{task_id}")
    return answer.json()["status"] == "IN_PROGRESS"


def _compare(outcome: Outcome, what: str, seen: Sequence[Message], entries: Sequence[Entry]) -> None:
    """The messages must be the entries of the tables: no gaps, no duplicates, in order, with the same bytes."""
    sent = [(message.id, message.event, message.data) for message in seen]
    kept = [(entry.id, entry.event, entry.data) for entry in entries]
    if not outcome.expect(sent == kept, f"{what}: {len(sent)} messages, {len(kept)} entries"):
        first = next((pair for pair in zip(sent, kept, strict=False) if pair[0] != pair[1]), None)
        outcome.losses.append(f"{what}: first difference: {first}")


async def join_anywhere(folder: Path, random: Random, clients: int, per_second: int, seconds: int) -> Outcome:
    """Clients that join at random times and positions while `per_second` entries are written per second."""
    outcome, lines = Outcome(), per_second * seconds
    project = raw_project(folder / "paced", lines=PACED.format(lines=lines, per_second=per_second))
    async with Server(project, {"post_wait_ms": 0}) as server:
        state = State(project)
        await server.run("before")
        await server.ended("before")
        begun = state.entries()
        await server.run("paced")
        clock = asyncio.get_running_loop().time()
        moments = [random.uniform(0, seconds) for _ in range(clients)]
        joining = asyncio.gather(*(_join(server, moment, random, begun[0].id) for moment in moments))
        ended = await server.ended("paced", limit_s=seconds * 10)
        outcome.measures["entries a second"] = f"{lines / (asyncio.get_running_loop().time() - clock):,.0f}"
        outcome.expect(ended["status"] == "SUCCESS", f"the task ended {ended['status']}")
        joined = await joining
        await server.run(_LAST_TASK)
        for position, reading in joined:
            seen = await asyncio.wait_for(reading, _QUIET_S)
            outcome.count("clients")
            outcome.count("messages", len(seen))
            _compare(outcome, f"joined at {position}", seen, state.entries(position))
    return outcome


async def _join(server: Server, after_s: float, random: Random, oldest: int) -> tuple[int, asyncio.Task[list[Message]]]:
    """Join at the start, at the newest entry or anywhere in between. Returns the position and what reads from it."""
    await asyncio.sleep(after_s)
    newest = State(server.project).last_position
    position = random.choice([0, newest, random.randint(oldest, newest), random.randint(oldest, newest)])
    stream = Stream(server.port, last_id=position)
    await stream.open()
    return position, asyncio.create_task(_read_to_last_task(stream))


async def _read_to_last_task(stream: Stream) -> list[Message]:
    seen = []
    while message := await stream.next():
        seen.append(message)
        if message.event == "task" and f'"taskId":"{_LAST_TASK}"' in message.data and '"SUCCESS"' in message.data:
            break
    stream.cut()
    return seen


async def bad_positions(folder: Path, random: Random, others: int) -> Outcome:
    """Positions that cannot be resumed from are answered with `reset` and a snapshot, or with 400."""
    outcome = Outcome()
    async with Server(copy_example("hello", folder)) as server:
        for task_id in ("old", "t"):
            await server.run(task_id)
        state = State(server.project)
        first, last = state.entries()[0].id, state.last_position
        for position in (first - 2, last + 1, last + random.randint(1, 2**40)):
            await _ask_from(server, position, {"reset"}, outcome)
        for position in _never_valid():  # some are not valid HTTP, and the server logs an entry about them
            await _ask_from(server, position, {"reset", "400"}, outcome)
        for _ in range(others):  # positions of other states: each starts at a random multiple of 2^32
            position = (random.randint(1, 2**20 - 1) << 32) + random.randint(1, 1_000)
            if not first - 1 <= position <= last:
                await _ask_from(server, position, {"reset"}, outcome)
        await server.stop()
        pruned_through = await asyncio.to_thread(_prune, server, outcome)
        await server.start()
        for position in (first, first + 5, random.randint(first, pruned_through - 1), pruned_through - 1):
            await _ask_from(server, position, {"reset"}, outcome)
            outcome.count("of them pruned")
        await _ask_from(server, pruned_through, {"resumed"}, outcome)
    return outcome


def _prune(server: Server, outcome: Outcome) -> int:
    """Prune everything except what the DAG shows now. Returns the position up to which entries were deleted."""
    command = [DAGSCOPE, "prune", "--project", str(server.project), "--keep-days", "0"]
    pruned = subprocess.run(command, capture_output=True, text=True, timeout=30)
    outcome.expect(pruned.returncode == 0 and pruned.stdout.startswith("old\n"), f"prune: {pruned}")
    return int(str(State(server.project).rows("SELECT pruned_through FROM state")[0][0]))


def _never_valid() -> Iterator[int | str]:
    yield from (-1, -(2**63), 2**53, 2**63 - 1, 2**63, 2**64, "9" * 4_500, "-" + "9" * 300)
    yield from ("abc", "1.5", "1e3", "0x10", "--1", "-", "٣", "1 2", "NaN", "\0", "1\0", "\ud800", "1\n2", "'", "%")


async def _ask_from(server: Server, position: int | str, wanted: set[str], outcome: Outcome) -> None:
    """Ask for a position in the query, for one task and for everything, and in the header if HTTP allows it."""
    text = quote(str(position), errors="surrogatepass")
    as_header = str(position) if str(position).isprintable() and str(position).isascii() else None
    asked = [(f"?lastEventId={text}", None), (f"?lastEventId={text}&taskId=t", None)]
    if as_header is not None:
        asked += [("", as_header), ("?taskId=t&kinds=task", as_header)]
    if isinstance(position, str) and "\0" in position:
        asked.append(("", position))
    for query, header in asked:
        outcome.count("positions asked for")
        try:
            found = await asyncio.wait_for(_first(server, query, header), 10)
        except TimeoutError:
            found = "silence"
        except Cut as cut:
            found = f"cut: {cut}"
        outcome.expect(found in wanted, f"{query} {header!r}: {found}, wanted {wanted}")


async def _first(server: Server, query: str, header: str | None) -> str:
    """`reset` if a reset and a snapshot come first, `resumed` for another message or an end, else the status code."""
    stream = Stream(server.port, query, header)
    try:
        status = await stream.open()
        if status != 200:
            return "resumed" if status == 204 else str(status)
        message = await stream.next()
        if message is None or message.event != "reset":
            return "resumed"
        following = await stream.next()
        return "reset" if following is not None and following.event == "snapshot" else f"reset, then {following}"
    finally:
        stream.cut()
