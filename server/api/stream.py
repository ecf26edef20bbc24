"""`GET /api/events`: everything that happens, as server-sent events that resume (contract, The stream)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import structlog
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dagscope.dag.events.events import EventKind
from dagscope.dag.events.status import TaskSummary
from dagscope.dag.ground.shapes import Shape
from dagscope.server.api.project_endpoints import project_now
from dagscope.server.api.task_status import status_body
from dagscope.server.http.answers import ShapeResponse, bad_request
from dagscope.server.http.direct_lines import line_of
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import asked_task_id, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.tasks import NodeNow, Snapshot, UnknownTask
from dagscope.server.workspace.fan_out import Line
from dagscope.server.workspace.log_pages import PAGE_ENTRIES, Wanted, message, recent_page
from dagscope.server.workspace.stream_places import StreamPlaces
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.reader import Moment, StateUnreadable
from dagscope.storage.tasks import KeptAttempt

_log = structlog.get_logger("dagscope.stream")
RETRY_MS = 2_000
SNAPSHOT_TASKS = 50


async def get_events(request: Request) -> Response:
    workspace = workspace_of(request)
    wanted = _wanted(request)
    position = _last_event_id(request)
    if position is not None and wanted.task_id is not None and await _has_seen_all(workspace, wanted, position):
        return Response(status_code=204)
    return _Stream(
        workspace.stream_places,
        _readable(_messages(workspace, wanted, line_of(request), position)),
        ping=workspace.settings.heartbeat_s,
        ping_message_factory=lambda: ServerSentEvent(comment="still here", sep="\n"),
        sep="\n",
    )


class _Stream(EventSourceResponse):
    """A stream that takes a place while it is open, or 429 if there is none."""

    def __init__(self, places: StreamPlaces, content: AsyncIterator[bytes], **options: Any) -> None:
        super().__init__(content, **options)
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._places.are_taken:
            details = f"{self._places.most} streams are open, the limit that DAGSCOPE_STREAMS sets; try again later"
            await ShapeResponse(Error(error="Too many streams", details=details), 429)(scope, receive, send)
            return
        with self._places.one_taken():
            await super().__call__(scope, receive, send)


def _wanted(request: Request) -> Wanted:
    kinds = request.query_params.get("kinds")
    return Wanted(
        task_id=asked_task_id(request),
        kinds=frozenset(map(_kind, kinds.split(","))) if kinds is not None else None,
    )


def _kind(text: str) -> EventKind:
    try:
        return EventKind(text.strip())
    except ValueError as error:
        raise bad_request(f"'kinds' must be any of {', '.join(EventKind)}, found {text!r}") from error


def _last_event_id(request: Request) -> int | None:
    """The position to resume from; the header takes precedence over the query. Refuses what is no integer with 400."""
    text = request.headers.get("last-event-id") or request.query_params.get("lastEventId")
    if not text:  # an empty one is none: after a 400 an EventSource never comes back
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 4_000):
        raise bad_request(f"'Last-Event-ID' must be an integer, found {text[:50]!r}")
    return int(text)


async def _has_seen_all(workspace: Workspace, wanted: Wanted, position: int) -> bool:
    """Whether the task has ended and no wanted entry follows the position."""
    async with workspace.reader.moment() as moment:
        if not (await moment.log_range()).can_resume_after(position) or position == 0:
            return False
        return await _has_ended(moment, wanted) and not await moment.log_after(
            position, 1, wanted.task_id, wanted.kinds
        )


async def _has_ended(moment: Moment, wanted: Wanted) -> bool:
    if wanted.task_id is None:
        return False
    task = await moment.attempt(wanted.task_id)
    return task is not None and task.summary.status.is_ended


async def _readable(messages: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream; it ends with the reason as a comment where the state cannot be read, and the client comes back."""
    try:
        async for part in messages:
            yield part
    except StateUnreadable as error:
        _log.error("Stream ended", error=str(error))
        yield ServerSentEvent(comment=str(error), sep="\n").encode()


