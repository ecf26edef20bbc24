"""`/api/dag/asset`: executing one asset, and looking at its data (spec, Asset Operations)."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dag.assets import Asset
from dag.errors import DagscopeError
from dag.frames import Frame, Value
from dag.status import NodeState
from server import asset_data
from server.answers import Refused, ShapeResponse
from server.asset_data import Page, Rows
from server.dag_endpoints import wait_for
from server.endpoint import Endpoint, Query
from server.requests import asset_of, checked_task_id, read_body, whole_number, workspace_of
from server.shapes import AssetData, AssetExecuted, Error, ExecuteRequest, ExecuteResult
from server.workspace import Workspace
from storage.reader import AssetNow, KeptNode, Moment

RESULT_ROWS = 100
"""Rows in the `result` of an execute."""


async def post_execute(request: Request) -> Response:
    body = await read_body(request, ExecuteRequest)
    workspace, asset = workspace_of(request), asset_of(request)
    if asset is None:
        shape = AssetExecuted(
            task_id=body.task_id,
            asset_name=request.path_params["name"],
            status=NodeState.FAILED,
            execution_time_ms=0,
            error="Asset not found in DAG",
        )
        raise Refused(404, shape)
    active = await workspace.tasks.execute(workspace.project, body.task_id, asset.name)
    await wait_for(active.node_ended[asset.name], workspace.settings.post_wait_ms)
    await workspace.recorder.flush()
    async with workspace.reader.moment() as moment:
        task = await moment.task(body.task_id, active.plan.attempt)
        now = await moment.assets()
    node = task.node(asset.name) if task else None
    if node is None:
        raise Refused(500, Error(error="Internal server error", details="the task was reset while it was awaited"))
    over = node.status.state.is_ended or active.ended.is_set()
    return await _executed(workspace, asset, body.task_id, node, now, over)


async def _executed(
    workspace: Workspace, asset: Asset, task_id: str, node: KeptNode, now: dict[str, AssetNow], over: bool
) -> Response:
    status = node.status
    shape = AssetExecuted(
        task_id=task_id,
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
        data = await run_in_threadpool(_result_text, workspace, asset, node, now.get(asset.name), task_id)
    except DagscopeError as error:
        message = workspace.project.redaction.text(f"executed, but its result cannot be read: {error}")
        return ShapeResponse(shape.model_copy(update={"error": message}), 500)
    result = ExecuteResult(rows_affected=node.facts.rows or 0, data=0)
    head, foot = shape.model_copy(update={"result": result}).to_json().split('"data":0', 1)
    return Response(f'{head}"data":{data}{foot}', media_type="application/json")


def _result_text(workspace: Workspace, asset: Asset, node: KeptNode, now: AssetNow | None, task_id: str) -> str:
    found = _find(workspace, asset, node, now, task_id, Page(limit=RESULT_ROWS))
    match found:
        case Rows():
            return found.array_text()
        case Value():
            return workspace.frames.read_json(found.digest)
        case _:
            return "[]"


def _find(
    workspace: Workspace, asset: Asset, node: KeptNode, now: AssetNow | None, task_id: str, page: Page
) -> Rows | Value | None:
    """What is kept of an asset's execution. Raises a `DagscopeError` where it cannot be read."""
    result = node.facts.result
    if isinstance(result, Frame):
        return asset_data.of_frame(asset, result, workspace.frames, page)
    if isinstance(result, Value):
        return result
    if asset_data.relation_answers(node, now, task_id):
        return asset_data.of_relation(asset, workspace.project.connections[asset.connection], page)
    return None


async def get_data(request: Request) -> Response:
    workspace, asset = workspace_of(request), asset_of(request)
    if asset is None:
        raise _no_data(404, request.path_params["name"], "Asset not found in DAG")
    page = Page(whole_number(request, "offset") or 0, whole_number(request, "limit"))
    task_id = request.query_params.get("taskId")
    async with workspace.reader.moment() as moment:
        now = (await moment.assets()).get(asset.name)
        executed = await _execution_of(moment, asset.name, task_id, now)
    if executed is None:
        return Response(status_code=204)
    node, executed_by = executed
    try:
        found = await run_in_threadpool(_find, workspace, asset, node, now, executed_by, page)
        if isinstance(found, Value):
            body = await run_in_threadpool(asset_data.of_value, asset, found, workspace.frames)
            return Response(body, media_type="application/json")
    except DagscopeError as error:
        raise _no_data(500, asset.name, workspace.project.redaction.text(str(error))) from error
    if found is None:
        return Response(status_code=204)
    return StreamingResponse(found.body(), media_type="application/json")


async def _execution_of(
    moment: Moment, asset: str, task_id: str | None, now: AssetNow | None
) -> tuple[KeptNode, str] | None:
    """The node to show and the task it belongs to: the given task's, else that of the newest one that executed it."""
    if task_id is not None:
        task = await moment.task(checked_task_id(task_id))
        if task is None:
            raise _no_data(404, asset, "Task not found")
    elif now is not None and now.task_id is not None:
        task = await moment.task(now.task_id, now.attempt)
    else:
        return None
    node = task.node(asset) if task else None
    return (node, task.summary.task_id) if task and node else None


def _no_data(status_code: int, asset: str, error: str) -> Refused:
    shape = AssetData(asset_name=asset, has_data=False, data_type="", is_data_framed=False, error=error)
    return Refused(status_code, shape)


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
        "GET",
        "/api/dag/asset/{name}/data",
        get_data,
        "The data of an asset as its newest execution, or that of a task, left it.",
        {200: AssetData, 204: None, 400: Error, 404: AssetData, 500: AssetData},
        queries=(
            Query("taskId", "the data as this task left it"),
            Query("offset", "rows to leave out", "integer"),
            Query("limit", "at most so many rows; all without it", "integer"),
        ),
        tag="asset",
    ),
)
