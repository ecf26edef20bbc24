"""Reading the state: one transaction, and so one moment, for all that one answer tells."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeVar

from anyio import CancelScope
from sqlalchemy import Executable, Select, bindparam, func, literal_column, select, tuple_, union_all
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import col

from dagscope.dag.events.events import EventKind, NodeFacts
from dagscope.dag.events.status import (
    DataTestResult,
    DataTestStatus,
    NodeState,
    NodeStatus,
    NodeTimings,
    TaskStatus,
    TaskSummary,
)
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.frames import Frame, Result, Value
from dagscope.dag.ground.shapes import Shape
from dagscope.storage import tables
from dagscope.storage.kept_data_tests import KeptDataTests
from dagscope.storage.projection import Recorded
from dagscope.storage.runs import Runs
from dagscope.storage.statements import Statements

_Columns = dict[str, Any]


@dataclass(frozen=True)
class KeptNode:
    """A node of an attempt: its status, and what is kept of it."""

    status: NodeStatus
    facts: NodeFacts


@dataclass(frozen=True)
class KeptAttempt:
    """One attempt of a task; `newest_attempt` is the task's newest. `data` is the run's input,
    `profile` says if its statements were profiled.
    """

    summary: TaskSummary
    task_uuid: str
    attempt: int
    newest_attempt: int
    last_task_name: str
    data: dict[str, Any]
    profile: bool


@dataclass(frozen=True)
class KeptTask(KeptAttempt):
    """One attempt of a task with all of its nodes and data tests.

    `open_tests` are the data tests that run right now, each with the asset it belongs to, None for a root test.
    """

    nodes: tuple[KeptNode, ...]
    root_test_results: tuple[DataTestResult, ...]
    open_tests: tuple[tuple[str, str | None], ...] = ()


class TaskPosition(NamedTuple):
    """Where a page of tasks, newest first, begins: after the task that started then."""

    start_time: int
    task_id: str


@dataclass(frozen=True)
class TaskPage:
    """Some tasks, newest first, how many there are in all, and where the next page begins if there is one."""

    tasks: tuple[TaskSummary, ...]
    total: int
    next: TaskPosition | None


@dataclass(frozen=True)
class LogPage:
    """Some log entries as JSON texts, oldest first, the position of the last of them, and whether there are more."""

    entries: tuple[str, ...]
    position: int
    has_more: bool


@dataclass(frozen=True)
class AssetNow:
    """An asset as it is now, with the task and attempt that last executed it. Durations in milliseconds."""

    state: NodeState
    task_id: str | None
    attempt: int | None
    relation_task_id: str | None
    relation_attempt: int | None
    successful_tests: int
    last_execution_ms: int
    last_tests_ms: int


@dataclass(frozen=True)
class LogRange:
    """The positions that the log holds: those above `pruned_through`, up to `last_position`."""

    pruned_through: int
    last_position: int

    def can_resume_after(self, position: int) -> bool:
        """If nothing is missing after this position; 0 means from the beginning."""
        return position == 0 or self.pruned_through <= position <= self.last_position


class StateUnreadable(DagscopeError):
    """The state cannot be read."""


class Reader:
    """Opens moments of the state. Read-only."""

    def __init__(self, readers: AsyncEngine) -> None:
        self._readers = readers

    @asynccontextmanager
    async def moment(self) -> AsyncIterator["Moment"]:
        """The state at this moment. Raises `StateUnreadable`, inside of the block too."""
        # A stream whose client vanishes is cancelled wherever it is: broken off in a read, the connection is lost.
        with CancelScope(shield=True):
            try:
                async with self._readers.begin() as connection:
                    yield Moment(connection)
            except SQLAlchemyError as error:
                raise StateUnreadable(f"the state cannot be read: {getattr(error, 'orig', None) or error}") from error


class Moment:
    """The state at one moment: all answers of one of these fit together."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.runs = Runs(connection)
        """Tasks as runs."""
        self.data_tests = KeptDataTests(connection)
        """Data tests with their rows."""
        self.statements = Statements(connection)
        """What was sent to databases."""

    async def _rows(self, statement: Executable) -> Sequence[Any]:
        return (await self._connection.execute(statement)).all()

    async def _columns(self, statement: Executable) -> list[_Columns]:
        """Each row as its columns' values by name: what a shape is made of, four times faster than from the row."""
        result = await self._connection.execute(statement)
        names = tuple(result.keys())
        return [dict(zip(names, row, strict=True)) for row in result.all()]

    # -- tasks

    async def attempt(self, task_id: str, attempt: int | None = None) -> KeptAttempt | None:
        """A task's newest attempt, or the one asked for; None if there is none. Finds by task id or task uuid."""
        newest = await self._newest_attempt(task_id)
        if newest is None:
            return None
        task_id, task_uuid, newest_attempt = newest
        wanted = attempt if attempt is not None else newest_attempt
        rows = await self._columns(
            select(tables.Attempt).where(col(tables.Attempt.task_id) == task_id, col(tables.Attempt.attempt) == wanted)
        )
        if not rows:
            return None
        row = rows[0]
        return KeptAttempt(
            summary=_shaped(TaskSummary, row),
            task_uuid=task_uuid,
            attempt=wanted,
            newest_attempt=newest_attempt,
            last_task_name=row["last_task_name"],
            data=json.loads(row["data"]),
            profile=row["profile"],
        )

    async def task(self, task_id: str, attempt: int | None = None) -> KeptTask | None:
        """The same with its nodes and data tests."""
        kept = await self.attempt(task_id, attempt)
        if kept is None:
            return None
        task_id = kept.summary.task_id
        results, open_tests = await self._test_results(task_id, kept.attempt)
        return KeptTask(
            **vars(kept),
            nodes=await self._nodes(task_id, kept.attempt, results),
            root_test_results=tuple(results[""]),
            open_tests=tuple((name, asset or None) for name, asset in open_tests),
        )

    async def node(self, task_id: str, attempt: int, asset: str) -> KeptNode | None:
        """One node of an attempt, its data tests included; None if the asset is not part of it."""
        results, _ = await self._test_results(task_id, attempt, asset)
        return next(iter(await self._nodes(task_id, attempt, results, asset)), None)

    async def _newest_attempt(self, run_id: str) -> tuple[str, str, int] | None:
        columns = select(col(tables.Task.task_id), col(tables.Task.task_uuid), col(tables.Task.attempt))
        for key in (tables.Task.task_id, tables.Task.task_uuid):
            rows = await self._rows(columns.where(col(key) == run_id))
            if rows:
                return tuple(rows[0])
        return None

    async def _nodes(
        self, task_id: str, attempt: int, results: dict[str, list[DataTestResult]], asset: str | None = None
    ) -> tuple[KeptNode, ...]:
        node = tables.Node
        statement = _with_result(select(node)).where(col(node.task_id) == task_id, col(node.attempt) == attempt)
        if asset is not None:
            statement = statement.where(col(node.asset_name) == asset)
        rows = await self._columns(statement.order_by(col(node.order)))
        return tuple(_kept_node(row, results) for row in rows)

    async def _test_results(
        self, task_id: str, attempt: int, asset: str | None = None
    ) -> tuple[dict[str, list[DataTestResult]], list[tuple[str, str]]]:
        """Results by asset in order of execution, and the name and asset of each test that runs right now."""
        table = tables.DataTestResult
        statement = select(table).where(col(table.task_id) == task_id, col(table.attempt) == attempt)
        if asset is not None:
            statement = statement.where(col(table.asset_name) == asset)
        results: dict[str, list[DataTestResult]] = defaultdict(list)
        running = []
        for row in await self._columns(statement.order_by(col(table.ordinal))):
            if row["status"] == DataTestStatus.IN_PROGRESS:
                running.append((row["test_name"], row["asset_name"]))
            else:
                results[row["asset_name"]].append(_shaped(DataTestResult, row))
        return results, running

    async def tasks(self, limit: int | None = None, after: TaskPosition | None = None) -> TaskPage:
        """Tasks by start time, newest first."""
        position = tuple_(col(tables.Task.start_time), col(tables.Task.task_id))
        statement = select(tables.Task).order_by(col(tables.Task.start_time).desc(), col(tables.Task.task_id).desc())
        if after is not None:
            statement = statement.where(position < tuple_(after.start_time, after.task_id))
        if limit is not None:
            statement = statement.limit(limit + 1)
        rows = await self._columns(statement)
        shown = rows if limit is None else rows[:limit]
        more = len(rows) > len(shown)
        total = (await self._connection.execute(select(func.count()).select_from(tables.Task))).scalar_one()
        return TaskPage(
            tasks=tuple(_shaped(TaskSummary, row) for row in shown),
            total=total,
            next=TaskPosition(shown[-1]["start_time"], shown[-1]["task_id"]) if more and shown else None,
        )

    async def unended_tasks(self) -> tuple[str, ...]:
        """Tasks that no process has ended."""
        rows = await self._rows(
            select(col(tables.Task.task_id)).where(col(tables.Task.status) == TaskStatus.IN_PROGRESS)
        )
        return tuple(row.task_id for row in rows)

    # -- assets and data tests as they are now

    async def assets(self) -> dict[str, AssetNow]:
        """Every asset that was part of a task since the last reset."""
        return {row.asset_name: _asset_now(row) for row in await self._rows(select(tables.AssetState))}

    async def asset(self, name: str) -> AssetNow | None:
        """One of them."""
        rows = await self._rows(select(tables.AssetState).where(col(tables.AssetState.asset_name) == name))
        return _asset_now(rows[0]) if rows else None

    async def test_statuses(self) -> dict[str, DataTestStatus]:
        """Every data test that was run since the last reset."""
        rows = await self._rows(select(tables.DataTestState))
        return {row.test_name: DataTestStatus(row.status) for row in rows}

    async def results_of(self, assets: Collection[str]) -> dict[str, Result]:
        """What is kept of the newest execution of each asset; those of which nothing is kept are absent."""
        node, now = tables.Node, tables.AssetState
        newest = (col(node.task_id) == now.task_id) & (col(node.attempt) == now.attempt)
        rows = await self._columns(
            _with_result(select(col(node.asset_name), col(node.result_digest)))
            .join(now, newest & (col(node.asset_name) == now.asset_name))
            .where(col(node.asset_name).in_(assets))
        )
        results = {row["asset_name"]: _result(row) for row in rows}
        return {asset: result for asset, result in results.items() if result is not None}

    async def frames(self) -> frozenset[str]:
        """The digests of all frames that something refers to."""
        return frozenset(row.digest for row in await self._rows(select(col(tables.Frame.digest))))

    # -- the log

    async def log_range(self) -> LogRange:
        row = (await self._rows(select(col(tables.State.pruned_through), col(tables.State.last_position))))[0]
        return LogRange(row.pruned_through, row.last_position)

    async def instance_uuid(self) -> str:
        return str((await self._connection.execute(select(col(tables.State.instance_uuid)))).scalar_one())

    async def log_after(
        self, position: int, limit: int, task_id: str | None = None, kinds: frozenset[EventKind] | None = None
    ) -> Sequence[Recorded]:
        """At most `limit` entries of the log after a position, in order."""
        if kinds is not None and not kinds:
            return []
        statement = _log_statement(task_id is not None, kinds)
        values = {"position": position, "limit": limit, "task_id": task_id}
        rows = (await self._connection.execute(statement, values)).all()
        return [Recorded(*row) for row in rows]

    async def log_entries(
        self, task_id: str, attempt: int | None = None, after: int = 0, limit: int | None = None
    ) -> LogPage:
        """At most `limit` log entries of a task, or of one of its attempts, after a position, oldest first."""
        entry = tables.LogEntry
        statement = (
            select(col(entry.position), col(entry.data))
            .where(col(entry.task_id) == task_id, col(entry.position) > after)
            .order_by(col(entry.position))
        )
        if attempt is not None:
            statement = statement.where(col(entry.attempt) == attempt)
        if limit is not None:
            statement = statement.limit(limit + 1)
        rows = await self._rows(statement)
        shown = rows[:limit]
        reached = shown[-1].position if shown else after
        return LogPage(tuple(row.data for row in shown), reached, has_more=len(rows) > len(shown))

    async def logged_tasks(self) -> tuple[str, ...]:
        """The tasks that have log entries, in the order of their first ones."""
        entry = tables.LogEntry
        tasks = select(col(entry.task_id)).group_by(col(entry.task_id)).order_by(func.min(col(entry.position)))
        return tuple(row.task_id for row in await self._rows(tasks))


