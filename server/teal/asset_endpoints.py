"""What is done with an asset, and its data, in Teal's shapes: never an empty answer (docs/teal.md)."""

from dataclasses import replace

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.status import NodeStatus, TaskStatus
from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.frames import Value
from dagscope.dag.ground.json_text import exact_json, json_text
from dagscope.dag.run.relation_upkeep import Upkeep
from dagscope.dag.run.task_plan import Action
from dagscope.server.api.asset_data import Rows, json_rows
from dagscope.server.api.asset_endpoints import act_on_asset
from dagscope.server.api.found_rows import FoundRows
from dagscope.server.api.kept_rows import kept_data
from dagscope.server.api.relation_endpoints import change_relation
from dagscope.server.api.row_answers import rows_answer
from dagscope.server.api.row_json import row_chunks
from dagscope.server.http.answers import Refused, ShapeResponse, around, bad_request, unread
from dagscope.server.http.endpoint import Endpoint, Handler, Query
from dagscope.server.http.lookups import AskedTask
from dagscope.server.http.pages import Page
from dagscope.server.http.request_reading import page_of, read_body, workspace_of
from dagscope.server.http.row_requests import FILTER, SORT
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.assets import AssetExecuted
from dagscope.server.http.shapes.tasks import ExecuteRequest
from dagscope.server.teal.around import reason_of, shape_of
from dagscope.server.teal.shapes import TealData, TealExecution, TealState, TealTaskRequest
from dagscope.storage.tasks import KeptNode

_NOT_KEPT = "the rows of this task are no longer there: a later task wrote the relation, or it was dropped or truncated"


async def post_mutate(request: Request) -> Response:
    return await _act(request, Action.EXECUTE)


async def post_select(request: Request) -> Response:
    return await _act(request, Action.SELECT)


async def post_preview(request: Request) -> Response:
    return await _act(request, Action.PREVIEW)


async def _act(request: Request, action: Action) -> Response:
    body = await read_body(request, ExecuteRequest)
    name = request.path_params["name"]
    try:
        response = await act_on_asset(request, body, action)
    except Refused as refused:
        return ShapeResponse(_failed(body.task_id, name, reason_of(refused)))
    executed = shape_of(response, AssetExecuted)
    if executed is None:  # it succeeded
        return response
    if response.status_code == 202:
        return ShapeResponse(_execution(executed, TealState.IN_PROGRESS), 202)
    async with workspace_of(request).reader.moment() as moment:
        task = await moment.attempt(body.task_id)
        node = await moment.node(task.summary.task_id, task.attempt, name) if task else None
    return ShapeResponse(_execution(executed, _state(node.status) if node else TealState(executed.status)))


def _state(node: NodeStatus) -> TealState:
    """How the asset itself ended. Data tests are no part of a mutate in Teal, whose UI knows no other end of one."""
    return TealState.SUCCESS if node.only_tests_failed else TealState(node.state)


def _execution(executed: AssetExecuted, state: TealState) -> TealExecution:
    return TealExecution.model_validate(executed).model_copy(update={"status": state})


def _failed(task_id: str, asset: str, reason: str) -> TealExecution:
    return TealExecution(
        task_id=task_id,
        asset_name=asset,
        status=TealState.FAILED,
        start_time=now_ms(),
        execution_time_ms=0,
        error=reason,
    )


async def post_drop(request: Request) -> Response:
    return await _change(request, Upkeep.DROP)


async def post_truncate(request: Request) -> Response:
    return await _change(request, Upkeep.TRUNCATE)


async def _change(request: Request, upkeep: Upkeep) -> Response:
    task_id = (await read_body(request, TealTaskRequest)).task_id
    name, began_ms = request.path_params["name"], now_ms()
    try:
        await change_relation(request, upkeep, confirm=name, task_id=task_id)
    except Refused as refused:
        execution = _failed(task_id, name, reason_of(refused))
    else:
        execution = TealExecution(task_id=task_id, asset_name=name, status=TealState.SUCCESS, error="")
    ended_ms = now_ms()
    times = {"start_time": began_ms, "end_time": ended_ms, "execution_time_ms": ended_ms - began_ms}
    return ShapeResponse(execution.model_copy(update=times))


async def get_data(request: Request) -> Response:
    name, asked, page = request.path_params["name"], AskedTask.of_query(request), _page(request)
    if asked.task_id is None:
        raise bad_request("missing query parameter 'taskId'")
    about = TealData(task_id=asked.task_id, asset_name=name, status=TealState.INITIAL)
    workspace = workspace_of(request)
    async with workspace.reader.moment() as moment:
        kept = await moment.attempt(asked.task_id, asked.attempt)
        node = await moment.node(kept.summary.task_id, kept.attempt, name) if kept else None
    if kept is None or node is None:
        unknown = {"status": TealState.FAILED, "error": "Asset not found in DAG"}
        return ShapeResponse(about if name in workspace.project.assets else about.model_copy(update=unknown))
    about = about.model_copy(update=_facts(node))
    if kept.summary.status is TaskStatus.IN_PROGRESS and not node.status.state.is_ended:
        return ShapeResponse(about.model_copy(update={"status": TealState.IN_PROGRESS}), 202)
    if about.status is not TealState.SUCCESS:
        return ShapeResponse(about)
    return await _with_rows(request, about, node, page)


