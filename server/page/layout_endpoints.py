"""`/api/dag/layout`: where the page draws the assets and edges."""

from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.dag import DagLayout
from dagscope.server.page.layouts import Layouts


async def get_layout(request: Request) -> Response:
    layouts: Layouts = request.app.state.layouts
    answer = await layouts.of(workspace_of(request).project)
    headers = {"ETag": f'"{answer.graph_hash}"'}
    known = request.headers.get("if-none-match", "")
    if any(tag.strip().removeprefix("W/") == headers["ETag"] for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(answer.json, media_type="application/json", headers=headers)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/layout",
        get_layout,
        "Where to draw the assets, stages and edges of the DAG.",
        {200: DagLayout, 304: None},
    ),
)
