"""Tasks as their attempts left them: nodes, data tests, and the list of all."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sqlalchemy import func, select, tuple_
from sqlmodel import col

from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.status import (
    DataTestResult,
    DataTestStatus,
    NodeStatus,
    NodeTimings,
    TaskStatus,
    TaskSummary,
)
from dagscope.dag.ground.json_text import exact_json
from dagscope.storage import tables
from dagscope.storage.failed_tests import only_tests_failed
from dagscope.storage.results import result_of, with_result
from dagscope.storage.rows import Columns, Rows, shaped

_IDS = 10_000  # in one statement


@dataclass(frozen=True)
class KeptNode:
    """A node of an attempt: its status and its facts."""

    status: NodeStatus
    facts: NodeFacts


@dataclass(frozen=True)
class KeptAttempt:
    """One attempt of a task; `newest_attempt` is the task's newest. `data` is the run's input,
    `profile` says if its statements were profiled.
    """

    summary: TaskSummary
    attempt: int
    newest_attempt: int
    last_task_name: str
    data: dict[str, Any]
    profile: bool

    @property
    def task_uuid(self) -> str:
        return self.summary.task_uuid


@dataclass(frozen=True)
class ShownTask(KeptAttempt):
    """One attempt of a task as clients see it: the statuses of its nodes, without what is kept of them."""

    nodes: tuple[NodeStatus, ...]
    root_test_results: tuple[DataTestResult, ...]


@dataclass(frozen=True)
class KeptTask(KeptAttempt):
    """One attempt of a task with all of its nodes and data tests.

    `open_tests` are the data tests that run right now, each with the asset it belongs to, None for a root test.
    """

    nodes: tuple[KeptNode, ...]
    root_test_results: tuple[DataTestResult, ...]
    open_tests: tuple[tuple[str, str | None], ...] = ()

    @property
    def shown(self) -> ShownTask:
        """The same as clients see it."""
        attempt = {field.name: getattr(self, field.name) for field in fields(KeptAttempt)}
        nodes = tuple(node.status for node in self.nodes)
        return ShownTask(**attempt, nodes=nodes, root_test_results=self.root_test_results)


class TaskPosition(NamedTuple):
    """Where a page of tasks, newest first, starts: after the task that started then."""

    start_time: int
    task_id: str


@dataclass(frozen=True)
class TaskPage:
    """Some tasks, newest first, how many there are in all, and where the next page starts if there is one."""

    tasks: tuple[TaskSummary, ...]
    total: int
    next: TaskPosition | None


class Tasks(Rows):
    """The tasks at one moment."""

    async def attempt(self, task_id: str, attempt: int | None = None) -> KeptAttempt | None:
        """A task's newest attempt, or the given one; None if there is no such attempt. Takes a task id or uuid."""
        newest = await self._newest_attempt(task_id)
        if newest is None:
            return None
        task_id, task_uuid, newest_attempt = newest
        wanted = attempt if attempt is not None else newest_attempt
        rows = await self.columns(
            select(tables.Attempt).where(col(tables.Attempt.task_id) == task_id, col(tables.Attempt.attempt) == wanted)
        )
        if not rows:
            return None
        row = rows[0]
        return KeptAttempt(
            summary=shaped(TaskSummary, row | {"task_uuid": task_uuid}),
            attempt=wanted,
            newest_attempt=newest_attempt,
            last_task_name=row["last_task_name"],
            data=exact_json(row["data"]),
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
            rows = await self.rows(columns.where(col(key) == run_id))
            if rows:
                return tuple(rows[0])
        return None

    async def _nodes(
        self, task_id: str, attempt: int, results: dict[str, list[DataTestResult]], asset: str | None = None
    ) -> tuple[KeptNode, ...]:
        node = tables.Node
        statement = with_result(select(node)).where(col(node.task_id) == task_id, col(node.attempt) == attempt)
        if asset is not None:
            statement = statement.where(col(node.asset_name) == asset)
        rows = await self.columns(statement.order_by(col(node.order)))
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
        for row in await self.columns(statement.order_by(col(table.ordinal))):
            if row["status"] == DataTestStatus.IN_PROGRESS:
                running.append((row["test_name"], row["asset_name"]))
            else:
                result = shaped(DataTestResult, row, row_count=row["violation_count"] or None)
                results[row["asset_name"]].append(result)
        return results, running

    async def tasks(self, limit: int | None = None, after: TaskPosition | None = None) -> TaskPage:
        """Tasks by start time, newest first."""
        position = tuple_(col(tables.Task.start_time), col(tables.Task.task_id))
        statement = select(tables.Task).order_by(col(tables.Task.start_time).desc(), col(tables.Task.task_id).desc())
        if after is not None:
            statement = statement.where(position < tuple_(after.start_time, after.task_id))
        if limit is not None:
            statement = statement.limit(limit + 1)
        rows = await self.columns(statement)
        shown = rows if limit is None else rows[:limit]
        more = len(rows) > len(shown)
        total = (await self.rows(select(func.count()).select_from(tables.Task)))[0][0]
        return TaskPage(
            tasks=tuple(shaped(TaskSummary, row) for row in shown),
            total=total,
            next=TaskPosition(shown[-1]["start_time"], shown[-1]["task_id"]) if more and shown else None,
        )

    async def failed_tests_in(self, task_ids: Collection[str]) -> dict[str, int]:
        """How many assets of each task failed because of data tests alone; tasks without one are absent."""
        node, task = tables.Node, tables.Task
        newest = (col(node.task_id) == task.task_id) & (col(node.attempt) == task.attempt)
        counts = (
            select(col(node.task_id), func.count().label("assets"))
            .join(task, newest)
            .where(*only_tests_failed())
            .group_by(col(node.task_id))
        )
        found: dict[str, int] = {}
        ids = list(task_ids)
        for start in range(0, len(ids), _IDS):
            some = ids[start : start + _IDS]
            found |= {row.task_id: row.assets for row in await self.rows(counts.where(col(node.task_id).in_(some)))}
        return found

    async def uuids(self, task_id: str | None = None) -> dict[str, str]:
        """The uuid of every task, or of one."""
        task = tables.Task
        query = select(col(task.task_id), col(task.task_uuid))
        rows = await self.rows(query if task_id is None else query.where(col(task.task_id) == task_id))
        return {row.task_id: row.task_uuid for row in rows}

    async def unended_tasks(self) -> tuple[str, ...]:
        """Tasks that have not ended."""
        rows = await self.rows(
            select(col(tables.Task.task_id)).where(col(tables.Task.status) == TaskStatus.IN_PROGRESS)
        )
        return tuple(row.task_id for row in rows)


def _kept_node(row: Columns, results: dict[str, list[DataTestResult]]) -> KeptNode:
    timings = shaped(NodeTimings, row) if row["waiting_ms"] is not None else None
    status = shaped(NodeStatus, row, test_results=tuple(results[row["asset_name"]]), timings=timings)
    facts = NodeFacts(
        rows=row["rows"],
        result=result_of(row),
        has_relation=row["has_relation"],
        carried=row["carried"],
        tests_duration_ms=row["tests_duration_ms"],
    )
    return KeptNode(status, facts)
