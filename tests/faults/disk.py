"""Disks that are full or broken, and frames whose bytes change."""

import asyncio
import errno
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.outcome import Outcome
from tests.faults.projects import framed_project
from tests.faults.server import NotStarted, Server
from tests.faults.state import State
from tests.faults.wire import Answer, Cut, Stream

_SHIM = Path(__file__).with_name("failing_writes.c")
_TARGETS = {"state": "/.dagscope/state.sqlite", "frames": "/.dagscope/frames"}
_REASONS = ("no space left", "input/output error", "disk i/o error", "database or disk is full", "errno")
_FRAMES = 10


@dataclass
class _Shown:
    """What was answered with 2xx, and what a stream sent."""

    bodies: dict[str, Any] = field(default_factory=dict)
    deleted_logs: bool = False
    events: dict[int, tuple[str, str]] = field(default_factory=dict)


async def failing_writes(folder: Path, random: Random, upto: int, shots: int) -> Outcome:
    """No space, or an I/O error, at the Nth write to the state and to the frames, N = 1 to `upto`, `shots` of each."""
    outcome, shim = Outcome(), await asyncio.to_thread(_compiled, folder)
    project = framed_project(folder / "disk", _FRAMES)
    async with Server(project) as server:
        await server.run("good")
        frame = (await server.ask("GET", "/api/dag/asset/framed.m1/data?taskId=good")).body
        await server.stop()
    clean = folder / "clean"
    shutil.copytree(project / ".dagscope", clean)
    for target, path in _TARGETS.items():
        for at in sorted(random.sample(range(1, upto + 1), shots)):
            number = random.choice([errno.ENOSPC, errno.EIO])
            armed = folder / f"armed-{target}-{at}"
            shutil.rmtree(project / ".dagscope")
            shutil.copytree(clean, project / ".dagscope")
            environment = {
                "LD_PRELOAD": str(shim),
                "FAIL_PATH": path,
                "FAIL_AT": str(at),
                "FAIL_ERRNO": str(number),
                "FAIL_ONCE": str(random.randint(0, 1)),
                "FAIL_ARMED": str(armed),
            }
            what = f"{errno.errorcode[number]} at write {at} of {target}, once={environment['FAIL_ONCE']}"
            await _one_failure(Server(project, environment=environment), armed, frame, what, outcome)
            outcome.count(f"failures of {target}" if _failures(armed) else "not reached")
    return outcome


def _failures(armed: Path) -> int:
    return armed.stat().st_size


def _compiled(folder: Path) -> Path:
    library = folder / "failing_writes.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, _SHIM, "-ldl", "-lpthread"], check=True)
    return library


async def _one_failure(server: Server, armed: Path, frame: bytes, what: str, outcome: Outcome) -> None:
    shown = _Shown()
    async with server:
        watching = asyncio.create_task(_watch(server, shown))
        await asyncio.sleep(0.1)
        armed.touch()
        before = len(outcome.losses)
        for method, path, body in _REQUESTS:
            answer = await server.ask(method, path, body)
            if answer.is_good and method != "GET":
                shown.bodies[path] = answer.json()
                shown.deleted_logs |= method == "DELETE"
            elif answer.status >= 500:
                outcome.expect(_is_clear(answer), f"{what}: {method} {path}: no clear error: {answer.body[:300]!r}")
                outcome.count("clear errors", len(outcome.losses) == before)
        watching.cancel()
        await (server.kill() if _failures(armed) % 2 else server.stop())
    healthy = Server(server.project)
    async with healthy:
        await _check_again(healthy, shown, frame, what, outcome)


_REQUESTS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/api/dag/run", {"taskId": "t", "data": {}}),
    ("GET", "/api/dag/status/t", None),
    ("GET", "/api/dag/asset/framed.m1/data", None),
    ("POST", "/api/dag/asset/framed.m2/execute", {"taskId": "x", "assetName": "framed.m2"}),
    ("DELETE", "/api/logs/good", None),
    ("GET", "/api/dag", None),
    ("POST", "/api/dag/retry/t", None),
)


def _is_clear(answer: Answer) -> bool:
    text = answer.body.decode("utf-8", errors="replace").lower()
    return any(reason in text for reason in _REASONS)


