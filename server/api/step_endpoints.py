"""`POST .../steps`: the CTEs and subqueries of an asset or a data test, and how many rows each step has."""

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.server.api.node_query import template_of
from dagscope.server.api.preview_endpoints import STILL_READ, rows_of_page
from dagscope.server.api.query_refusals import query_refusals
from dagscope.server.api.query_steps import AskedSteps, steps_answer
from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.lookups import asset_named, data_test_named
from dagscope.server.http.pages import Page
from dagscope.server.http.request_reading import read_body, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.steps import Steps, StepsRequest
from dagscope.server.workspace.disconnecting import connect_again

_FAILED = "The steps cannot be read"


async def post_asset_steps(request: Request) -> Response:
    body = await read_body(request, StepsRequest, may_be_empty=True)
    return await _steps(request, asset_named(workspace_of(request).project, request.path_params["name"]), body)


async def post_test_steps(request: Request) -> Response:
    body = await read_body(request, StepsRequest, may_be_empty=True)
    return await _steps(request, data_test_named(workspace_of(request).project, request.path_params["name"]), body)


async def _steps(request: Request, node: Asset | DataTest, body: StepsRequest) -> Response:
    workspace = workspace_of(request)
    project = workspace.project
    page = Page(body.offset, rows_of_page(body, workspace.settings.answer_rows))
    asked = AskedSteps(body.count, body.step, page)
    with query_refusals(project, _FAILED):
        template_of(node)
    if asked.count or asked.step is not None:
        connect_again(project.connections[node.connection])

    def read(cancellation: Cancellation) -> bytes | None:
        return steps_answer(project, node, asked, cancellation)

    key = ("steps", type(node), node.name, id(project), asked)
    answer = await workspace.previews.read(key, read, workspace.settings.post_wait_ms, until_gone(request))
    if answer is None:
        return ShapeResponse(Error(error="Not finished yet", details=STILL_READ), 202)
    with query_refusals(project, _FAILED):
        return Response(answer.result(), media_type="application/json")


_RESPONSES: dict[int, type[BaseModel] | None] = {
    200: Steps,
    202: Error,
    400: Error,
    404: Error,
    413: Error,
    415: Error,
    500: Error,
    503: Error,
    504: Error,
}

ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/dag/asset/{name}/steps",
        post_asset_steps,
        "The CTEs, subqueries and clauses of an asset's query; counts them, or runs one; answers within 10 seconds.",
        _RESPONSES,
        request=StepsRequest,
        request_required=False,
        tag="asset",
        only_reads=True,
    ),
    Endpoint(
        "POST",
        "/api/tests/{name}/steps",
        post_test_steps,
        "The CTEs, subqueries and clauses of a data test's query; counts them, or runs one; answers within 10 seconds.",
        _RESPONSES,
        request=StepsRequest,
        request_required=False,
        tag="tests",
        only_reads=True,
    ),
)
