"""`/api/logs`: the structured log by task (spec, Log Operations). Entries are sent as they were recorded."""

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dagscope.server.http.answers import Refused, ShapeResponse, around
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import task_id_of, whole_number, workspace_of
from dagscope.server.http.shapes import AllLogs, AllLogsCleared, Error, TaskLogs, TaskLogsCleared
from dagscope.server.workspace.workspace import Workspace

_CHUNK_ENTRIES = 2_000


def _with_log_store(request: Request) -> Workspace:
    workspace = workspace_of(request)
    if not workspace.settings.store_logs:
        raise Refused(501, Error(error="Log writer not configured"))
    return workspace


async def get_task_logs(request: Request) -> Response:
    workspace, task_id = _with_log_store(request), task_id_of(request)
    attempt, limit = whole_number(request, "attempt", least=1), whole_number(request, "limit", least=1)
    after = whole_number(request, "cursor") or 0
    if limit is None:
        chunks = _all_of_task(workspace, task_id, attempt, after)
        return StreamingResponse(chunks, media_type="application/json")
    async with workspace.reader.moment() as moment:
        page = await moment.log_entries(task_id, attempt, after, limit)
    about = TaskLogs(
        task_id=task_id, logs=(), count=len(page.entries), cursor=str(page.position), has_more=page.has_more
    )
    head, foot = around(about, "logs")
    return Response(f"{head}[{','.join(page.entries)}]{foot}", media_type="application/json")


async def _all_of_task(workspace: Workspace, task_id: str, attempt: int | None, after: int) -> AsyncIterator[str]:
    """The answer in chunks: a task may have more entries than should be in memory at once."""
    head, _ = around(TaskLogs(task_id=task_id, logs=(), count=0), "logs")
    yield f"{head}["
    count = 0
    async for text, entries in _chunks(workspace, task_id, attempt, after):
        yield text
        count += entries
    _, foot = around(TaskLogs(task_id=task_id, logs=(), count=count), "logs")
    yield f"]{foot}"


async def _chunks(
    workspace: Workspace, task_id: str, attempt: int | None = None, after: int = 0
) -> AsyncIterator[tuple[str, int]]:
    """A task's entries separated by commas, in texts of a few thousand entries, each with their number."""
    comma, has_more = "", True
    while has_more:
        async with workspace.reader.moment() as moment:
            page = await moment.log_entries(task_id, attempt, after, _CHUNK_ENTRIES)
        if page.entries:
            yield comma + ",".join(page.entries), len(page.entries)
            comma = ","
        after, has_more = page.position, page.has_more


async def get_all_logs(request: Request) -> Response:
    return StreamingResponse(_all(_with_log_store(request)), media_type="application/json")


async def _all(workspace: Workspace) -> AsyncIterator[str]:
    """The answer in chunks, task by task."""
    async with workspace.reader.moment() as moment:
        tasks = await moment.logged_tasks()
    head, _ = around(AllLogs(logs={}, task_count=0, total_log_count=0), "logs")
    yield f"{head}{{"
    total = 0
    for number, task_id in enumerate(tasks):
        yield f"{',' if number else ''}{json.dumps(task_id, ensure_ascii=False)}:["
        async for text, entries in _chunks(workspace, task_id):
            yield text
            total += entries
        yield "]"
    _, foot = around(AllLogs(logs={}, task_count=len(tasks), total_log_count=total), "logs")
    yield f"}}{foot}"


async def delete_task_logs(request: Request) -> Response:
    workspace, task_id = _with_log_store(request), task_id_of(request)
    await workspace.recorder.delete_logs(task_id)
    return ShapeResponse(TaskLogsCleared(message=f"Logs cleared for task: {task_id}", task_id=task_id))


async def delete_all_logs(request: Request) -> Response:
    workspace = _with_log_store(request)
    await workspace.recorder.delete_logs(None)
    return ShapeResponse(AllLogsCleared())


ENDPOINTS = (
    Endpoint("GET", "/api/logs", get_all_logs, "All log entries by task.", {200: AllLogs, 501: Error}, tag="logs"),
    Endpoint(
        "DELETE", "/api/logs", delete_all_logs, "Delete all log entries.", {200: AllLogsCleared, 501: Error}, tag="logs"
    ),
    Endpoint(
        "GET",
        "/api/logs/{task_id:path}",
        get_task_logs,
        "The log entries of a task, oldest first.",
        {200: TaskLogs, 400: Error, 501: Error},
        queries=(
            Query("attempt", "only those of this attempt", "integer", least=1),
            Query(
                "limit",
                "the maximum number of entries, with a cursor for the next ones; by default, all",
                "integer",
                least=1,
            ),
            Query("cursor", "only those after the page that gave it", "integer", least=0),
        ),
        tag="logs",
    ),
    Endpoint(
        "DELETE",
        "/api/logs/{task_id:path}",
        delete_task_logs,
        "Delete the log entries of a task.",
        {200: TaskLogsCleared, 400: Error, 501: Error},
        tag="logs",
    ),
)