def _page(request: Request) -> Page:
    """The requested rows; a limit of 0 is none."""
    page = page_of(request)
    return replace(page, limit=page.limit or None)


def _facts(node: KeptNode) -> dict[str, object]:
    status = node.status
    return {
        "status": _state(status),
        "start_time": status.start_time,
        "end_time": status.end_time,
        "execution_time_ms": status.execution_time_ms,
        "error": status.message or None,
    }


async def _with_rows(request: Request, about: TealData, node: KeptNode, page: Page) -> Response:
    """The answer with what the asset made, as far as it is kept."""
    data = await kept_data(request)
    if data is None:
        error = about.error or (_NOT_KEPT if node.facts.has_relation else None)
        return ShapeResponse(about.model_copy(update={"error": error}))
    upstreams = data.asset.upstreams if data.asset is not None else ()
    about = about.model_copy(update={"upstreams_used": tuple(upstreams)})
    if isinstance(data.content, Value):
        return await _value_answer(request, about, data.content, page)

    def failed(reason: str) -> TealData:
        return about.model_copy(update={"status": TealState.FAILED, "error": reason})

    return await rows_answer(request, data.content, page, lambda found: _rows(about, found), failed)


def _rows(about: TealData, found: FoundRows) -> Rows:
    columns = tuple(column.name for column in found.columns)
    facts = {"columns": columns, "total_records": found.matching if found.matching is not None else found.total}
    return json_rows(about.model_copy(update=facts), "result", row_chunks(found.batches, columns), found.resources)


async def _value_answer(request: Request, about: TealData, value: Value, page: Page) -> Response:
    workspace = workspace_of(request)
    try:
        text = await run_in_threadpool(workspace.frames.read_json, value.digest)
    except DagscopeError as error:
        reason = workspace.project.redaction.text(str(error))
        raise Refused(unread(error), about.model_copy(update={"status": TealState.FAILED, "error": reason})) from error
    total = 1
    if value.data_type == "array":
        text, total = await run_in_threadpool(_page_of_array, text, page)
    head, foot = around(about.model_copy(update={"total_records": total}), "result")
    return Response(f"{head}{text}{foot}", media_type="application/json")


def _page_of_array(text: str, page: Page) -> tuple[str, int]:
    items = exact_json(text)
    end = page.offset + page.limit if page.limit else None
    return json_text(items[page.offset : end]), len(items)


_ACTED: dict[int, type[BaseModel] | None] = {
    200: TealExecution,
    202: TealExecution,
    400: Error,
    409: Error,
    413: Error,
    415: Error,
    429: Error,
}
_CHANGED: dict[int, type[BaseModel] | None] = {200: TealExecution, 400: Error, 413: Error, 415: Error}


def _act_endpoint(name: str, handler: Handler, summary: str) -> Endpoint:
    return Endpoint(
        "POST",
        f"/api/dag/asset/{{name}}/{name}",
        handler,
        summary,
        {**_ACTED, 500: Error},
        request=ExecuteRequest,
        other_answers=(AssetExecuted,),
        tag="asset",
    )


def _change_endpoint(upkeep: Upkeep, handler: Handler, summary: str) -> Endpoint:
    return Endpoint(
        "POST",
        f"/api/dag/asset/{{name}}/{upkeep}",
        handler,
        summary,
        {**_CHANGED, 500: Error},
        request=TealTaskRequest,
        tag="asset",
    )


ENDPOINTS = (
    _act_endpoint("mutate", post_mutate, "Execute one asset and its tests; answers within 10 seconds."),
    _act_endpoint("select", post_select, "Run an asset's query and keep its rows; answers within 10 seconds."),
    _act_endpoint("preview", post_preview, "Keep the rows of an asset's relation; answers within 10 seconds."),
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/data",
        get_data,
        "The data of an asset as a task left it, and how the asset ended there.",
        {200: TealData, 202: TealData, 400: Error, 500: TealData, 503: TealData, 504: TealData},
        queries=(
            Query("taskId", "the task", is_required=True, names_task=True),
            Query("attempt", "as this attempt of it left it; the newest if not given", "integer", least=1),
            Query("offset", "rows to leave out", "integer", least=0),
            Query("limit", "the maximum number of rows; by default, all", "integer", least=0),
            FILTER,
            SORT,
        ),
        tag="asset",
    ),
    _change_endpoint(Upkeep.DROP, post_drop, "Drop an asset's table or view."),
    _change_endpoint(Upkeep.TRUNCATE, post_truncate, "Delete all rows of an asset's table."),
)
