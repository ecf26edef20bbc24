"""`/api/bundle`: tasks with all that is kept of them, in one file to hand over (docs/bundles.md)."""

from collections.abc import Generator
from contextlib import ExitStack

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.errors import DagscopeError
from dagscope.server.api.asset_data import Rows, RowsResponse
from dagscope.server.api.row_files import Pieces
from dagscope.server.http.answers import Refused, bad_request
from dagscope.server.http.attachments import attachment
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import checked_task_id, is_asked, whole_number, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.workspace.bundles import MOST_TASKS, Asked, NotBundled, bundling_of, chosen_tasks
from dagscope.server.workspace.workspace import Workspace

SUFFIX, MEDIA_TYPE = ".dagscope", "application/zip"


async def get_bundle(request: Request) -> Response:
    workspace, asked = workspace_of(request), _asked(request)
    tasks = await _chosen(workspace, asked)
    chunks = _chunks(workspace, tasks, asked.has_rows)
    resources = ExitStack()
    resources.callback(chunks.close)
    rows = Rows("", chunks, "", resources)
    try:
        await run_in_threadpool(rows.begin)
    except DagscopeError as error:
        await run_in_threadpool(rows.close)
        raise Refused(500, Error(error="The bundle cannot be written", details=str(error))) from error
    return RowsResponse(rows, media_type=MEDIA_TYPE, headers=attachment(f"{tasks[0]}{SUFFIX}"))


def _asked(request: Request) -> Asked:
    tasks = tuple(map(checked_task_id, request.query_params.getlist("taskId")))
    newest = whole_number(request, "tasks", least=1, most=MOST_TASKS)
    if tasks and newest is not None:
        raise bad_request("give 'taskId' or 'tasks', not both")
    if len(tasks) > MOST_TASKS:
        raise bad_request(f"'taskId' can be given {MOST_TASKS} times, found {len(tasks)}")
    return Asked(tasks, newest or 1, has_rows=not is_asked(request, "noRows"))


async def _chosen(workspace: Workspace, asked: Asked) -> tuple[str, ...]:
    try:
        return await chosen_tasks(workspace, asked)
    except NotBundled as error:
        raise Refused(404 if error.is_missing else 409, Error(error=error.title, details=str(error))) from error


def _chunks(workspace: Workspace, tasks: tuple[str, ...], has_rows: bool) -> Generator[bytes]:
    pieces = Pieces()
    for _ in bundling_of(workspace, tasks, has_rows, pieces):
        if pieces.waiting:
            yield pieces.taken()
    yield pieces.taken()


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/bundle",
        get_bundle,
        "Tasks with all that is kept of them in one file, which `dagscope open` shows on any machine.",
        {200: None, 400: Error, 404: Error, 409: Error, 500: Error},
        queries=(
            Query("taskId", "this task; the newest if not given", names_task=True, is_repeated=True),
            Query("tasks", "instead, so many of the newest tasks", "integer", least=1, most=MOST_TASKS),
            Query("noRows", "whether to leave out captured rows and values", "boolean"),
        ),
        media_types=(MEDIA_TYPE,),
        tag="bundle",
    ),
)
