"""Stopping, starting beside another server, and starting on a state that cannot be used."""

import asyncio
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.doors import DAGSCOPE
from tests.faults.outcome import Outcome
from tests.faults.projects import SLEEPER, raw_project
from tests.faults.server import NotStarted, Server
from tests.faults.state import State
from tests.faults.wire import Cut, Message, Stream
from tests.projects import SLOW_SQL, copy_example, model, write_project

STOP_LIMIT_S = 10
REFUSE_LIMIT_S = 1


async def terminate(folder: Path, random: Random, rounds: int, streams: int) -> Outcome:
    """SIGTERM with open streams and a running task: the server exits in time and records the task as cancelled."""
    outcome, longest_s = Outcome(), 0.0
    projects = [
        write_project(folder / "slow", {model("a.slow"): SLOW_SQL}),
        raw_project(folder / "asleep", slow=SLEEPER),
    ]
    for number in range(rounds):
        server = Server(projects[number % 2], {"post_wait_ms": 200})
        async with server:
            opened = [Stream(server.port) for _ in range(streams)]
            for stream in opened:
                await stream.open()
            reading = [asyncio.create_task(_to_the_end(stream)) for stream in opened]
            for task_id in (f"runs{number}", f"waits{number}"):
                await server.run(task_id)
            await asyncio.sleep(random.uniform(0, 0.5))
            stopped_s = await server.stop()
            longest_s = max(longest_s, stopped_s)
            outcome.count("stops")
            outcome.expect(stopped_s < STOP_LIMIT_S, f"took {stopped_s:.1f} s to stop")
            outcome.expect(server.process is not None and server.process.returncode == 0, f"ended {server.said[-500:]}")
            state = State(server.project)
            outcome.losses += state.faults()
            kept = {entry.id: (entry.event, entry.data) for entry in state.entries()}
            for seen in await asyncio.gather(*reading):
                outcome.count("messages", len(seen))
                wrong = [m for m in seen if m.id and m.event != "snapshot" and kept.get(m.id) != (m.event, m.data)]
                outcome.expect(not wrong, f"shown and not kept: {wrong[:1]}")
            for task_id in (f"runs{number}", f"waits{number}"):
                outcome.losses += _not_cancelled(state, task_id)
    outcome.measures["longest stop"] = f"{longest_s:.1f} s"
    return outcome


def _not_cancelled(state: State, task_id: str) -> list[str]:
    status = state.rows("SELECT status FROM task WHERE task_id = :task", task=task_id)
    types = {row[0] for row in state.rows("SELECT event_type FROM run_event WHERE task_id = :task", task=task_id)}
    messages = {row[0] for row in state.rows("SELECT message FROM node WHERE task_id = :task", task=task_id)}
    is_right = status == [("FAILED",)] and "RUN_CANCELED" in types and messages <= {"cancelled", "skipped: cancelled"}
    return [] if is_right else [f"{task_id} is {status}, {sorted(map(str, types))}, {messages}"]


async def _to_the_end(stream: Stream) -> list[Message]:
    seen = []
    try:
        while message := await stream.next():
            seen.append(message)
    except Cut:
        pass
    stream.cut()
    return seen


async def one_owner(folder: Path, random: Random, rounds: int) -> Outcome:
    """A second server is refused at once and names the first. The lock of a killed one does not block others."""
    outcome, longest_s = Outcome(), 0.0
    project = copy_example("hello", folder)
    for number in range(rounds):
        async with Server(project) as server:
            command = [DAGSCOPE, "serve", "--project", str(project), "--port", "0"]
            begun = time.monotonic()
            second = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30)
            longest_s = max(longest_s, time.monotonic() - begun)
            wanted = (
                f"{project / '.dagscope'} is in use by process {server.pid} at http://127.0.0.1:{server.port}; "
                "stop it, or use it\n"
            )
            found = (second.returncode, second.stdout, second.stderr)
            outcome.expect(found == (2, "", wanted), f"the second server: {found}")
            outcome.count("second servers refused")
            outcome.expect((await server.run(f"t{number}")).status == 200, "the first one suffered")
            await server.kill()
        outcome.count("stale locks")
        async with Server(project) as again:
            outcome.expect((await again.ended(f"t{number}"))["status"] == "SUCCESS", "the state of before is gone")
    outcome.measures["longest refusal"] = f"{longest_s:.2f} s"
    outcome.expect(longest_s < REFUSE_LIMIT_S * 3, f"refused after {longest_s:.2f} s")  # this machine may be busy
    return outcome


