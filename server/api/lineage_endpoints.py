"""`/api/dag/asset/.../lineage` and `trace`: where the columns and the rows of an asset come from."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.model.assets import Asset
from dagscope.dag.project.project import Project
from dagscope.server.api.column_origins import lineage_answer
from dagscope.server.api.column_ways import way_answer
from dagscope.server.api.node_query import template_of
from dagscope.server.api.preview_endpoints import STILL_READ
from dagscope.server.api.query_refusals import query_refusals
from dagscope.server.api.row_traces import trace
from dagscope.server.http.answers import ShapeResponse, bad_request
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import asset_named
from dagscope.server.http.request_reading import read_body, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.lineage import AssetLineage, ColumnWay, RowTrace, TraceRequest
from dagscope.server.workspace.disconnecting import connect_again


async def get_asset_lineage(request: Request) -> Response:
    return await _followed(request, lineage_answer)


async def get_column_way(request: Request) -> Response:
    column = request.query_params.get("column")
    if not column:
        raise bad_request("missing parameter 'column'; name a column of the asset")
    return await _followed(
        request, lambda project, asset, cancellation: way_answer(project, asset, column, cancellation)
    )


async def _followed(request: Request, answer: Callable[[Project, Asset, Cancellation], Shape]) -> Response:
    workspace = workspace_of(request)
    project = workspace.project
    asset = asset_named(project, request.path_params["name"])
    with query_refusals(project, "The lineage cannot be read"):
        template_of(asset)
        shape = await workspace.reads.relations.answer(
            lambda cancellation: answer(project, asset, cancellation), until_gone(request)
        )
    return ShapeResponse(shape)


async def post_trace(request: Request) -> Response:
    body = await read_body(request, TraceRequest)
    workspace = workspace_of(request)
    project = workspace.project
    asset = asset_named(project, request.path_params["name"])

    def read(cancellation: Cancellation) -> bytes | None:
        return trace(project, asset, body, cancellation).to_json().encode()

    with query_refusals(project, "The rows cannot be read"):
        template_of(asset)
        connect_again(project.connections[asset.connection])
        key = ("trace", asset.name, id(project), body.to_json())
        answer = await workspace.previews.read(key, read, workspace.settings.post_wait_ms, until_gone(request))
        if answer is None:
            return ShapeResponse(Error(error="Not finished yet", details=STILL_READ), 202)
        return Response(answer.result(), media_type="application/json")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/lineage",
        get_asset_lineage,
        "The columns of upstreams that each column of an asset comes from, or why that ends.",
        {200: AssetLineage, 400: Error, 404: Error, 500: Error, 503: Error, 504: Error},
        tag="asset",
    ),
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/lineage/way",
        get_column_way,
        "All columns of the DAG that a column comes from, and all that come from it.",
        {200: ColumnWay, 400: Error, 404: Error, 500: Error, 503: Error, 504: Error},
        queries=(Query("column", "the column of the asset", is_required=True),),
        tag="asset",
    ),
    Endpoint(
        "POST",
        "/api/dag/asset/{name}/trace",
        post_trace,
        "The rows of upstreams that a row can come from, and those of downstreams; answers within 10 seconds.",
        {
            200: RowTrace,
            202: Error,
            400: Error,
            404: Error,
            413: Error,
            415: Error,
            500: Error,
            503: Error,
            504: Error,
        },
        request=TraceRequest,
        tag="asset",
        only_reads=True,
    ),
)