_KINDS_OF_TABLE: dict[type[tables.LogColumns], frozenset[EventKind]] = {
    tables.StatusEvent: frozenset({EventKind.TASK, EventKind.NODE, EventKind.TEST}),
    tables.LogEntry: frozenset({EventKind.LOG}),
    tables.RunEvent: frozenset({EventKind.RUN_EVENT}),
}


@cache  # a stream that replays asks for thousands of pages, and making the statement takes as long as running it
def _log_statement(of_one_task: bool, kinds: frozenset[EventKind] | None) -> Executable:
    """Pages of the log; its values are `position`, `limit` and `task_id`."""
    parts = [
        _log_part(table, of_one_task, wanted)
        for table, of_table in _KINDS_OF_TABLE.items()
        if (wanted := of_table & kinds if kinds is not None else of_table)
    ]
    return union_all(*parts).order_by("position").limit(bindparam("limit"))


def _log_part(
    table: type[tables.LogColumns], of_one_task: bool, kinds: frozenset[EventKind]
) -> Select[*tuple[Any, ...]]:
    kind = col(tables.StatusEvent.kind) if table is tables.StatusEvent else literal_column(f"'{min(kinds)}'")
    statement: Select[*tuple[Any, ...]] = (
        select(col(table.position), kind.label("kind"), col(table.task_id), col(table.data))
        .where(col(table.position) > bindparam("position"))
        .order_by(col(table.position))
        .limit(bindparam("limit"))
    )
    if of_one_task:
        statement = statement.where(col(table.task_id) == bindparam("task_id"))
    if kinds != _KINDS_OF_TABLE[table]:
        statement = statement.where(kind.in_(kinds))
    return select(statement.subquery())


