"""`kill -9` at random times: of the server and its process of runs during tasks, and of the recovery from that."""

import asyncio
import contextlib
import fcntl
import json
import shutil
import socket
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import psutil

from tests.faults.descendants import OF_A_SERVER
from tests.faults.outcome import Outcome
from tests.faults.projects import SLEEPER, STARTER, busy_project, raw_project
from tests.faults.server import Server
from tests.faults.state import State
from tests.faults.wire import Connection, Cut, Message, Stream
from tests.projects import raw

_LONGEST_S = 1.6  # after the start of a task; by then it has sometimes ended
_ENDED = ("SUCCESS", "FAILED")
STUCK_S = 60
KILLED = "interrupted: the process of runs ended (signal SIGKILL)"


@dataclass
class Ledger:
    """Everything that clients have seen: stream entries by id, and claims that must hold after a restart."""

    events: dict[int, tuple[str, str]] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)
    """Accepted with a 2xx."""
    ended: dict[str, Any] = field(default_factory=dict)
    """Statuses of ended tasks."""
    nodes: dict[tuple[str, str], Any] = field(default_factory=dict)
    """Ended nodes by task and asset."""
    logs: dict[str, list[Any]] = field(default_factory=dict)
    """Entries of a task's log."""
    data: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Answers with the data of an asset in a task."""
    deleting: set[str] = field(default_factory=set)
    """Tasks whose logs a client asked to delete."""
    deleted: set[str] = field(default_factory=set)
    """Tasks whose logs were deleted, according to a 200."""

    def see_event(self, message_id: int, event: str, data: str) -> str | None:
        """Record a message. Returns a complaint if another one was sent with its id."""
        earlier = self.events.setdefault(message_id, (event, data))
        return None if earlier == (event, data) else f"id {message_id} was shown with two contents"

    def see_status(self, body: dict[str, Any]) -> None:
        if body["status"] in _ENDED:
            self.ended[body["taskId"]] = body
        for node in body.get("nodes", ()):
            if node["state"] in _ENDED:
                self.nodes[body["taskId"], node["assetName"]] = node


async def kill_running_tasks(folder: Path, random: Random, kills: int) -> Outcome:
    """Kill the server, the process of runs, and both, `kills` times each, while tasks run.

    Four streams and four HTTP clients record everything they see.
    """
    outcome, server = Outcome(), Server(_starting_project(folder / "busy"), {"post_wait_ms": 100})
    state, ledger = State(server.project), Ledger()
    await server.start()
    try:
        for number in range(len(_KILLS) * kills):
            task_id = f"k{number}"
            clients, (victims, kill) = _Clients(server, ledger, task_id, outcome), _KILLS[number % len(_KILLS)]
            async with clients.at_work():
                if (await server.run(task_id)).is_good:
                    ledger.tasks.add(task_id)
                await asyncio.sleep(random.uniform(0, _LONGEST_S))
                await kill(server, random, outcome)
                if server.is_running:
                    await _check_end(server, task_id, outcome)
            outcome.count(f"kills of {victims}")
            if server.is_running:
                await _until_idle(state)
            else:
                await _check_released(server, outcome)
                await server.start()
            await _check(server, state, ledger, outcome)
            interrupted = (await server.get(f"/api/dag/status/{task_id}"))["status"] == "FAILED"
            outcome.count("interrupted tasks", interrupted)
            await _retry(server, task_id, outcome)
            left = await server.descendants.left(OF_A_SERVER)
            outcome.expect(not left, f"beside the server after {task_id}: {left}")
            ledger.ended.clear()  # each is checked once; checking all of them every time would take too long
            ledger.nodes.clear()
            ledger.data.clear()
            ledger.logs.clear()
    finally:
        await server.kill()
    await _check_released(server, outcome)
    _check_events(state, ledger, outcome)
    outcome.count("events in the ledger", len(ledger.events))
    outcome.count("tasks in the ledger", len(ledger.tasks))
    return outcome


def _starting_project(folder: Path) -> Path:
    project = busy_project(folder)
    (project / raw("base.starter")).write_text(STARTER, encoding="utf-8")
    return project


async def _kill_server(server: Server, random: Random, outcome: Outcome) -> None:
    await server.kill()


async def _kill_runs(server: Server, random: Random, outcome: Outcome) -> None:
    runs = server.descendants.runs()
    if outcome.expect(runs is not None, "there is no process of runs") and runs is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            runs.kill()


async def _kill_both(server: Server, random: Random, outcome: Outcome) -> None:
    """In either order, at once or one shortly after the other."""
    runs = server.descendants.runs()
    assert runs is not None
    assert server.process is not None
    first, second = random.sample([runs, server.process], 2)
    for victim in (first, second):
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
        await asyncio.sleep(random.choice([0, random.uniform(0, 0.1)]))
    await server.gone()


_KILLS = (("the server", _kill_server), ("the process of runs", _kill_runs), ("both", _kill_both))


async def _check_end(server: Server, task_id: str, outcome: Outcome) -> None:
    """After the end of the process of runs: each node that did not succeed says so, or was skipped."""
    begun = asyncio.get_running_loop().time()
    status = await server.ended(task_id, STUCK_S)
    outcome.note_longest("until a task whose process was killed had ended", asyncio.get_running_loop().time() - begun)
    outcome.expect(status["status"] in ("SUCCESS", "FAILED"), f"{task_id} is stuck: {status}")
    failed = [node["message"] for node in status.get("nodes", ()) if node["state"] == "FAILED"]
    wrong = [message for message in failed if not message.startswith((KILLED, "skipped: "))]
    outcome.expect(not wrong, f"nodes of {task_id} ended {wrong}")


async def _until_idle(state: State) -> None:
    """Wait for the tasks that clients have left behind, and for what is accepted of their last requests."""
    until = asyncio.get_running_loop().time() + STUCK_S
    while state.faults() and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.1)


async def _check_released(server: Server, outcome: Outcome) -> None:
    """A killed server leaves no process, and nothing that the next one or another program needs is locked."""
    begun = asyncio.get_running_loop().time()
    left = await server.descendants.left()
    outcome.expect(not left, f"processes of a killed server: {left}")
    outcome.note_longest("until all had ended", asyncio.get_running_loop().time() - begun)
    try:
        socket.create_server(("127.0.0.1", server.port)).close()
        database = server.project / "store/small.duckdb"
        if database.exists():
            with database.open("r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        outcome.expect(False, f"locked after a kill: {error}")


async def _check(server: Server, state: State, ledger: Ledger, outcome: Outcome) -> None:
    outcome.losses += state.faults()
    _check_events(state, ledger, outcome)
    for task_id in ledger.tasks:
        if not outcome.expect(
            bool(state.rows(_IS_THERE, task=task_id)), f"task {task_id} was answered 2xx and is gone"
        ):
            continue
    for task_id, body in ledger.ended.items():
        now = await server.get(f"/api/dag/status/{task_id}")
        outcome.expect(now == body, f"task {task_id} was {body}, is {now}")
    for (task_id, asset), node in ledger.nodes.items():
        nodes = (await server.get(f"/api/dag/status/{task_id}"))["nodes"]
        outcome.expect(node in nodes, f"node {asset} of {task_id} was {node}")
    for task_id, entries in ledger.logs.items():
        if task_id not in ledger.deleting:
            now = (await server.get(f"/api/logs/{task_id}"))["logs"]
            outcome.expect(now[: len(entries)] == entries, f"{len(entries)} log entries of {task_id}, now {len(now)}")
    for (task_id, asset), body in ledger.data.items():
        answer = await server.ask("GET", f"/api/dag/asset/{asset}/data?taskId={task_id}&attempt=1")
        outcome.expect(
            answer.body == body, f"data of {asset} in {task_id} is now {answer.status} {answer.body[:200]!r}"
        )
    for task_id in ledger.deleted:
        left = state.rows("SELECT 1 FROM log_entry WHERE task_id = :task", task=task_id)
        outcome.expect(not left, f"{len(left)} deleted log entries of {task_id} are back")
    for name in ("ended", "nodes", "logs", "data"):
        outcome.count("answers in the ledger", len(getattr(ledger, name)))


_IS_THERE = "SELECT 1 FROM task WHERE task_id = :task"


def _check_events(state: State, ledger: Ledger, outcome: Outcome) -> None:
    entries = {entry.id: entry for entry in state.entries()}
    for id_, (event, data) in ledger.events.items():
        entry = entries.get(id_)
        if entry is None:
            task_id = json.loads(data).get("taskId")
            outcome.expect(event == "log" and task_id in ledger.deleting, f"event {id_} is gone: {event} {data}")
        else:
            outcome.expect((entry.event, entry.data) == (event, data), f"event {id_} was {event} {data}, is {entry}")


async def _retry(server: Server, task_id: str, outcome: Outcome) -> None:
    status = await server.get(f"/api/dag/status/{task_id}")
    if status["status"] == "NOT_STARTED":  # killed before it was accepted
        outcome.count("tasks killed before they were accepted")
        return
    answer = await server.ask("POST", f"/api/dag/retry/{task_id}")
    if status["status"] == "SUCCESS":
        outcome.expect(answer.status == 409, f"retry of {task_id}, which succeeded: {answer.status}")
        return
    outcome.count("retries")
    ended = await server.ended(task_id)
    outcome.expect(ended["status"] == "SUCCESS", f"retry of {task_id} ended {json.dumps(ended)[:2_000]}")


class _Clients:
    """Four streams and four HTTP clients that work to the end of the block, or of the server."""

    def __init__(self, server: Server, ledger: Ledger, task_id: str, outcome: Outcome) -> None:
        self.server, self.ledger, self.task_id, self.outcome = server, ledger, task_id, outcome

    @contextlib.asynccontextmanager
    async def at_work(self) -> Any:
        newest = max(self.ledger.events, default=None)
        work: list[Coroutine[Any, Any, None]] = [
            self._stream("", newest),
            self._stream("", None),
            self._stream(f"?taskId={self.task_id}", None),
            self._stream("?kinds=node,task,test,run_event", newest),
            *(self._asking(turn) for turn in (self._status, self._logs, self._data, self._do)),
        ]
        tasks = [asyncio.create_task(until_cut(client)) for client in work]
        await asyncio.sleep(0.05)
        yield
        if self.server.is_running:
            for task in tasks:
                task.cancel()
        ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
        faults = [end for end in ends if isinstance(end, Exception)]
        self.outcome.expect(not faults, f"clients ended with {faults[:1]}")

    async def _stream(self, query: str, last_id: int | None) -> None:
        while True:
            stream = Stream(self.server.port, query, last_id)
            try:
                if await stream.open() == 204:
                    return
                while message := await stream.next():
                    self._see(message, last_id)
                    last_id = message.id or last_id
            finally:
                stream.cut()

    def _see(self, message: Message, last_id: int | None) -> None:
        self.outcome.expect(message.event != "reset" or last_id is None, f"reset at {last_id}")
        if message.event == "snapshot":
            body = json.loads(message.data)
            if "status" in body:
                self.ledger.see_status(body)
        elif message.id is not None and (fault := self.ledger.see_event(message.id, message.event, message.data)):
            self.outcome.losses.append(fault)

    async def _asking(self, turn: Callable[[Connection, int], Awaitable[None]]) -> None:
        async with Connection(self.server.port) as connection:
            for number in count():
                await turn(connection, number)
                await asyncio.sleep(0.02)

    async def _status(self, connection: Connection, _: int) -> None:
        answer = await connection.ask("GET", f"/api/dag/status/{self.task_id}")
        if answer.status == 200:
            self.ledger.see_status(answer.json())

    async def _logs(self, connection: Connection, _: int) -> None:
        answer = await connection.ask("GET", f"/api/logs/{self.task_id}")
        self.ledger.logs[self.task_id] = answer.json()["logs"]
        for task in (await connection.ask("GET", "/api/dag/tasks?limit=3")).json()["tasks"]:
            self.ledger.tasks.add(task["taskId"])

    async def _data(self, connection: Connection, number: int) -> None:
        asset = ("base.m0", "base.m1", "base.noisy")[number % 3]
        path = f"/api/dag/asset/{asset}/data?taskId={self.task_id}&attempt=1"
        answer = await connection.ask("GET", path)
        if answer.status == 200:
            earlier = self.ledger.data.setdefault((self.task_id, asset), answer.body)
            self.outcome.expect(answer.body == earlier, f"data of {asset} in {self.task_id} changed")

    async def _do(self, connection: Connection, number: int) -> None:
        """Execute an asset as its own task, cancel it if it still waits, and delete the logs of ended ones."""
        task_id = f"{self.task_id}-{number}"
        body = {"taskId": task_id, "assetName": "side.small"}
        if (await connection.ask("POST", "/api/dag/asset/side.small/execute", body)).is_good:
            self.ledger.tasks.add(task_id)
        answer = await connection.ask("POST", f"/api/dag/cancel/{task_id}")
        if answer.status == 200:
            self.ledger.see_status(answer.json())
        elif answer.status == 409 and number % 2 == 0:
            self.ledger.deleting.add(task_id)
            if (await connection.ask("DELETE", f"/api/logs/{task_id}")).status == 200:
                self.ledger.deleted.add(task_id)


async def until_cut(work: Coroutine[Any, Any, None]) -> None:
    """Do something until the connection is closed."""
    with contextlib.suppress(Cut):
        await work


async def kill_recoveries(folder: Path, random: Random, kills: int, waiting: int, running: int) -> Outcome:
    """Kill the server repeatedly while it closes a task with many running nodes, and many waiting tasks."""
    outcome = Outcome()
    project = raw_project(folder / "sleepers", **{f"m{index}": SLEEPER for index in range(running)})
    settings = {"post_wait_ms": 0, "max_workers": running}
    await _leave_open_tasks(Server(project, settings), waiting)
    left = project / "left"
    shutil.copytree(project / ".dagscope", left)
    server, state = Server(project, settings), State(project)
    full_s = await server.start()
    written = _wal_bytes(state)
    await server.kill()
    undisturbed = _end_state(state)
    outcome.measures["recovery of"] = f"{waiting + 1} tasks and {running} running nodes in {full_s:.1f} s"
    while outcome.counts["kills"] < kills:
        shutil.rmtree(state.folder)
        shutil.copytree(left, state.folder)
        for _ in range(min(random.randint(1, 3), kills - outcome.counts["kills"])):
            server.launch()
            if random.random() < 0.3:
                await asyncio.sleep(random.uniform(0.2, 0.9) * full_s)
            else:
                await _until_written(state, random.randrange(written), full_s)
                await asyncio.sleep(random.choice([0, random.uniform(0, 0.2)]))
            await server.kill()
            outcome.count("kills")
            closed = len(state.rows("SELECT 1 FROM task WHERE status = 'FAILED'"))
            outcome.count("before anything was closed", closed == 0)
            outcome.count("with some tasks closed", 0 < closed < waiting + 1)
        await server.start()
        await server.kill()
        outcome.losses += state.faults()
        now = _end_state(state)
        for table, rows in undisturbed.items():
            differing = rows ^ now[table]
            outcome.expect(not differing, f"{table} differs from an undisturbed recovery: {sorted(differing)[:5]}")
    return outcome


async def _leave_open_tasks(server: Server, waiting: int) -> None:
    """Leave a task with all its nodes running, and others waiting for it, without ending them."""
    async with server:
        async with Connection(server.port) as connection:
            for number in range(waiting + 1):
                await connection.ask("POST", "/api/dag/run", {"taskId": f"t{number}"})
        status: dict[str, Any] = {"inProgressAssets": 0}
        while status["inProgressAssets"] < status.get("totalAssets", 1):
            status = await server.get("/api/dag/status/t0")
            await asyncio.sleep(0.05)


def _wal_bytes(state: State) -> int:
    wal = state.folder / "state.sqlite-wal"
    return wal.stat().st_size if wal.exists() else 0


async def _until_written(state: State, written: int, limit_s: float) -> None:
    """Wait until a starting server has replaced the log of a dead one and written `written` bytes of its own."""
    clock = asyncio.get_running_loop().time
    until, is_new = clock() + limit_s, False
    while clock() < until and not (is_new and _wal_bytes(state) > written):
        is_new |= _wal_bytes(state) == 0
        await asyncio.sleep(0.0005)


def _end_state(state: State) -> dict[str, set[tuple[object, ...]]]:
    """The state after a recovery, without times, and with the count of each entry."""
    return {table: set(state.rows(statement)) for table, statement in _END_STATE.items()}


_END_STATE = {
    "task": "SELECT task_id, status, completed_assets, failed_assets, in_progress_assets FROM task",
    "node": "SELECT task_id, attempt, asset_name, state, message FROM node",
    "asset_state": "SELECT asset_name, state, task_id, attempt FROM asset_state",
    "run_event": (
        "SELECT task_id, attempt, event_type, step_key, message, count(*) FROM run_event GROUP BY 1, 2, 3, 4, 5"
    ),
    "log_entry": "SELECT task_id, attempt, message, count(*) FROM log_entry GROUP BY 1, 2, 3",
    "status_event": "SELECT task_id, attempt, kind, count(*) FROM status_event GROUP BY 1, 2, 3",
}
