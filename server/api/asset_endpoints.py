"""`/api/dag/asset`: executing one asset, and reading its data (spec, Asset Operations)."""

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.status import NodeState
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.frames import Frame, Value
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Materialization
from dagscope.server.api import asset_data
from dagscope.server.api.asset_data import Rows, RowsResponse, Shown, without_data
from dagscope.server.http.answers import Refused, ShapeResponse, around, reset_meanwhile, unread
from dagscope.server.http.client_presence import Waiting, until_gone
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import AskedTask, Missing, asset_named, asset_or_gone
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
    asset = asset_named(workspace.loaded_project, name, unknown)
    if select and asset.materialization in _WITHOUT_QUERY:
        details = _WITHOUT_QUERY[asset.materialization]
        raise Refused(400, Error(error=f'"{name}" has no query to select', details=details))
    waiting = Waiting.of(request)
    active = await waiting.begun(
        ("execute", body.task_id, name, select, body.profile),
        lambda: workspace.tasks.execute(workspace.project, body.task_id, name, select, body.profile),
    )
    if active is None:
        return ShapeResponse(AssetExecuted(task_id=body.task_id, asset_name=name, status=NodeState.INITIAL), 202)
    await workspace.wait_for(active.end_of(name), waiting.deadline_s)
    has_ended = active.ended.is_set()  # asked before the state is read: what it says then is no older
    async with workspace.reader.moment() as moment:
        task = await moment.attempt(body.task_id, active.plan.attempt)
        node = await moment.node(body.task_id, task.attempt, name) if task else None
        now = await moment.assets()
    if task is None or node is None:
        raise reset_meanwhile()
    return await _executed(workspace, asset, task, node, now, node.status.state.is_ended or has_ended, waiting)


async def _executed(
    workspace: Workspace,
    asset: Asset,
    kept: KeptAttempt,
    node: KeptNode,
    now: dict[str, AssetNow],
    over: bool,
    waiting: Waiting,
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
        data = await _result_text(workspace, asset, kept, node, now.get(asset.name), waiting)
    except DagscopeError as error:
        message = workspace.project.redaction.text(f"executed, but its result cannot be read: {error}")
        return ShapeResponse(shape.model_copy(update={"error": message}), 500)
    result = ExecuteResult(rows_affected=node.facts.rows or 0)
    selected = node.facts.result if status.is_selection else None
    total = selected.rows if isinstance(selected, Frame) else None
    head, foot = around(shape.model_copy(update={"total_records": total}), "result")
    result_head, result_foot = around(result, "data")
    return Response(f"{head}{result_head}{data}{result_foot}{foot}", media_type="application/json")


async def _result_text(
    workspace: Workspace, asset: Asset, kept: KeptAttempt, node: KeptNode, now: AssetNow | None, waiting: Waiting
) -> str:
    """The first rows, or the value, of what an execution made. Raises a `DagscopeError` where it cannot be read."""
    result, page = node.facts.result, Page(limit=RESULT_ROWS)
    if isinstance(result, Value):
        return await run_in_threadpool(workspace.frames.read_json, result.digest)
    if isinstance(result, Frame):
        return await run_in_threadpool(
            lambda: asset_data.of_frame(Shown.of(asset, asset.name), result, workspace.frames, page).array_text()
        )
    if not asset_data.relation_answers(node, now, kept.summary.task_id, kept.attempt):
        return "[]"
    connection = workspace.project.connections[asset.connection]

    def read(cancellation: Cancellation) -> str:
        rows = asset_data.of_relation(asset, connection, page, cancellation)
        return rows.array_text() if rows is not None else "[]"

    return await workspace.reads.data.answer(read, waiting.gone, waiting.limit)


async def get_data(request: Request) -> Response:
    name = request.path_params["name"]

    def unknown(missing: Missing) -> AssetData:
        return without_data(name, missing.error)

    workspace = workspace_of(request)
    page, asked = page_of(request), AskedTask.of_query(request)
    asset = asset_or_gone(workspace.project, name, asked, unknown)
    async with workspace.reader.moment() as moment:
        now = await moment.asset(name)
        kept = await asked.find(moment, unknown) or await _newest_execution(moment, now)
        node = await moment.node(kept.summary.task_id, kept.attempt, name) if kept else None
    if kept is None or node is None:
        if asset is None:
            asset_named(workspace.project, name, unknown)
        return Response(status_code=204)
    try:
        is_kept = node.facts.result is not None
        if not is_kept and asset and asset_data.relation_answers(node, now, kept.summary.task_id, kept.attempt):
            return await _relation_data(request, workspace, asset, page)
        return await _kept_data(workspace, Shown.of(asset, name), node, page)
    except DagscopeError as error:
        shape = without_data(name, workspace.project.redaction.text(str(error)))
        raise Refused(unread(error), shape) from error


async def _kept_data(workspace: Workspace, shown: Shown, node: KeptNode, page: Page) -> Response:
    """What is kept of an asset's execution itself. Raises `FrameDamaged`."""
    result = node.facts.result
    if isinstance(result, Value):
        body = await run_in_threadpool(asset_data.of_value, shown, result, workspace.frames)
        return Response(body, media_type="application/json")
    if isinstance(result, Frame):
        return RowsResponse(await run_in_threadpool(asset_data.of_frame, shown, result, workspace.frames, page))
    return Response(status_code=204)


async def _relation_data(request: Request, workspace: Workspace, asset: Asset, page: Page) -> Response:
    connection, gone = workspace.project.connections[asset.connection], until_gone(request)
    read = await workspace.reads.data.begin(gone)

    def begun() -> Rows | None:
        rows = asset_data.of_relation(asset, connection, page, read.cancellation)
        if rows is not None:
            read.on_end = rows.close
            rows.begin()
        return rows

    try:
        found = await read.run(begun, gone)
    except BaseException:
        read.end()
        raise
    if found is None:
        read.end()
        return Response(status_code=204)
    return RowsResponse(found, read)


async def _newest_execution(moment: Moment, now: AssetNow | None) -> KeptAttempt | None:
    """The attempt that last executed the asset, None if it was never executed."""
    if now is None or now.task_id is None:
        return None
    return await moment.attempt(now.task_id, now.attempt)


_EXECUTED: dict[int, type[BaseModel] | None] = {
    200: AssetExecuted,
    202: AssetExecuted,
    400: Error,
    404: AssetExecuted,
    409: Error,
    413: Error,
    415: Error,
    429: Error,
    500: AssetExecuted,
}

ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/dag/asset/{name}/execute",
        post_execute,
        "Execute one asset and its tests; answers within 10 seconds.",
        _EXECUTED,
        request=ExecuteRequest,
        tag="asset",
    ),
    Endpoint(
        "POST",
        "/api/dag/asset/{name}/select",
        post_select,
        "Run an asset's query and keep its rows, writing nothing to the database; answers within 10 seconds.",
        _EXECUTED,
        request=ExecuteRequest,
        tag="asset",
    ),
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/data",
        get_data,
        "The data of an asset as its newest execution, or that of a task, left it.",
        {200: AssetData, 204: None, 400: Error, 404: AssetData, 500: AssetData, 503: AssetData, 504: AssetData},
        queries=(
            Query("taskId", "the data as this task left it"),
            Query("attempt", "with taskId: as this attempt of it left it; the newest if not given", "integer", least=1),
            Query("offset", "rows to leave out", "integer", least=0),
            Query("limit", "the maximum number of rows; by default, all", "integer", least=0),
        ),
        tag="asset",
    ),
)
