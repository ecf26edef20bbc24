"""Letting go of old tasks, so that the state does not grow for ever.

What the DAG shows now is kept: the tasks that last executed one of its assets, and every task that has not ended.
Positions of what is gone are never given again, and readers that were among them get `reset` (contract, The stream).
"""

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection, TextClause, bindparam, text

from dagscope.dag.ground.clock import iso_time, now_ms
from dagscope.storage.frame_files import FrameFiles
from dagscope.storage.recorder import Recorder

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Retention:
    """How much is kept: tasks no older than `keep_days`, and at most `keep_bytes` of entries, statements and frames."""

    keep_days: float | None = None
    keep_bytes: int | None = None

    @property
    def is_unlimited(self) -> bool:
        return self.keep_days is None and self.keep_bytes is None


@dataclass(frozen=True)
class Pruned:
    """What was let go of, or would be: task ids, oldest first, and the bytes before and after."""

    tasks: tuple[str, ...] = ()
    bytes_before: int = 0
    bytes_after: int = 0


async def prune(
    recorder: Recorder,
    frames: FrameFiles,
    retention: Retention,
    assets: Collection[str] | None,
    dry_run: bool = False,
) -> Pruned:
    """Delete the oldest tasks with all that belongs to them until the rest fits. Raises `RecorderFailed`.

    `assets` are those of the DAG, which it shows; None where they are not known: all then count as shown.
    """
    if retention.is_unlimited:
        return Pruned()
    pruned = Pruned()
    unused: Sequence[str] = ()

    def change(connection: Connection) -> None:
        nonlocal pruned, unused
        pruned = _choose(connection, frames, retention, assets)
        if pruned.tasks and not dry_run:
            unused = _delete(connection, pruned.tasks)
        if retention.keep_days is not None and not dry_run:
            _delete_entries_without_task(connection, retention.keep_days)

    await recorder.change(change)
    await asyncio.to_thread(frames.delete, unused)
    return pruned


def _choose(connection: Connection, frames: FrameFiles, retention: Retention, assets: Collection[str] | None) -> Pruned:
    oldest_kept = now_ms() - retention.keep_days * _DAY_MS if retention.keep_days is not None else 0
    tasks = connection.execute(text(_TASKS_BY_AGE), {"assets": _as_json(assets)}).all()
    frames_of = _frames_by_task(connection)
    owners = Counter(chain.from_iterable(frames_of.values()))
    total = before = sum(task.bytes for task in tasks) + sum(map(frames.size_bytes, owners))
    chosen: list[str] = []
    for task in tasks:
        too_old = task.start_time < oldest_kept
        too_much = retention.keep_bytes is not None and total > retention.keep_bytes
        if task.is_shown or not (too_old or too_much):
            continue
        chosen.append(task.task_id)
        total -= task.bytes
        for digest in frames_of.get(task.task_id, ()):
            owners[digest] -= 1
            total -= 0 if owners[digest] else frames.size_bytes(digest)
    return Pruned(tuple(chosen), before, total)


def _as_json(names: Collection[str] | None) -> str | None:
    return json.dumps(sorted(names)) if names is not None else None


_TASKS_BY_AGE = """
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
    + (SELECT coalesce(sum(length(data)), 0) FROM node_statements WHERE node_statements.task_id = task.task_id) AS bytes
FROM task
ORDER BY start_time, task_id
"""


def _frames_by_task(connection: Connection) -> dict[str, list[str]]:
    """The frames that each task refers to."""
    rows = connection.execute(
        text(
            "SELECT result_digest AS digest, task_id FROM node WHERE result_digest IS NOT NULL "
            "UNION SELECT violations_digest, task_id FROM data_test_result WHERE violations_digest IS NOT NULL"
        )
    )
    frames: dict[str, list[str]] = {}
    for digest, task_id in rows:
        frames.setdefault(task_id, []).append(digest)
    return frames


def _delete(connection: Connection, tasks: Sequence[str]) -> Sequence[str]:
    """Delete tasks; the digests of the frames that nothing refers to any more."""
    newest = 0
    for table in ("status_event", "log_entry", "run_event"):
        position = connection.execute(_of_tasks(f"SELECT max(position) FROM {table}"), {"tasks": tasks})
        newest = max(newest, position.scalar_one() or 0)
        connection.execute(_of_tasks(f"DELETE FROM {table}"), {"tasks": tasks})
    # what no asset of the DAG shows any more
    connection.execute(_of_tasks("DELETE FROM asset_state"), {"tasks": tasks})
    # its nodes, statements and results go with it
    connection.execute(_of_tasks("DELETE FROM task"), {"tasks": tasks})
    connection.execute(text("UPDATE state SET pruned_through = max(pruned_through, :newest)"), {"newest": newest})
    unused = connection.execute(
        text(
            "DELETE FROM frame WHERE digest NOT IN (SELECT result_digest FROM node WHERE result_digest IS NOT NULL) "
            "AND digest NOT IN (SELECT violations_digest FROM data_test_result WHERE violations_digest IS NOT NULL) "
            "RETURNING digest"
        )
    )
    return unused.scalars().all()


def _delete_entries_without_task(connection: Connection, keep_days: float) -> None:
    oldest = iso_time(now_ms() - round(keep_days * _DAY_MS))
    connection.execute(
        text(
            "DELETE FROM log_entry WHERE task_id NOT IN (SELECT task_id FROM task) "
            "AND json_extract(data, '$.time') < :oldest"
        ),
        {"oldest": oldest},
    )


def _of_tasks(statement: str) -> TextClause:
    return text(f"{statement} WHERE task_id IN :tasks").bindparams(bindparam("tasks", expanding=True))
