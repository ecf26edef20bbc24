"""`/api/logs`: the structured log by task (spec, Log Operations). Entries are sent as they were recorded."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.json_text import exact_json, json_text
from dagscope.server.api import log_filters
from dagscope.server.api.log_filters import LogFilters
from dagscope.server.http.answers import Refused, ShapeResponse, around, unread
from dagscope.server.http.attachments import attachment
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import task_id_of, whole_number, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.logs import AllLogs, AllLogsCleared, LogCounts, TaskLogs, TaskLogsCleared
from dagscope.server.workspace.reads import Gone, ReadsBusy, TimeLimitReached
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.log_search import Found, FoundEntry, Window

Done = TypeVar("Done")

_CHUNK_ENTRIES = 2_000


def _with_log_store(request: Request) -> Workspace:
    workspace = workspace_of(request)
    if not workspace.settings.store_logs:
        raise Refused(501, Error(error="Log writer not configured"))
    return workspace


async def get_task_logs(request: Request) -> Response:
    workspace, task_id = _with_log_store(request), task_id_of(request)
    if log_filters.are_used(request):
        return await _found(request, workspace, LogFilters.of_query(request, task_id))
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


async def _found(request: Request, workspace: Workspace, filters: LogFilters) -> Response:
    window = log_filters.window_of(request)

    def page(cancellation: Cancellation) -> Found:
        return workspace.log_search.page(filters.search, filters.levels, window, cancellation)

    found = await _searched(workspace, page, until_gone(request))
    about = TaskLogs(
        task_id=filters.search.task_id,
        logs=(),
        count=len(found.entries),
        offset=found.offset,
        matching=found.matching,
        total=found.total,
        counts=LogCounts(**found.counts),
    )
    head, foot = around(about, "logs")
    return Response(f"{head}[{','.join(map(_placed, found.entries))}]{foot}", media_type="application/json")


def _placed(entry: FoundEntry) -> str:
    """The entry as JSON with its position. A field of its own with that name gets an underscore."""
    data = entry.data
    if '"position":' in data:
        data = json_text({_own_key(key): value for key, value in exact_json(data).items()})
    return f'{data[:-1]},"position":{entry.position}}}'


def _own_key(key: str) -> str:
    return f"{key}_" if key == "position" else key


async def _searched(workspace: Workspace, search: Callable[[Cancellation], Done], gone: Gone | None = None) -> Done:
    try:
        return await workspace.reads.logs.answer(search, gone)
    except (ReadsBusy, TimeLimitReached) as error:
        raise Refused(unread(error), Error(error="The log cannot be searched", details=str(error))) from error


async def get_download(request: Request) -> Response:
    workspace, task_id = _with_log_store(request), task_id_of(request)
    filters = LogFilters.of_query(request, task_id)
    newest = await _searched(workspace, lambda cancellation: workspace.log_search.newest(task_id, cancellation))
    lines = _lines(workspace, filters, newest)
    first = await anext(lines, "")  # a search that fails is answered with its status code
    return StreamingResponse(
        _with_first(first, lines), media_type="application/x-ndjson", headers=attachment(f"{task_id}-log.jsonl")
    )


async def _with_first(first: str, others: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for text in others:
        yield text


async def _lines(workspace: Workspace, filters: LogFilters, newest: int) -> AsyncIterator[str]:
    """All shown entries up to a position, one a line, in texts of a few thousand."""
    window = Window(_CHUNK_ENTRIES, after=0, before=newest + 1)
    while True:
        entries = await _searched(
            workspace,
            lambda cancellation: workspace.log_search.entries(filters.search, filters.levels, window, cancellation),  # noqa: B023  called at once
        )
        if not entries:
            return
        yield "".join(f"{entry.data}\n" for entry in entries)
        window = replace(window, after=entries[-1].position)


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
    if request.path_params["task_id"].endswith("/download"):
        raise HTTPException(405)  # the path of the download, and of no task's log: an id has no slash
    workspace, task_id = _with_log_store(request), task_id_of(request)
    await workspace.recorder.delete_logs(task_id)
    workspace.hub.drop_recent()
    return ShapeResponse(TaskLogsCleared(message=f"Logs cleared for task: {task_id}", task_id=task_id))


async def delete_all_logs(request: Request) -> Response:
    workspace = _with_log_store(request)
    await workspace.recorder.delete_logs(None)
    workspace.hub.drop_recent()
    return ShapeResponse(AllLogsCleared())


ENDPOINTS = (
    Endpoint("GET", "/api/logs", get_all_logs, "All log entries by task.", {200: AllLogs, 501: Error}, tag="logs"),
    Endpoint(
        "DELETE", "/api/logs", delete_all_logs, "Delete all log entries.", {200: AllLogsCleared, 501: Error}, tag="logs"
    ),
    Endpoint(
        "GET",
        "/api/logs/{task_id}/download",
        get_download,
        "The log entries of a task that filters show, as JSON Lines.",
        {200: None, 400: Error, 501: Error, 503: Error, 504: Error},
        queries=(Query("attempt", "only entries of this attempt", "integer", least=1), *log_filters.FILTER_QUERIES),
        media_types=("application/x-ndjson",),
        tag="logs",
    ),
    Endpoint(
        "GET",
        "/api/logs/{task_id:path}",
        get_task_logs,
        "The log entries of a task, oldest first; with filters, also how many there are.",
        {200: TaskLogs, 400: Error, 501: Error, 503: Error, 504: Error},
        queries=(
            Query("attempt", "only those of this attempt", "integer", least=1),
            *log_filters.FILTER_QUERIES,
            *log_filters.PAGE_QUERIES,
            Query(
                "limit",
                "the maximum number of entries, with a cursor for the next ones; by default, all, and 200 with filters",
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
