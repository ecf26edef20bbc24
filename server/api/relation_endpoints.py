"""`/api/dag/asset/.../drop` and `.../truncate`: dropping or emptying an asset's relation on request."""

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.task_ids import NO_TASK
from dagscope.dag.events.task_log import TaskLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError, UpkeepRefused
from dagscope.dag.model.assets import Asset
from dagscope.dag.run.relation_upkeep import Upkeep, check_upkeep, drop_or_truncate
from dagscope.server.http.answers import Refused, ShapeResponse, bad_request
from dagscope.server.http.between_tasks import between_tasks
from dagscope.server.http.endpoint import Endpoint, Handler
from dagscope.server.http.lookups import Missing, asset_named
from dagscope.server.http.request_reading import read_body, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.assets import RelationChanged, UpkeepRequest
from dagscope.server.workspace.disconnecting import connect_again
from dagscope.server.workspace.workspace import Workspace

_INTERRUPT_AGAIN_S = 0.05


async def post_drop(request: Request) -> Response:
    return await _post_upkeep(request, Upkeep.DROP)


async def post_truncate(request: Request) -> Response:
    return await _post_upkeep(request, Upkeep.TRUNCATE)


async def _post_upkeep(request: Request, upkeep: Upkeep) -> Response:
    body = await read_body(request, UpkeepRequest)
    return ShapeResponse(await change_relation(request, upkeep, body.confirm))


async def change_relation(request: Request, upkeep: Upkeep, confirm: str, task_id: str = NO_TASK) -> RelationChanged:
    """Drop or truncate the relation of the asset that the path names, and log it under `task_id`.

    Refuses if `confirm` is not that name.
    """
    name = request.path_params["name"]

    def unknown(missing: Missing) -> RelationChanged:
        return RelationChanged(asset_name=name, status="FAILED", message=missing.details, error=missing.error)

    workspace = workspace_of(request)
    asset = asset_named(workspace.project, name, unknown)
    if confirm != asset.name:
        raise bad_request(f'\'confirm\' must be "{asset.name}", the asset to {upkeep}, found "{confirm}"')
    log = TaskLog(workspace.emit, workspace.project.redaction, task_id, attempt=0)
    try:
        check_upkeep(asset, upkeep)
        async with between_tasks(workspace, f"Cannot {upkeep} now"):
            message = await _drop_or_truncate(workspace, asset, upkeep)
            log.for_asset(asset.name, asset.connection).warning(message)
            await workspace.recorder.forget_relation(asset.name)
    except UpkeepRefused as error:
        raise Refused(400, Error(error=str(error))) from error
    except DagscopeError as error:
        reason = workspace.project.redaction.text(str(error))
        raise Refused(500, RelationChanged(asset_name=name, status="FAILED", error=reason)) from error
    return RelationChanged(asset_name=asset.name, status="SUCCESS", message=message)


async def _drop_or_truncate(workspace: Workspace, asset: Asset, upkeep: Upkeep) -> str:
    connection = workspace.project.connections[asset.connection]
    connect_again(connection)

    def work(cancellation: Cancellation) -> str:
        with connection.queries(cancellation) as session:
            return drop_or_truncate(session, asset, upkeep)

    limit_ms = workspace.settings.post_wait_ms
    try:
        return await _within(work, limit_ms)
    except Cancelled as error:
        reason = f"the database did not {upkeep} it within {limit_ms / 1000:g} s; nothing was changed, try again later"
        raise DagscopeError(reason) from error


async def _within(work: Callable[[Cancellation], str], limit_ms: int) -> str:
    """The result of the work, which is interrupted when the time is up. Raises what the work raises."""
    cancellation = Cancellation()
    working = asyncio.ensure_future(run_in_threadpool(work, cancellation))
    await asyncio.wait([working], timeout=limit_ms / 1000)
    while not working.done():
        cancellation.request()
        await asyncio.wait([working], timeout=_INTERRUPT_AGAIN_S)
    return working.result()


def _endpoint(upkeep: Upkeep, handler: Handler, summary: str) -> Endpoint:
    return Endpoint(
        "POST",
        f"/api/dag/asset/{{name}}/{upkeep}",
        handler,
        summary,
        {
            200: RelationChanged,
            400: Error,
            404: RelationChanged,
            409: Error,
            413: Error,
            415: Error,
            500: RelationChanged,
        },
        request=UpkeepRequest,
        tag="asset",
    )


ENDPOINTS = (
    _endpoint(Upkeep.DROP, post_drop, "Drop an asset's table or view."),
    _endpoint(Upkeep.TRUNCATE, post_truncate, "Delete all rows of an asset's table."),
)
