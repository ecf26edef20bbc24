"""`/api/compare`: what differs between two tasks, and why nodes are red now."""

from collections.abc import Collection
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.api.compare_answers import comparison_body, row_list_body
from dagscope.server.api.row_answers import RowRefusals, unreadable
from dagscope.server.http.answers import Refused, ShapeResponse, bad_request, unread
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import asked_task_id, whole_number, workspace_of
from dagscope.server.http.row_requests import chosen
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.compare import RowsThatDiffer, TasksCompared
from dagscope.server.workspace.compare.comparing_tasks import NotComparable, compare_rows, compare_tasks
from dagscope.server.workspace.compare.row_lists import AskedList, RowChange
from dagscope.server.workspace.reads import Gone, ReadsBusy, TimeLimitReached
from dagscope.server.workspace.workspace import Workspace

DEFAULT_ROWS = 100
MOST_ROWS = 1_000


async def get_compare(request: Request) -> Response:
    before, after = _tasks(request)
    assets = frozenset(request.query_params.getlist("asset")) or None
    return ShapeResponse(await comparison_of(workspace_of(request), before, after, assets, until_gone(request)))


def _tasks(request: Request) -> tuple[str | None, str | None]:
    return asked_task_id(request, "from"), asked_task_id(request, "to")


async def get_rows(request: Request) -> Response:
    before, after = _tasks(request)
    asset = request.query_params.get("asset")
    if not asset:
        raise bad_request("missing parameter 'asset'; name the asset whose rows to compare")
    limit = whole_number(request, "limit", least=1, most=MOST_ROWS) or DEFAULT_ROWS
    change = chosen(request, "change", RowChange) if "change" in request.query_params else None
    asked = AskedList(change, whole_number(request, "offset") or 0, limit)
    return ShapeResponse(await row_list_of(workspace_of(request), asset, before, after, asked, until_gone(request)))


async def row_list_of(
    workspace: Workspace,
    asset: str,
    before: str | None,
    after: str | None,
    asked: AskedList,
    gone: Gone | None = None,
) -> RowsThatDiffer:
    """The rows as `compare_rows` lists them. Refuses what cannot be compared with 404."""
    asked = replace(asked, limit=min(asked.limit, workspace.settings.answer_rows or asked.limit))
    async with RowRefusals(workspace, unreadable):
        try:
            return row_list_body(asset, await compare_rows(workspace, asset, before, after, asked, gone), asked)
        except NotComparable as error:
            raise Refused(404, Error(error=str(error), details=error.details)) from error


async def comparison_of(
    workspace: Workspace,
    before: str | None,
    after: str | None,
    assets: Collection[str] | None = None,
    gone: Gone | None = None,
) -> TasksCompared:
    """The comparison as `compare_tasks` makes it. Refuses tasks that cannot be compared with 404."""
    try:
        return comparison_body(await compare_tasks(workspace, before, after, assets, gone))
    except NotComparable as error:
        raise Refused(404, Error(error=str(error), details=error.details)) from error
    except (ReadsBusy, TimeLimitReached) as error:
        raise Refused(unread(error), Error(error="The tasks cannot be compared", details=str(error))) from error


_FROM = Query(
    "from", "the earlier task; by default the last one in which all assets of the other succeeded", names_task=True
)
_TO = Query("to", "the later task; the newest by default", names_task=True)

ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/compare",
        get_compare,
        "What differs between two tasks, and why nodes are red.",
        {200: TasksCompared, 400: Error, 404: Error, 500: Error, 503: Error, 504: Error},
        queries=(
            _FROM,
            _TO,
            Query("asset", "only this asset, whose rows are then compared however long it takes", is_repeated=True),
        ),
        tag="compare",
    ),
    Endpoint(
        "GET",
        "/api/compare/rows",
        get_rows,
        "The rows of an asset that differ between two tasks, with the cells that changed.",
        {200: RowsThatDiffer, 400: Error, 404: Error, 500: Error, 503: Error, 504: Error},
        queries=(
            Query("asset", "the asset", is_required=True),
            _FROM,
            _TO,
            Query("change", "only these rows", choices=tuple(RowChange)),
            Query("offset", "how many rows to leave out; 0 by default", "integer"),
            Query("limit", "the number of rows; 100 by default", "integer", least=1, most=MOST_ROWS),
        ),
        tag="compare",
    ),
)