_Shape = TypeVar("_Shape", bound=Shape)


def _shaped(shape: type[_Shape], row: _Columns, **values: Any) -> _Shape:
    return shape.model_validate({**row, **values}, by_alias=False, by_name=True)


def _with_result(nodes: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Nodes with what their results are, as `_result` wants it."""
    frame = tables.Frame
    return nodes.add_columns(col(frame.data_type), col(frame.rows).label("frame_rows"), col(frame.columns)).outerjoin(
        frame, col(tables.Node.result_digest) == col(frame.digest)
    )


def _kept_node(row: _Columns, results: dict[str, list[DataTestResult]]) -> KeptNode:
    timings = _shaped(NodeTimings, row) if row["waiting_ms"] is not None else None
    status = _shaped(NodeStatus, row, test_results=tuple(results[row["asset_name"]]), timings=timings)
    facts = NodeFacts(
        rows=row["rows"],
        result=_result(row),
        has_relation=row["has_relation"],
        carried=row["carried"],
        tests_duration_ms=row["tests_duration_ms"],
    )
    return KeptNode(status, facts)


def _result(row: _Columns) -> Result | None:
    if row["result_digest"] is None:
        return None
    if row["data_type"] == "dataframe":
        return Frame(row["result_digest"], row["frame_rows"], tuple(json.loads(row["columns"])))
    return Value(row["result_digest"], row["data_type"])


def _asset_now(row: Any) -> AssetNow:
    return AssetNow(
        state=NodeState(row.state),
        task_id=row.task_id,
        attempt=row.attempt,
        relation_task_id=row.relation_task_id,
        relation_attempt=row.relation_attempt,
        successful_tests=row.successful_tests,
        last_execution_ms=row.last_execution_ms or 0,
        last_tests_ms=row.last_tests_ms or 0,
    )
