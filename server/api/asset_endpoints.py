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
from dagscope.dag.run.task_plan import Action
from dagscope.server.api import asset_data
from dagscope.server.api.asset_data import Rows, Shown, json_rows, no_relation, without_data
from dagscope.server.api.found_rows import FoundRows
from dagscope.server.api.kept_rows import CAPTURED, KeptData, kept_data, relation_answers
from dagscope.server.api.row_answers import array_rows, rows_answer
from dagscope.server.api.row_json import row_chunks
from dagscope.server.http.answers import Refused, ShapeResponse, around, reset_meanwhile, unread
from dagscope.server.http.client_presence import Waiting
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import Missing, asset_named
from dagscope.server.http.pages import Page
from dagscope.server.http.request_reading import page_of, read_body, workspace_of
from dagscope.server.http.row_requests import FILTER, FORMAT, SORT, asked_rows, wants_arrays
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.assets import AssetExecuted, ExecuteResult
from dagscope.server.http.shapes.rows import AssetData, AssetRows
from dagscope.server.http.shapes.tasks import ExecuteRequest
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.assets_now import AssetNow
from dagscope.storage.tasks import KeptAttempt, KeptNode

RESULT_ROWS = 100
"""Rows in the `result` of an execute."""


async def post_execute(request: Request) -> Response:
    return await act_on_asset(request, await read_body(request, ExecuteRequest), Action.EXECUTE)


async def post_select(request: Request) -> Response:
    return await act_on_asset(request, await read_body(request, ExecuteRequest), Action.SELECT)


_WITHOUT_QUERY = {
    Materialization.RAW: "it is a raw asset, written in Python: execute it and read its data",
    Materialization.CUSTOM: "a custom asset's statements run unchanged and may write: use preview to see its relation",
}


async def act_on_asset(request: Request, body: ExecuteRequest, action: Action) -> Response:
    """Do that with the asset that the path names, in the task that the body names; answers within 10 seconds."""
    name = request.path_params["name"]

    def unknown(missing: Missing) -> AssetExecuted:
        return AssetExecuted(
            task_id=body.task_id, asset_name=name, status=NodeState.FAILED, execution_time_ms=0, error=missing.error
        )

    workspace = workspace_of(request)
    asset = asset_named(workspace.loaded_project, name, unknown)
    _refuse_what_cannot_be_read(asset, action)
    waiting = Waiting.of(request)
    active = await waiting.begun(
        body.task_id,
        ("execute", body.task_id, name, action, body.profile),
        lambda: workspace.tasks.execute(workspace.project, body.task_id, name, action, body.profile),
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


def _refuse_what_cannot_be_read(asset: Asset, action: Action) -> None:
    if action is Action.SELECT and asset.materialization in _WITHOUT_QUERY:
        details = _WITHOUT_QUERY[asset.materialization]
        raise Refused(400, Error(error=f'"{asset.name}" has no query to select', details=details))
    if action is Action.PREVIEW and asset.is_raw:
        raise no_relation(asset)


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
    result, page = node.facts.result, Page(limit=min(RESULT_ROWS, workspace.settings.answer_rows or RESULT_ROWS))
    if isinstance(result, Value):
        return await run_in_threadpool(workspace.frames.read_json, result.digest)
    if isinstance(result, Frame):
        return await run_in_threadpool(
            lambda: asset_data.of_frame(Shown.of(asset, asset.name), result, workspace.frames, page).array_text()
        )
    if not relation_answers(node, now, kept.summary.task_id, kept.attempt):
        return "[]"
    connection = workspace.project.connections[asset.connection]

    def read(cancellation: Cancellation) -> str:
        rows = asset_data.of_relation(asset, connection, page, cancellation)
        return rows.array_text() if rows is not None else "[]"

    return await workspace.reads.data.answer(read, waiting.gone, waiting.limit)


async def get_data(request: Request) -> Response:
    name = request.path_params["name"]
    page, as_arrays = page_of(request), wants_arrays(request)
    data = await kept_data(request, lambda missing: without_data(name, missing.error))
    if data is None:
        return Response(status_code=204)
    shown = Shown.of(data.asset, name)
    if isinstance(data.content, Value):
        return await _value_answer(request, data, data.content, shown, as_arrays)

    def failed(reason: str) -> AssetData:
        return without_data(name, reason)

    if as_arrays:
        about, keys = _about_data(shown, data, "dataframe"), data.key_fields
        return await rows_answer(
            request, data.content, page, lambda found: array_rows(about, found, page, keys), failed
        )
    is_filtered = bool(asked_rows(request).filters)
    return await rows_answer(
        request, data.content, page, lambda found: _objects(shown, data, found, page, is_filtered), failed
    )


async def _value_answer(request: Request, data: KeptData, value: Value, shown: Shown, as_arrays: bool) -> Response:
    workspace = workspace_of(request)
    try:
        if not as_arrays:
            body = await run_in_threadpool(asset_data.of_value, shown, value, workspace.frames)
            return Response(body, media_type="application/json")
        text = await run_in_threadpool(workspace.frames.read_json, value.digest)
    except DagscopeError as error:
        shape = without_data(shown.name, workspace.project.redaction.text(str(error)))
        raise Refused(unread(error), shape) from error
    head, foot = around(_about_data(shown, data, value.data_type), "data")
    return Response(f"{head}{text}{foot}", media_type="application/json")


def _about_data(shown: Shown, data: KeptData, data_type: str) -> AssetRows:
    return AssetRows(
        asset_name=shown.name,
        has_data=True,
        data_type=data_type,
        is_data_framed=shown.is_data_framed,
        task_id=data.kept.summary.task_id,
        attempt=data.kept.attempt,
        made_time=data.node.status.end_time,
        relation_rows=data.relation_rows,
    )


def _objects(shown: Shown, data: KeptData, found: FoundRows, page: Page, is_filtered: bool) -> Rows:
    columns = tuple(column.name for column in found.columns)
    about = asset_data.about_rows(shown, found.total, columns, page, found.matching if is_filtered else None)
    about = about.model_copy(update={"relation_rows": data.relation_rows})
    return json_rows(about, "data", row_chunks(found.batches, columns), found.resources)


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
            Query("taskId", "the data as this task left it", names_task=True),
            Query("attempt", "with taskId: as this attempt of it left it; the newest if not given", "integer", least=1),
            Query("offset", "rows to leave out", "integer", least=0),
            Query("limit", "the maximum number of rows; by default, all", "integer", least=0),
            CAPTURED,
            FILTER,
            SORT,
            FORMAT,
        ),
        other_answers=(AssetRows,),
        tag="asset",
    ),
)
