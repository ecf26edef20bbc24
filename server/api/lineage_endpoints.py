"""`/api/dag/asset/.../lineage`: where the columns of an asset come from."""

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.errors import DagscopeError
from dagscope.server.api.column_origins import lineage_answer
from dagscope.server.api.node_query import QueryRefused, template_of
from dagscope.server.http.answers import Refused, ShapeResponse, unread
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.lookups import asset_named
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.lineage import AssetLineage


async def get_asset_lineage(request: Request) -> Response:
    workspace = workspace_of(request)
    project = workspace.project
    asset = asset_named(project, request.path_params["name"])
    try:
        template_of(asset)
        shape = await workspace.reads.relations.answer(
            lambda cancellation: lineage_answer(project, asset, cancellation), until_gone(request)
        )
    except QueryRefused as error:
        raise Refused(400, Error(error=error.message, details=error.details)) from error
    except DagscopeError as error:
        details = project.redaction.text(str(error))
        raise Refused(unread(error), Error(error="The lineage cannot be read", details=details)) from error
    return ShapeResponse(shape)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/lineage",
        get_asset_lineage,
        "The columns of upstreams that each column of an asset comes from, or why that ends.",
        {200: AssetLineage, 400: Error, 404: Error, 500: Error, 503: Error, 504: Error},
        tag="asset",
    ),
)
