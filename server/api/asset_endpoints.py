"""`/api/dag/asset`: executing one asset, and reading its data (spec, Asset Operations)."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dagscope.dag.events.status import NodeState
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.frames import Frame, Value
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Materialization
from dagscope.server.api import asset_data
from dagscope.server.api.asset_data import Rows, without_data
from dagscope.server.http.answers import Refused, ShapeResponse, around, reset_meanwhile
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import AskedTask, Missing, asset_named
from dagscope.server.http.pages import Page
from dagscope.server.http.request_reading import page_of, read_body, workspace_of
from dagscope.server.http.shapes import AssetData, AssetExecuted, Error, ExecuteRequest, ExecuteResult
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.assets_now import AssetNow
from dagscope.storage.reader import Moment
from dagscope.storage.tasks import KeptAttempt, KeptNode

RESULT_ROWS = 100
"""Rows in the `result` of an execute."""


async def post_execute(request: Request) -> Response:
    return await _execute(request, select=False)


async def post_select(request: Request) -> Response:
    return await _execute(request, select=True)


_WITHOUT_QUERY = {
    Materialization.RAW: "it is a raw asset, written in Python: execute it and read its data",
    Materialization.CUSTOM: "a custom asset's statements run unchanged and may write: use preview to see its relation",
}


async def _execute(request: Request, select: bool) -> Response:
    body = await read_body(request, ExecuteRequest)
    name = request.path_params["name"]

    def unknown(missing: Missing) -> AssetExecuted:
        return AssetExecuted(
            task_id=body.task_id, asset_name=name, status=NodeState.FAILED, execution_time_ms=0, error=missing.error
        )

    workspace = workspace_of(request)
    asset = asset_named(workspace.project, name, unknown)
    if select and asset.materialization in _WITHOUT_QUERY:
        details = _WITHOUT_QUERY[asset.materialization]
        raise Refused(400, Error(error=f'"{name}" has no query to select', details=details))
    active = await workspace.tasks.execute(workspace.project, body.task_id, name, select, body.profile)
    await workspace.wait_for(active.node_ended[name])
    has_ended = active.ended.is_set()  # asked before the state is read: what it says then is no older
    async with workspace.reader.moment() as moment:
        task = await moment.attempt(body.task_id, active.plan.attempt)
        node = await moment.node(body.task_id, task.attempt, name) if task else None
        now = await moment.assets()
    if task is None or node is None:
        raise reset_meanwhile()
    return await _executed(workspace, asset, task, node, now, node.status.state.is_ended or has_ended)


async def _executed(
    workspace: Workspace, asset: Asset, kept: KeptAttempt, node: KeptNode, now: dict[str, AssetNow], over: bool
) -> Response:
    status = node.status
    shape = AssetExecuted(
        task_id=kept.summary.task_id,
        asset_name=asset.name,
        status=status.state,
        start_time=status.start_time,
        end_time=status.end_time,
        execution_time_ms=status.execution_time_ms if over else None,
        error=status.message if over else None,
        upstreams_used=tuple(name for name in sorted(asset.upstreams) if name in now and now[name].task_id),
    )
    if not over:
        return ShapeResponse(shape, 202)
    if status.state is not NodeState.SUCCESS:
        return ShapeResponse(shape, 500)
    try:
        data = await run_in_threadpool(_result_text, workspace, asset, kept, node, now.get(asset.name))
    except DagscopeError as error:
        message = workspace.project.redaction.text(f"executed, but its result cannot be read: {error}")
        return ShapeResponse(shape.model_copy(update={"error": message}), 500)
    result = ExecuteResult(rows_affected=node.facts.rows or 0)
    selected = node.facts.result if status.is_selection else None
    total = selected.rows if isinstance(selected, Frame) else None
    head, foot = around(shape.model_copy(update={"total_records": total}), "result")
    result_head, result_foot = around(result, "data")
    return Response(f"{head}{result_head}{data}{result_foot}{foot}", media_type="application/json")


def _result_text(workspace: Workspace, asset: Asset, kept: KeptAttempt, node: KeptNode, now: AssetNow | None) -> str:
    found = _find(workspace, asset, kept, node, now, Page(limit=RESULT_ROWS))
    match found:
        case Rows():
            return found.array_text()
        case Value():
            return workspace.frames.read_json(found.digest)
        case _:
            return "[]"


def _find(
    workspace: Workspace, asset: Asset, kept: KeptAttempt, node: KeptNode, now: AssetNow | None, page: Page
) -> Rows | Value | None:
    """The kept result of an asset's execution. Raises a `DagscopeError` if it cannot be read."""
    result = node.facts.result
    if isinstance(result, Frame):
        return asset_data.of_frame(asset, result, workspace.frames, page)
    if isinstance(result, Value):
        return result
    if asset_data.relation_answers(node, now, kept.summary.task_id, kept.attempt):
        return asset_data.of_relation(asset, workspace.project.connections[asset.connection], page)
    return None


async def get_data(request: Request) -> Response:
    name = request.path_params["name"]

    def unknown(missing: Missing) -> AssetData:
        return without_data(name, missing.error)

    workspace = workspace_of(request)
    asset = asset_named(workspace.project, name, unknown)
    page, asked = page_of(request), AskedTask.of_query(request)
    async with workspace.reader.moment() as moment:
        now = await moment.asset(name)
        kept = await asked.find(moment, unknown) or await _newest_execution(moment, now)
        node = await moment.node(kept.summary.task_id, kept.attempt, asset.name) if kept else None
    if kept is None or node is None:
        return Response(status_code=204)
    try:
        found = await run_in_threadpool(_find, workspace, asset, kept, node, now, page)
        if isinstance(found, Value):
            body = await run_in_threadpool(asset_data.of_value, asset, found, workspace.frames)
            return Response(body, media_type="application/json")
    except DagscopeError as error:
        raise Refused(500, without_data(name, workspace.project.redaction.text(str(error)))) from error
    if found is None:
        return Response(status_code=204)
    return StreamingResponse(found.body(), media_type="application/json")


async def _newest_execution(moment: Moment, now: AssetNow | None) -> KeptAttempt | None:
    """The attempt that last executed the asset, None if it was never executed."""
    if now is None or now.task_id is None:
        return None
    return await moment.attempt(now.task_id, now.attempt)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/dag/asset/{name}/execute",
        post_execute,
        "Execute one asset and its tests; answers within 10 seconds.",
        {
            200: AssetExecuted,
            202: AssetExecuted,
            400: Error,
            404: AssetExecuted,
            413: Error,
            415: Error,
            500: AssetExecuted,
        },
        request=ExecuteRequest,
        tag="asset",
    ),
    Endpoint(
        "POST",
        "/api/dag/asset/{name}/select",
        post_select,
        "Run an asset's query and keep its rows, writing nothing to the database; answers within 10 seconds.",
        {
            200: AssetExecuted,
            202: AssetExecuted,
            400: Error,
            404: AssetExecuted,
            413: Error,
            415: Error,
            500: AssetExecuted,
        },
        request=ExecuteRequest,
        tag="asset",
    ),
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/data",
        get_data,
        "The data of an asset, as its newest execution or a given task left it.",
        {200: AssetData, 204: None, 400: Error, 404: AssetData, 500: AssetData},
        queries=(
            Query("taskId", "the data as this task left it"),
            Query("attempt", "with taskId: the data as this attempt left it; default: the newest", "integer"),
            Query("offset", "number of rows to skip", "integer"),
            Query("limit", "maximum number of rows; default: all", "integer"),
        ),
        tag="asset",
    ),
)
