"""`GET /api/dag/history`: the newest tasks side by side, for plots and comparisons."""

from msgspec.structs import asdict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import attempt_of
from dagscope.server.http.request_reading import asked_task_id, whole_number, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.tasks import AssetHistory, DagHistory, DataTestHistory, FirstFailure, HistoryTask
from dagscope.storage.task_history import FailureInTask, History, TaskInHistory

DEFAULT_TASKS = 10
MOST_TASKS = 200  # of one answer, which is built in memory with a value for each asset and test of each task


async def get_history(request: Request) -> Response:
    limit = whole_number(request, "limit", least=1, most=MOST_TASKS) or DEFAULT_TASKS
    through = asked_task_id(request)
    async with workspace_of(request).reader.moment() as moment:
        task = await attempt_of(moment, through, None) if through is not None else None
        history = await moment.history.newest(limit, task.summary if task else None)
    return await run_in_threadpool(_answer, history)


def _answer(history: History) -> Response:
    return ShapeResponse(
        DagHistory(
            tasks=tuple(map(_task, history.tasks)),
            assets=tuple(
                AssetHistory(name=each.name, durations_ms=each.numbers, states=each.states) for each in history.assets
            ),
            tests=tuple(
                DataTestHistory(name=each.name, row_counts=each.numbers, statuses=each.states) for each in history.tests
            ),
            has_earlier=history.has_earlier,
        )
    )


def _task(task: TaskInHistory) -> HistoryTask:
    summary = task.summary
    start, end = summary.start_time, summary.end_time
    return HistoryTask(
        **asdict(summary),
        attempt=task.attempt,
        duration_ms=end - start if start is not None and end is not None else None,
        skipped_assets=task.skipped_assets,
        failed_tests=task.failed_tests,
        violating_rows=task.violating_rows,
        first_failure=_first_failure(task.first_failure) if task.first_failure else None,
    )


def _first_failure(failure: FailureInTask) -> FirstFailure:
    return FirstFailure(
        message=failure.message,
        asset_name=failure.asset,
        test_name=failure.test,
        row_count=failure.row_count,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/history",
        get_history,
        "The newest tasks, or those up to a task, oldest first, with what each asset and data test did in them.",
        {200: DagHistory, 400: Error, 404: Error},
        queries=(
            Query("limit", "the number of tasks; 10 by default", "integer", least=1, most=MOST_TASKS),
            Query("taskId", "the newest of these tasks", names_task=True),
        ),
    ),
)
