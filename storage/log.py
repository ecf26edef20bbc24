"""The log: entries of all kinds after a position, for streams, and a task's log entries in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Executable, Select, bindparam, func, literal_column, select, union_all
from sqlmodel import col

from dagscope.dag.events.events import EventKind
from dagscope.dag.ground.clock import epoch_ms
from dagscope.storage import tables
from dagscope.storage.projection import Recorded
from dagscope.storage.rows import Rows


@dataclass(frozen=True)
class LogPage:
    """Some log entries as JSON texts, oldest first, the position of the last of them, and whether there are more."""

    entries: tuple[str, ...]
    position: int
    has_more: bool


@dataclass(frozen=True)
class LogRange:
    """The positions that the log holds: those above `pruned_through`, up to `last_position`."""

    pruned_through: int
    last_position: int

    def can_resume_after(self, position: int) -> bool:
        """Whether nothing is missing after this position; 0 means from the start."""
        return position == 0 or self.pruned_through <= position <= self.last_position


class Log(Rows):
    """The log at one moment."""

    async def log_range(self) -> LogRange:
        row = (await self.rows(select(col(tables.State.pruned_through), col(tables.State.last_position))))[0]
        return LogRange(row.pruned_through, row.last_position)

    async def log_after(
        self, position: int, limit: int, task_id: str | None = None, kinds: frozenset[EventKind] | None = None
    ) -> Sequence[Recorded]:
        """At most `limit` entries of the log after a position, in order."""
        if kinds is not None and not kinds:
            return []
        statement = _log_statement(task_id is not None, kinds)
        values = {"position": position, "limit": limit, "task_id": task_id}
        return [Recorded(*row) for row in await self.rows(statement, values)]

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
        rows = await self.rows(statement)
        shown = rows[:limit]
        reached = shown[-1].position if shown else after
        return LogPage(tuple(row.data for row in shown), reached, has_more=len(rows) > len(shown))

    async def last_time_ms(self) -> int:
        """The time of the newest log entry or run event, in epoch milliseconds; 0 if there is none."""
        entry, event = tables.LogEntry, tables.RunEvent
        newest_entry = select(func.json_extract(entry.data, "$.time")).order_by(col(entry.position).desc()).limit(1)
        newest_event = select(col(event.timestamp)).order_by(col(event.position).desc()).limit(1)
        found = [row[0] for statement in (newest_entry, newest_event) for row in await self.rows(statement)]
        return max((epoch_ms(time) for time in found), default=0)

    async def logged_tasks(self) -> tuple[str, ...]:
        """The tasks that have log entries, in the order of their first ones."""
        entry = tables.LogEntry
        tasks = select(col(entry.task_id)).group_by(col(entry.task_id)).order_by(func.min(col(entry.position)))
        return tuple(row.task_id for row in await self.rows(tasks))


_KINDS_OF_TABLE: dict[type[tables.LogColumns], frozenset[EventKind]] = {
    tables.StatusEvent: frozenset({EventKind.TASK, EventKind.NODE, EventKind.TEST}),
    tables.LogEntry: frozenset({EventKind.LOG}),
    tables.RunEvent: frozenset({EventKind.RUN_EVENT}),
}


@cache  # a stream that replays reads thousands of pages, and building the statement takes as long as running it
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
