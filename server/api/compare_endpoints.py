"""`/api/compare`: what differs between two tasks, and why nodes are red now."""

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.api.compare_answers import comparison_body
from dagscope.server.http.answers import Refused, ShapeResponse, unread
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import checked_task_id, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.compare import TasksCompared
from dagscope.server.workspace.compare.comparing_tasks import NotComparable, compare_tasks
from dagscope.server.workspace.reads import Gone, ReadsBusy, TimeLimitReached
from dagscope.server.workspace.workspace import Workspace


async def get_compare(request: Request) -> Response:
    before, after = (
        checked_task_id(task) if (task := request.query_params.get(name)) is not None else None
        for name in ("from", "to")
    )
    assets = frozenset(request.query_params.getlist("asset")) or None
    return ShapeResponse(await comparison_of(workspace_of(request), before, after, assets, until_gone(request)))


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


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/compare",
        get_compare,
        "What differs between two tasks, and why nodes are red.",
        {200: TasksCompared, 400: Error, 404: Error, 500: Error, 503: Error, 504: Error},
        queries=(
            Query(
                "from",
                "the earlier task; by default the last one in which all assets of the other succeeded",
                names_task=True,
            ),
            Query("to", "the later task; the newest by default", names_task=True),
            Query("asset", "only this asset, whose rows are then compared however long it takes", is_repeated=True),
        ),
        tag="compare",
    ),
)