async def _messages(
    workspace: Workspace, wanted: Wanted, line: Line | None, position: int | None
) -> AsyncIterator[bytes]:
    """The stream: a snapshot or the missed entries, then live entries, until the wanted task has ended.

    While the stream waits for more, and its client keeps up, the hub writes entries to its line.
    """
    yield f"retry: {RETRY_MS}\n\n".encode()
    project_changes = workspace.hub.project_changes
    with workspace.hub.opened(wanted, line) as stream:
        while True:
            resets = workspace.hub.resets
            if position is None or not await _can_resume(workspace, position):
                if position is not None:
                    yield message("reset", "{}").encode()
                position, shape = await _snapshot(workspace, wanted)
                yield message("snapshot", shape.to_json(), position).encode()
            may_be_over, limit = True, PAGE_ENTRIES
            while workspace.hub.resets == resets:
                stream.wake.clear()
                if workspace.hub.project_changes != project_changes:
                    project_changes = workspace.hub.project_changes
                    yield workspace.hub.project_message(lambda: message("project", project_now(workspace).to_json()))
                step = await _next_step(workspace, wanted, position, limit)
                position, limit = step.position, step.next_limit
                if step.messages:
                    yield step.messages
                may_be_over |= step.may_be_over
                if step.at_end and may_be_over and await _is_over(workspace, wanted, position):
                    yield message("done", "{}").encode()
                    return
                may_be_over &= not step.at_end
                if step.at_end:
                    position = await stream.waits(position)
            position = -1  # no position before a reset can be resumed from


async def _can_resume(workspace: Workspace, position: int) -> bool:
    async with workspace.reader.moment() as moment:
        return (await moment.log_range()).can_resume_after(position)


async def _snapshot(workspace: Workspace, wanted: Wanted) -> tuple[int, Shape]:
    """The current state, and the position in the log that it corresponds to."""
    async with workspace.reader.moment() as moment:
        position = (await moment.log_range()).last_position
        if wanted.task_id is not None:
            task = await moment.shown_task(wanted.task_id)
            return position, status_body(workspace, task) if task else UnknownTask(task_id=wanted.task_id)
        unended = [await moment.attempt(task_id) for task_id in await moment.unended_tasks()]
        running = [_now(workspace, kept) for kept in unended if kept is not None]
        newest = (await moment.tasks(SNAPSHOT_TASKS)).tasks
        now = await moment.assets()
    tasks = {task.task_id: task for task in (*running, *newest)} | {task.task_id: task for task in running}
    nodes = tuple(
        NodeNow(name=name, state=now[name].state) if name in now else NodeNow(name=name, state="INITIAL")
        for name in workspace.project.assets
    )
    return position, Snapshot(tasks=tuple(tasks.values()), nodes=nodes)


def _now(workspace: Workspace, task: KeptAttempt) -> TaskSummary:
    summary = task.summary
    return summary.changed(paused_at=workspace.tasks.paused_at(summary.task_id, task.attempt))


@dataclass(frozen=True)
class _Step:
    """The wanted entries up to `position`; `at_end` if there are no more yet.

    `may_be_over` only if the wanted task may have ended: finding out takes a database query, which a thousand
    streams cannot afford at every entry.
    """

    messages: bytes
    position: int
    next_limit: int = PAGE_ENTRIES
    at_end: bool = True
    may_be_over: bool = False


async def _next_step(workspace: Workspace, wanted: Wanted, position: int, limit: int) -> _Step:
    newest = workspace.recorder.last_position
    if position >= newest:
        return _Step(b"", position)
    entries = workspace.hub.newer_than(position, PAGE_ENTRIES)
    if entries:
        recent = recent_page(wanted, entries)
        at_end = len(entries) < PAGE_ENTRIES and recent.position == entries[-1].position
        return _Step(recent.messages, recent.position, at_end=at_end, may_be_over=recent.may_be_over)
    page = await workspace.log_pages.after(wanted, position, limit)
    if page.is_full and page.position is not None:
        return _Step(page.messages, page.position, page.next_limit, at_end=False, may_be_over=True)
    return _Step(page.messages, max(newest, page.position or newest), may_be_over=True)


async def _is_over(workspace: Workspace, wanted: Wanted, position: int) -> bool:
    """Whether the wanted task has ended and all of its entries were sent."""
    if wanted.task_id is None:
        return False
    async with workspace.reader.moment() as moment:
        return await _has_ended(moment, wanted) and not await moment.log_after(
            position, 1, wanted.task_id, wanted.kinds
        )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/events",
        get_events,
        "Everything that happens, as server-sent events that resume after `Last-Event-ID`.",
        {200: None, 204: None, 400: Error, 429: Error},
        queries=(
            Query("taskId", "only entries of this task; the stream ends once the task has ended", names_task=True),
            Query("kinds", "only these kinds, comma-separated: task, node, test, log, run_event"),
            Query("lastEventId", "the same as the header Last-Event-ID, which takes precedence", "integer"),
        ),
        media_types=("text/event-stream",),
        tag="stream",
    ),
)
