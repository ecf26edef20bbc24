"""Comparing two tasks of a workspace, the newest one by default."""

from collections.abc import Collection

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError
from dagscope.server.workspace.compare.comparison import BothTasks, Comparing, Comparison, read_both
from dagscope.server.workspace.reads import Gone
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.reader import Moment
from dagscope.storage.tasks import KeptTask


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


async def _both(moment: Moment, before: str | None, after: str | None) -> BothTasks:
    newer = await _task(moment, after) if after is not None else await _newest(moment)
    if before is None:
        before = await moment.records.last_green(newer.summary.task_id, newer.attempt)
        if before is None:
            details = (
                "there is no earlier task in which all of its assets succeeded, with their tests; name one with `from`"
            )
            raise NotComparable(f"nothing to compare {newer.summary.task_id} with", details)
    return await read_both(moment, await _task(moment, before), newer)


async def _task(moment: Moment, task_id: str) -> KeptTask:
    task = await moment.task(task_id)
    if task is None:
        raise NotComparable("Task not found", f"no task has the id {task_id}; GET /api/dag/tasks lists all tasks")
    return task


async def _newest(moment: Moment) -> KeptTask:
    page = await moment.tasks(limit=1)
    if not page.tasks:
        raise NotComparable("Task not found", "no task was run yet")
    return await _task(moment, page.tasks[0].task_id)