async def _watch(server: Server, shown: _Shown) -> None:
    stream = Stream(server.port)
    try:
        await stream.open()
        while message := await stream.next():
            if message.id is not None and message.event != "snapshot":
                shown.events[message.id] = (message.event, message.data)
    except Cut:
        pass
    finally:
        stream.cut()


async def _check_again(server: Server, shown: _Shown, frame: bytes, what: str, outcome: Outcome) -> None:
    """After a restart on a good disk, everything that clients saw is there, and the task can be finished."""
    state = State(server.project)
    outcome.losses += [f"{what}: {fault}" for fault in state.faults()]
    entries = {entry.id: entry for entry in state.entries()}
    for id_, event in shown.events.items():
        kept = entries.get(id_)
        is_deleted = kept is None and shown.deleted_logs and event[0] == "log"
        is_kept = kept is not None and (kept.event, kept.data) == event
        outcome.expect(is_deleted or is_kept, f"{what}: event {id_} was {event}, is {kept}")
    for task_id, path in (("t", "/api/dag/run"), ("x", "/api/dag/asset/framed.m2/execute")):
        if path in shown.bodies or (task_id == "t" and "/api/dag/retry/t" in shown.bodies):
            status = await server.get(f"/api/dag/status/{task_id}")
            outcome.expect(status["status"] == "SUCCESS", f"{what}: {task_id} was answered 200, is {status['status']}")
    if shown.deleted_logs:
        left = (await server.get("/api/logs/good"))["count"]
        outcome.expect(left == 0, f"{what}: {left} deleted log entries are back")
    data = await server.ask("GET", "/api/dag/asset/framed.m1/data?taskId=good")
    outcome.expect(data.body == frame, f"{what}: the frame of before is now {data.status} {data.body[:200]!r}")
    if (await server.get("/api/dag/status/t"))["status"] == "NOT_STARTED":
        await server.run("t")
    else:
        await server.ask("POST", "/api/dag/retry/t")
    ended = await server.ended("t")
    outcome.expect(ended["status"] == "SUCCESS", f"{what}: afterwards the task ends {str(ended)[:500]}")
    for index in range(_FRAMES):
        answer = await server.ask("GET", f"/api/dag/asset/framed.m{index}/data?taskId=t")
        outcome.expect(answer.status == 200, f"{what}: data of framed.m{index}: {answer.status} {answer.body[:200]!r}")


