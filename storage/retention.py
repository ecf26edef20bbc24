"""Deleting old tasks, so that the state does not grow without limit.

What the DAG shows now is kept: the tasks that last executed one of its assets, and every task that has not ended. Log
entries without a task, such as those of a drop or a truncate, are kept as long as tasks are, by their age alone.
Positions of what is gone are never given again, and readers that were among them get `reset` (contract, The stream).
"""

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, text, union, update
from sqlmodel import SQLModel, col

from dagscope.dag.ground.clock import iso_time, now_ms
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.storage import tables
from dagscope.storage.recorder import Recorder
from dagscope.storage.retention_limits import Retention

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Pruned:
    """What was deleted, or would be: task ids, oldest first, and how many log entries without a task.

    The bytes are those of the entries, statements and frames of tasks, before and after.
    """

    tasks: tuple[str, ...] = ()
    entries: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


async def prune(
    recorder: Recorder,
    frames: FrameFiles,
    retention: Retention,
    assets: Collection[str] | None,
    dry_run: bool = False,
) -> Pruned:
    """Delete the oldest tasks with all that belongs to them until the rest fits, and old entries without a task.

    `assets` are those of the DAG, which it shows; None where they are not known: all then count as shown.
    A dry run changes nothing. Raises `RecorderFailed`.
    """
    if retention.is_unlimited:
        return Pruned()
    pruned = Pruned()
    unused: Sequence[str] = ()

    def change(connection: Connection) -> None:
        nonlocal pruned, unused
        oldest_ms = _oldest_ms(retention)
        pruned = _choose(connection, frames, retention, oldest_ms, assets)
        if dry_run:
            return
        if pruned.tasks:
            unused = _delete(connection, pruned.tasks)
        if pruned.entries:
            connection.execute(delete(tables.LogEntry).where(_is_without_task(oldest_ms)))
            for statement in _COUNT_ENTRIES_WITHOUT_TASK:
                connection.execute(statement)

    await recorder.change(change)
    await asyncio.to_thread(frames.delete, unused)
    return pruned


def _choose(
    connection: Connection,
    frames: FrameFiles,
    retention: Retention,
    oldest_ms: int,
    assets: Collection[str] | None,
) -> Pruned:
    tasks = connection.execute(_TASKS_BY_AGE, {"assets": _as_json(assets)}).all()
    frames_of = _frames_by_task(connection)
    owners = Counter(chain.from_iterable(frames_of.values()))
    total = before = sum(task.bytes for task in tasks) + sum(map(frames.size_bytes, owners))
    chosen: list[str] = []
    for task in tasks:
        too_old = task.start_time < oldest_ms
        too_much = retention.keep_bytes is not None and total > retention.keep_bytes
        if task.is_shown or not (too_old or too_much):
            continue
        chosen.append(task.task_id)
        total -= task.bytes
        for digest in frames_of.get(task.task_id, ()):
            owners[digest] -= 1
            total -= 0 if owners[digest] else frames.size_bytes(digest)
    entries = connection.execute(select(func.count()).select_from(tables.LogEntry).where(_is_without_task(oldest_ms)))
    return Pruned(tuple(chosen), entries.scalar_one(), before, total)


def _as_json(names: Collection[str] | None) -> str | None:
    return json.dumps(sorted(names)) if names is not None else None


def _oldest_ms(retention: Retention) -> int:
    """Everything before this moment is too old; without a limit, nothing is."""
    return 0 if retention.keep_days is None else int(max(0, now_ms() - retention.keep_days * _DAY_MS))


def _is_without_task(oldest_ms: int) -> ColumnElement[bool]:
    """True for a log entry that belongs to no task and is too old."""
    entry = tables.LogEntry
    has_task = col(entry.task_id).in_(select(col(tables.Task.task_id)))
    return ~has_task & (func.json_extract(col(entry.data), "$.time") < iso_time(oldest_ms))


_COUNT_ENTRIES_WITHOUT_TASK = (
    text("DELETE FROM log_count WHERE task_id NOT IN (SELECT task_id FROM task)"),
    text(
        "INSERT INTO log_count (task_id, attempt, level, entries) SELECT task_id, attempt, level, count(*) "
        "FROM log_entry WHERE task_id NOT IN (SELECT task_id FROM task) GROUP BY task_id, attempt, level"
    ),
)


_TASKS_BY_AGE = text(
    """
WITH shown AS (
    SELECT * FROM asset_state WHERE :assets IS NULL OR asset_name IN (SELECT value FROM json_each(:assets))
)
SELECT
    task.task_id,
    task.start_time,
    task.end_time IS NULL
        OR task.task_id IN (SELECT task_id FROM shown WHERE task_id IS NOT NULL)
        OR task.task_id IN (SELECT relation_task_id FROM shown WHERE relation_task_id IS NOT NULL) AS is_shown,
    (SELECT coalesce(sum(length(data)), 0) FROM status_event WHERE status_event.task_id = task.task_id)
    + (SELECT coalesce(sum(length(data)), 0) FROM log_entry WHERE log_entry.task_id = task.task_id)
    + (SELECT coalesce(sum(length(data)), 0) FROM run_event WHERE run_event.task_id = task.task_id)
    + (SELECT coalesce(sum(length(data)), 0) FROM node_statements WHERE node_statements.task_id = task.task_id)
    + (SELECT coalesce(sum(length(settings) + length(upstreams) + coalesce(length(columns), 0)), 0)
        FROM node_record WHERE node_record.task_id = task.task_id) AS bytes
FROM task
ORDER BY start_time, task_id
"""
)


def _frames_by_task(connection: Connection) -> dict[str, list[str]]:
    """The frames that each task refers to."""
    referring = tables.referring_to("frame.digest")
    pairs = (select(each, each.table.c.task_id).where(each.is_not(None)) for each in referring)
    rows: Sequence[Any] = connection.execute(union(*pairs)).all()
    frames: dict[str, list[str]] = {}
    for digest, task_id in rows:
        frames.setdefault(task_id, []).append(digest)
    return frames


def _delete(connection: Connection, tasks: Sequence[str]) -> Sequence[str]:
    """Delete tasks; returns the digests of the frames that nothing refers to any more."""
    newest = 0
    for table in (tables.StatusEvent, tables.LogEntry, tables.RunEvent):
        is_theirs = col(table.task_id).in_(tasks)
        position = connection.execute(select(func.max(col(table.position))).where(is_theirs))
        newest = max(newest, position.scalar_one() or 0)
        connection.execute(delete(table).where(is_theirs))
    connection.execute(delete(tables.LogCount).where(col(tables.LogCount.task_id).in_(tasks)))
    # what no asset of the DAG shows any more
    connection.execute(delete(tables.AssetState).where(col(tables.AssetState.task_id).in_(tasks)))
    # its nodes, statements, records and results go with it
    connection.execute(delete(tables.Task).where(col(tables.Task.task_id).in_(tasks)))
    pruned_through = func.max(col(tables.State.pruned_through), newest)  # SQLite's max of two values is the greater
    connection.execute(update(tables.State).values(pruned_through=pruned_through))
    connection.execute(delete(tables.Code).where(_is_unused("code")))
    digest = col(tables.Frame.digest)
    return connection.execute(delete(tables.Frame).where(_is_unused("frame")).returning(digest)).scalars().all()


def _is_unused(table: str) -> ColumnElement[bool]:
    """Whether nothing refers to a row of a table whose rows are named by their digests."""
    digest = SQLModel.metadata.tables[table].c.digest
    referring = tables.referring_to(f"{table}.digest")
    return and_(*(digest.not_in(select(each).where(each.is_not(None))) for each in referring))
