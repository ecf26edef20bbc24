"""Comparing two tasks of a workspace, the newest one by default."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.frames import Frame
from dagscope.server.workspace.compare.comparison import BothTasks, Comparing, Comparison, all_rows, read_both
from dagscope.server.workspace.compare.row_lists import AskedList, RowList, row_list
from dagscope.server.workspace.reads import Gone
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.reader import Moment
from dagscope.storage.tasks import KeptAttempt, KeptTask

_KEEP_ALL = "`capture: all` keeps all rows"

Kept = TypeVar("Kept", bound=KeptAttempt)


class NotComparable(DagscopeError):
    """There are no two such tasks; `details` say which there are."""

    def __init__(self, reason: str, details: str) -> None:
        super().__init__(reason)
        self.details = details


async def compare_tasks(
    workspace: Workspace,
    before: str | None,
    after: str | None,
    assets: Collection[str] | None = None,
    gone: Gone | None = None,
) -> Comparison:
    """Compare two tasks, by default the newest with the last one in which all of its assets were green.

    With `assets`, only these. Raises `NotComparable`, or as `Reads.answer` does.
    """
    await workspace.until_recorded()
    async with workspace.reader.moment() as moment:
        both = await _both(moment, before, after)
    project, queries = workspace.project, workspace.frame_queries

    def work(cancellation: Cancellation) -> Comparison:
        return Comparing(both, project, queries, cancellation, assets).compared()

    return await workspace.reads.frames.answer(work, gone)


@dataclass(frozen=True)
class RowsOfBoth:
    """The rows of an asset that differ between two tasks."""

    before: KeptAttempt
    after: KeptAttempt
    rows: RowList


async def compare_rows(
    workspace: Workspace, asset: str, before: str | None, after: str | None, asked: AskedList, gone: Gone | None = None
) -> RowsOfBoth:
    """List the rows of an asset that differ between two tasks, by default those of `compare_tasks`. Raises as that."""
    await workspace.until_recorded()
    async with workspace.reader.moment() as moment:
        newer = await _attempt(moment, after if after is not None else await _newest(moment))
        older = await _attempt(moment, before if before is not None else await _last_green(moment, newer))
        frames = [await _frame(moment, task, asset) for task in (older, newer)]
    missing = [found for found in frames if isinstance(found, str)]
    if missing:
        raise NotComparable(f"the rows of {asset} cannot be compared", "; ".join(dict.fromkeys(missing)))
    old, new = (frame for frame in frames if isinstance(frame, Frame))
    owner, queries = workspace.project.assets.get(asset), workspace.frame_queries
    key = owner.primary_key_fields if owner is not None else ()

    def work(cancellation: Cancellation) -> RowList:
        return row_list(queries, old, new, key, asked, cancellation)

    return RowsOfBoth(older, newer, await workspace.reads.frames.answer(work, gone))


async def _frame(moment: Moment, task: KeptAttempt, asset: str) -> Frame | str:
    """The frame that holds all rows of the asset as the task left them; else why there is none."""
    task_id = task.summary.task_id
    node = await moment.node(task_id, task.attempt, asset)
    record = (await moment.records.of_task(task_id, task.attempt, asset)).get(asset)
    if node is None or record is None or not node.status.state.is_ended:
        return f"{task_id} did not execute {asset}"
    frame = all_rows(node, record)
    if frame is not None:
        return frame
    if record.note:
        return f"{task_id} kept none of its rows: {record.note}"
    if record.captured is None:
        return f"{task_id} kept none of its rows; {_KEEP_ALL}"
    of = f" of its {record.rows:,}" if record.rows is not None else ""
    return f"{task_id} kept {record.captured.rows:,}{of} rows; {_KEEP_ALL}"


async def _both(moment: Moment, before: str | None, after: str | None) -> BothTasks:
    newer = await _task(moment, after if after is not None else await _newest(moment))
    older = before if before is not None else await _last_green(moment, newer)
    return await read_both(moment, await _task(moment, older), newer)


async def _last_green(moment: Moment, task: KeptAttempt) -> str:
    found = await moment.records.last_green(task.summary.task_id, task.attempt)
    if found is None:
        details = (
            "there is no earlier task in which all of its assets succeeded, with their tests; name one with `from`"
        )
        raise NotComparable(f"nothing to compare {task.summary.task_id} with", details)
    return found


async def _task(moment: Moment, task_id: str) -> KeptTask:
    return _known(await moment.task(task_id), task_id)


async def _attempt(moment: Moment, task_id: str) -> KeptAttempt:
    return _known(await moment.attempt(task_id), task_id)


def _known(task: Kept | None, task_id: str) -> Kept:
    if task is None:
        raise NotComparable("Task not found", f"no task has the id {task_id}; GET /api/dag/tasks lists all tasks")
    return task


async def _newest(moment: Moment) -> str:
    page = await moment.tasks(limit=1)
    if not page.tasks:
        raise NotComparable("Task not found", "no task was run yet")
    return page.tasks[0].task_id
