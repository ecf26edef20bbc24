"""`/api/dag/asset/.../preview`: a page of an asset's relation as it is in the database now."""

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError
from dagscope.server.api import asset_data
from dagscope.server.api.asset_data import no_relation, without_data
from dagscope.server.api.found_rows import too_many
from dagscope.server.http.answers import Refused, ShapeResponse, bad_request, unread
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.lookups import asset_named
from dagscope.server.http.pages import Page
from dagscope.server.http.request_reading import read_body, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.assets import PreviewRequest
from dagscope.server.http.shapes.rows import AssetData
from dagscope.server.workspace.disconnecting import connect_again

STILL_READ = "still being read: send the same request again to keep waiting"


async def post_preview(request: Request) -> Response:
    body = await read_body(request, PreviewRequest, may_be_empty=True)
    name = request.path_params["name"]
    workspace = workspace_of(request)
    asset = asset_named(workspace.project, name, lambda missing: without_data(name, missing.error))
    if asset.is_raw:
        raise no_relation(asset)
    connection = workspace.project.connections[asset.connection]
    connect_again(connection)
    page = Page(body.offset, rows_of_page(body, workspace.settings.answer_rows), is_reported=True)

    def read(cancellation: Cancellation) -> bytes | None:
        rows = asset_data.of_relation(asset, connection, page, cancellation)
        return rows.whole() if rows is not None else None

    key = (asset.name, id(connection), page)
    answer = await workspace.previews.read(key, read, workspace.settings.post_wait_ms, until_gone(request))
    if answer is None:
        return ShapeResponse(without_data(asset.name, STILL_READ), 202)
    try:
        text = answer.result()
    except DagscopeError as error:
        shape = without_data(asset.name, workspace.project.redaction.text(str(error)))
        raise Refused(unread(error), shape) from error
    return Response(text, media_type="application/json") if text is not None else Response(status_code=204)


def rows_of_page(body: PreviewRequest, most: int | None) -> int:
    """How many rows to read. Refuses more than an answer may have with 400, if they are asked for."""
    if most is None or body.limit <= most:
        return body.limit
    if "limit" in body.model_fields_set:
        raise bad_request(str(too_many(body.limit, most)))
    return most


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/dag/asset/{name}/preview",
        post_preview,
        "A page of an asset's table or view as it is now; answers within 10 seconds.",
        {
            200: AssetData,
            202: AssetData,
            204: None,
            400: Error,
            404: AssetData,
            413: Error,
            415: Error,
            500: AssetData,
            503: AssetData,
            504: AssetData,
        },
        request=PreviewRequest,
        request_required=False,
        tag="asset",
        only_reads=True,
    ),
)