async def full_disk(folder: Path, random: Random, sizes: int) -> Outcome:
    """A state folder on a small file system that is really full. Left out if it cannot be mounted."""
    outcome = Outcome()
    for _ in range(sizes):
        project = framed_project(folder / f"full{random.randrange(10**9)}", _FRAMES, rows=20_000)
        state = project / ".dagscope"
        state.mkdir()
        size_kb = random.randint(400, 4_000)
        mounted = await _command("mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(state))
        if mounted.returncode != 0:
            outcome.measures["left out"] = f"cannot mount a small file system: {mounted.stderr.strip()}"
            return outcome
        try:
            await _fill(Server(project), state, f"a disk of {size_kb} KB", outcome)
        finally:
            await _command("umount", "-l", str(state))
    return outcome


async def _command(*words: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True)


async def _fill(server: Server, state: Path, what: str, outcome: Outcome) -> None:
    accepted = []
    async with server:
        for number in range(8):
            try:
                answer = await server.run(f"t{number}")
            except Cut as cut:
                outcome.expect(False, f"{what}: the server went away: {cut}, {server.said[-500:]}")
                break
            if answer.is_good:
                accepted.append(f"t{number}")
            else:
                outcome.expect(_is_clear(answer), f"{what}: no clear error: {answer.body[:300]!r}")
                outcome.count("refused")
        outcome.count("full disks", server.process is not None and server.process.poll() is None)
    await _command("mount", "-o", "remount,size=100m", str(state))
    async with Server(server.project) as healthy:
        outcome.losses += [f"{what}: {fault}" for fault in State(server.project).faults()]
        for task_id in accepted:
            status = (await healthy.get(f"/api/dag/status/{task_id}"))["status"]
            outcome.expect(status == "SUCCESS", f"{what}: {task_id} was answered 200, is {status}")
        answer = await healthy.run("after")
        outcome.expect(answer.status == 200, f"{what}: afterwards {answer.status} {answer.body[:300]!r}")


async def failing_starts(folder: Path, random: Random, upto: int, shots: int) -> Outcome:
    """The same at the Nth write of a start with an interrupted task to close: it serves, or says why not."""
    outcome, shim = Outcome(), await asyncio.to_thread(_compiled, folder)
    project = framed_project(folder / "starts", 3)
    armed = folder / "armed"
    armed.touch()
    for at in sorted(random.sample(range(1, upto + 1), shots)):
        shutil.rmtree(project / ".dagscope", ignore_errors=True)
        number = random.choice([errno.ENOSPC, errno.EIO])
        what = f"{errno.errorcode[number]} at write {at} of a start"
        environment: Mapping[str, str] = {
            "LD_PRELOAD": str(shim),
            "FAIL_PATH": _TARGETS["state"],
            "FAIL_AT": str(at),
            "FAIL_ERRNO": str(number),
            "FAIL_ONCE": "0",
            "FAIL_ARMED": str(armed),
        }
        server = Server(project, environment=environment)
        try:
            await server.start()
            outcome.count("served")
        except NotStarted as refused:
            outcome.count("refused to start")
            said = str(refused)
            is_clear = any(reason in said.lower() for reason in _REASONS) and "Traceback" not in said
            outcome.expect(is_clear and refused.code != 0, f"{what}: exit {refused.code}, said {said[-400:]!r}")
        finally:
            await server.kill()
        try:
            async with Server(project) as healthy:
                answer = await healthy.run("t")
                outcome.expect(answer.status == 200, f"{what}: afterwards {answer.status} {answer.body[:300]!r}")
                outcome.losses += [f"{what}: {fault}" for fault in State(project).faults()]
        except NotStarted as refused:
            outcome.expect(False, f"{what}: does not start any more: {str(refused)[-400:]}")
    return outcome


async def flipped_bytes(folder: Path, random: Random, frames: int) -> Outcome:
    """One flipped byte in each of many frames: each is refused by name, never served and never built upon."""
    outcome = Outcome()
    assets = min(frames, 20)
    async with Server(framed_project(folder / "flipped", assets)) as server:
        state, tasks = State(server.project), -(-frames // assets)
        for number in range(tasks):
            answer = await server.run(f"t{number}")
            assert answer.status == 200, answer.body
        kept = state.rows(
            "SELECT task_id, asset_name, result_digest FROM node WHERE asset_name LIKE 'framed.%' LIMIT :n", n=frames
        )
        for task_id, asset, digest in kept:
            file = next(file for file in state.frames if file.stem == digest)
            content = bytearray(file.read_bytes())
            place = random.randrange(len(content))
            content[place] ^= 1 << random.randrange(8)
            was = await server.ask("GET", f"/api/dag/asset/{asset}/data?taskId={task_id}")
            outcome.expect(was.status == 200, f"{asset} of {task_id} before: {was.status}")
            _replace(file, bytes(content))
            for query in (f"?taskId={task_id}", f"?taskId={task_id}&limit=1", f"?taskId={task_id}&offset=4999"):
                now = await server.ask("GET", f"/api/dag/asset/{asset}/data{query}")
                refused = now.status == 500 and str(digest) in now.json()["error"] and "data" not in now.json()
                outcome.expect(refused, f"byte {place} of {file.name}: {now.status} {now.body[:200]!r}")
            outcome.count("flipped bytes")
        last = f"t{tasks - 1}"
        answer = await server.ask(
            "POST", "/api/dag/asset/end.reader/execute", {"taskId": last, "assetName": "end.reader"}
        )
        digest = next(str(row[2]) for row in reversed(kept) if row[1] == "framed.m1")
        outcome.expect(
            answer.status == 500 and digest in answer.json()["error"],
            f"built upon a damaged frame: {answer.status} {answer.body[:300]!r}",
        )
        again = await server.run("again")
        outcome.expect(again.status == 200, f"running again: {again.status} {again.body[:300]!r}")
        data = await server.ask("GET", "/api/dag/asset/framed.m1/data")
        outcome.expect(data.status == 200, f"after running again: {data.status} {data.body[:300]!r}")
    return outcome


def _replace(file: Path, content: bytes) -> None:
    """Change the bytes in place, as a bad disk does."""
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.pwrite(descriptor, content, 0)
    finally:
        os.close(descriptor)
