"""Tasks as runs: their events in pages, and their status in the words of run APIs (contract, Run events).

The newest of a run's events decides its status if the status of the task is not enough: a cancelled task is FAILED, and
a waiting one IN_PROGRESS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal, or_, select, tuple_
from sqlmodel import col

from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.run_events import LoggedRunEvent, RunEventType
from dagscope.dag.events.status import TaskStatus
from dagscope.dag.ground.json_text import exact_json
from dagscope.storage import tables
from dagscope.storage.rows import Rows


class RunStatus(StrEnum):
    """The status of a run: QUEUED waits for another to end, STARTED is running."""

    QUEUED = "QUEUED"
    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELED = "CANCELED"


@dataclass(frozen=True)
class RunKey:
    """Both ids of a run."""

    task_id: str
    task_uuid: str


@dataclass(frozen=True)
class KeptRun:
    """The newest attempt of a run. Times are epoch milliseconds."""

    key: RunKey
    attempt: int
    status: RunStatus
    accepted_ms: int
    ended_ms: int | None
    steps_succeeded: int
    steps_failed: int


@dataclass(frozen=True)
class RunPage:
    """Some runs, newest first, and how many there are in all."""

    runs: tuple[KeptRun, ...]
    total: int


@dataclass(frozen=True, slots=True)
class KeptRunEvent:
    """A run event at its position in the log. `error` is set for the failure of a step."""

    position: int
    event: LoggedRunEvent
    error: ErrorInfo | None


class Runs(Rows):
    """The runs at one moment. Run ids are task ids or task uuids."""

    async def key(self, run_id: str) -> RunKey | None:
        """The run with that id, None if there is no such run. A task id takes precedence."""
        for column in (tables.Task.task_id, tables.Task.task_uuid):
            rows = await self.rows(
                select(col(tables.Task.task_id), col(tables.Task.task_uuid)).where(col(column) == run_id)
            )
            if rows:
                return RunKey(*rows[0])
        return None

    async def events(self, run_id: str, after: int, limit: int) -> tuple[RunKey, list[KeptRunEvent]] | None:
        """At most `limit` run events of all attempts of a run after a position, in order; None if there is no run."""
        values = {"run_id": run_id, "after": after, "limit": limit}
        for statement in (_EVENTS_BY_TASK_ID, _EVENTS_BY_UUID):
            rows = await self.rows(statement, values)
            if rows:
                key = RunKey(rows[0].task_id, rows[0].task_uuid)
                return key, [_kept_event(row.position, row.data) for row in rows if row.position is not None]
        return None

    async def run(self, run_id: str) -> KeptRun | None:
        """One run, None if no run has that id."""
        key = await self.key(run_id)
        if key is None:
            return None
        rows = await self.rows(_RUNS.where(col(tables.Task.task_id) == key.task_id))
        return _kept_run(rows[0])

    async def data(self, key: RunKey, attempt: int) -> dict[str, Any]:
        """The input that an attempt was started with."""
        rows = await self.rows(
            select(col(tables.Attempt.data)).where(
                col(tables.Attempt.task_id) == key.task_id, col(tables.Attempt.attempt) == attempt
            )
        )
        return dict(exact_json(rows[0].data)) if rows else {}

    async def count_events(self, key: RunKey, attempt: int, types: Sequence[RunEventType]) -> list[int]:
        """How many run events of each type an attempt has."""
        table = tables.RunEvent
        rows = await self.rows(
            select(col(table.event_type), func.count())
            .where(col(table.task_id) == key.task_id, col(table.attempt) == attempt, col(table.event_type).in_(types))
            .group_by(col(table.event_type))
        )
        counts = {row[0]: row[1] for row in rows}
        return [counts.get(type_, 0) for type_ in types]

    async def page(self, statuses: Sequence[RunStatus] | None, after: KeptRun | None, limit: int) -> RunPage:
        """At most `limit` runs that started before `after`, newest first; only with those statuses, if given."""
        wanted: list[ColumnElement[bool]] = [_STATUS.in_(statuses)] if statuses else []
        total = (await self.rows(select(func.count()).select_from(tables.Task).where(*wanted)))[0][0]
        position = tuple_(col(tables.Task.start_time), col(tables.Task.task_id))
        if after is not None:
            wanted.append(position < tuple_(literal(after.accepted_ms), literal(after.key.task_id)))
        newest_first = (col(tables.Task.start_time).desc(), col(tables.Task.task_id).desc())
        rows = await self.rows(_RUNS.where(*wanted).order_by(*newest_first).limit(limit))
        return RunPage(tuple(map(_kept_run, rows)), total)


def _events_by(key: Any) -> Select[*tuple[Any, ...]]:
    """A run and its events, in one statement: each costs several hops between threads, far more than its rows."""
    table = tables.RunEvent
    of_run = and_(col(table.task_id) == col(tables.Task.task_id), col(table.position) > bindparam("after"))
    return (
        select(
            col(tables.Task.task_id),
            col(tables.Task.task_uuid),
            col(table.position),
            col(table.data),
        )
        .select_from(tables.Task)
        .outerjoin(table, of_run)
        .where(col(key) == bindparam("run_id"))
        .order_by(col(table.position))
        .limit(bindparam("limit"))
    )


_EVENTS_BY_TASK_ID, _EVENTS_BY_UUID = _events_by(tables.Task.task_id), _events_by(tables.Task.task_uuid)

_TERMINAL = (RunEventType.RUN_SUCCESS, RunEventType.RUN_FAILURE, RunEventType.RUN_CANCELED)

_NEWEST_EVENT: ColumnElement[str | None] = (
    select(col(tables.RunEvent.event_type))
    .where(col(tables.RunEvent.task_id) == col(tables.Task.task_id))
    .order_by(col(tables.RunEvent.position).desc())
    .limit(1)
    .correlate(tables.Task)
    .scalar_subquery()
)

_IS_FAILED = col(tables.Task.status) == TaskStatus.FAILED
_STATUS: ColumnElement[str] = case(
    (col(tables.Task.status) == TaskStatus.SUCCESS, RunStatus.SUCCESS.value),
    (and_(_IS_FAILED, _NEWEST_EVENT == RunEventType.RUN_CANCELED), RunStatus.CANCELED.value),
    (_IS_FAILED, RunStatus.FAILURE.value),
    (or_(_NEWEST_EVENT.is_(None), _NEWEST_EVENT.in_(_TERMINAL)), RunStatus.QUEUED.value),
    else_=RunStatus.STARTED.value,
)

_RUNS = select(
    col(tables.Task.task_id),
    col(tables.Task.task_uuid),
    col(tables.Task.attempt),
    _STATUS.label("run_status"),
    col(tables.Task.start_time),
    col(tables.Task.end_time),
    col(tables.Task.completed_assets),
    col(tables.Task.failed_assets),
)


def _kept_run(row: Any) -> KeptRun:
    return KeptRun(
        key=RunKey(row.task_id, row.task_uuid),
        attempt=row.attempt,
        status=RunStatus(row.run_status),
        accepted_ms=row.start_time,
        ended_ms=row.end_time,
        steps_succeeded=row.completed_assets,
        steps_failed=row.failed_assets,
    )


class _Logged(LoggedRunEvent, frozen=True, kw_only=True):
    """A run event as it is stored in the log."""

    error: ErrorInfo | None = None


_logged = msgspec.json.Decoder(_Logged).decode


def _kept_event(position: int, data: str) -> KeptRunEvent:
    logged = _logged(data)
    return KeptRunEvent(position, logged, logged.error)