async def unusable_states(folder: Path, random: Random, damages: int) -> Outcome:
    """A damaged or newer state: the server names the file, ends, and changes no byte of the folder."""
    outcome = Outcome()
    project = copy_example("hello", folder)
    async with Server(project) as server:
        for task_id in ("s", "t"):
            await server.run(task_id)
        await server.stop()
    state, good = project / ".dagscope", folder / "good"
    shutil.copytree(state, good)
    kinds = list(_DAMAGES.items())
    for number in range(damages):
        name, damage = kinds[number % len(kinds)]
        shutil.rmtree(state)
        shutil.copytree(good, state)
        damage(state / "state.sqlite", random)
        before = _bytes_of(state)
        server = Server(project)
        outcome.count("unusable states")
        try:
            await server.start()
            await server.ask("GET", "/api/dag/tasks")
            outcome.expect(False, f"{name}: it serves")
        except NotStarted as refused:
            said = str(refused)
            is_clear = refused.code != 0 and str(state / "state.sqlite") in said and "Traceback" not in said
            outcome.expect(is_clear, f"{name}: exit {refused.code}, said {said[-300:]!r}")
        except Cut as cut:
            outcome.expect(False, f"{name}: it served, then ended: {cut}")
        finally:
            await server.kill()
        now = _bytes_of(state)
        changed = [file for file in before.keys() | now.keys() if before.get(file) != now.get(file)]
        outcome.expect(not changed, f"{name}: changed {changed}")
    return outcome


def _bytes_of(folder: Path) -> dict[str, bytes]:
    """The content of every file except the lock, which has the pid of the last process that tried."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "server.lock"
    }


def _no_database(database: Path, random: Random) -> None:
    database.write_bytes(random.randbytes(8_192))


def _broken_header(database: Path, random: Random) -> None:
    content = bytearray(database.read_bytes())
    content[:100] = random.randbytes(100)
    database.write_bytes(content)


def _cut_short(database: Path, random: Random) -> None:
    content = database.read_bytes()
    database.write_bytes(content[: random.randrange(4_096, len(content) - 1)])


def _broken_pages(database: Path, random: Random) -> None:
    """Fill everything after the first page, which is the table of contents, with noise."""
    content = bytearray(database.read_bytes())
    content[4_096:] = random.randbytes(len(content) - 4_096)
    database.write_bytes(content)


def _one_broken_page(table: str) -> Callable[[Path, Random], None]:
    def damage(database: Path, random: Random) -> None:
        connection = sqlite3.connect(database)
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        connection.close()
        content = bytearray(database.read_bytes())
        content[(root - 1) * 4_096 : root * 4_096] = random.randbytes(4_096)
        database.write_bytes(content)

    return damage


def _of_the_future(database: Path, random: Random) -> None:
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (f"{random.randint(1_000, 9_999)}",))
    connection.close()


def _of_another_program(database: Path, random: Random) -> None:
    database.unlink()
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("CREATE TABLE somebody (elses TEXT)")
    connection.close()


_DAMAGES: dict[str, Callable[[Path, Random], None]] = {
    "newer": _of_the_future,
    "no database": _no_database,
    "broken header": _broken_header,
    "cut short": _cut_short,
    "broken pages": _broken_pages,
    "another program's": _of_another_program,
    "broken page of task": _one_broken_page("task"),
    "broken page of state": _one_broken_page("state"),
    "broken page of frame": _one_broken_page("frame"),
    "broken page of log_entry": _one_broken_page("log_entry"),
    "broken page of run_event": _one_broken_page("run_event"),
}


async def killed_first_starts(folder: Path, random: Random, kills: int) -> Outcome:
    """Kill the server while it creates its state for the first time. The next start completes it."""
    outcome = Outcome()
    project = copy_example("hello", folder)
    server = Server(project)
    for _ in range(kills):
        shutil.rmtree(project / ".dagscope", ignore_errors=True)
        server.launch()
        await _until_begun(project / ".dagscope", random.uniform(0, 0.08))
        await server.kill()
        outcome.count("kills")
        outcome.count("before the state was whole", not _is_whole(project))
        try:
            await server.start()
            outcome.expect((await server.run("t")).status == 200, "the first task failed")
        except NotStarted as refused:
            outcome.expect(False, f"does not start any more: {str(refused)[-300:]}")
        await server.kill()
    return outcome


async def _until_begun(folder: Path, and_then_s: float) -> None:
    until = time.monotonic() + 20
    while not _has_begun(folder) and time.monotonic() < until:
        await asyncio.sleep(0.0005)
    await asyncio.sleep(and_then_s)


def _has_begun(folder: Path) -> bool:
    return any(folder.glob("state*"))


def _is_whole(project: Path) -> bool:
    try:
        return bool(State(project).rows("SELECT 1 FROM state JOIN alembic_version"))
    except sqlite3.Error:
        return False
