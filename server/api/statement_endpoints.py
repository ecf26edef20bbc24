"""What nodes sent to databases: the statements of an execution (docs/http-api/statements.md)."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.answers import Refused
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.requests import asset_of, checked_task_id, whole_number, workspace_of
from dagscope.server.http.shapes import AssetStatements, DataTestStatements, Error
from dagscope.storage.reader import KeptAttempt, Moment
from dagscope.storage.statements import Execution, Sent


async def get_asset_statements(request: Request) -> Response:
    """Those of the asset's own data tests are among them."""
    asset = asset_of(request)
    if asset is None:
        raise Refused(404, Error(error="Asset not found in DAG"))
    async with workspace_of(request).reader.moment() as moment:
        execution = await _execution(moment, asset.name, await _asked_task(request, moment))
        if execution is None:
            return Response(status_code=204)
        sent = await moment.statements.sent(execution)
    assert execution.state is not None
    shape = AssetStatements(
        task_id=execution.task_id,
        attempt=execution.attempt,
        asset_name=asset.name,
        state=execution.state,
        statements=(),
        total=sent.total,
    )
    return _answer(shape, sent)


async def get_test_statements(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in workspace_of(request).project.tests:
        raise Refused(404, Error(error="Test not found"))
    async with workspace_of(request).reader.moment() as moment:
        task = await _asked_task(request, moment)
        asked = (task.summary.task_id, task.attempt) if task else (None, None)
        execution = await moment.statements.execution_of_test(name, *asked)
        if execution is None:
            return Response(status_code=204)
        sent = await moment.statements.sent(execution)
    own = await run_in_threadpool(sent.of_test, name)
    shape = DataTestStatements(
        task_id=execution.task_id, attempt=execution.attempt, test_name=name, statements=(), total=own.total
    )
    return _answer(shape, own)


async def _asked_task(request: Request, moment: Moment) -> KeptAttempt | None:
    """The task and attempt of the query, None where none is named. Refuses with 404 one that is not known."""
    attempt = whole_number(request, "attempt", least=1)
    task_id = request.query_params.get("taskId")
    if task_id is None:
        return None
    task = await moment.attempt(checked_task_id(task_id), attempt)
    if task is None:
        raise Refused(404, Error(error="Task not found"))
    return task


async def _execution(moment: Moment, asset: str, task: KeptAttempt | None) -> Execution | None:
    """The asset's execution in that task, else its newest one."""
    if task is not None:
        return await moment.statements.execution(task.summary.task_id, task.attempt, asset)
    now = await moment.asset(asset)
    if now is None or now.task_id is None or now.attempt is None:
        return None
    return await moment.statements.execution(now.task_id, now.attempt, asset)


def _answer(shape: Shape, sent: Sent) -> Response:
    """The statements are sent as they were recorded."""
    head, foot = shape.to_json().rsplit('"statements":[]', 1)
    return Response(f'{head}"statements":{sent.data}{foot}', media_type="application/json")


_QUERIES = (
    Query("taskId", "those of this task"),
    Query("attempt", "with taskId: those of this attempt of it; of the newest if not given", "integer"),
)

ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/statements",
        get_asset_statements,
        "The statements that an asset's newest execution, or that of a task, sent to databases.",
        {200: AssetStatements, 204: None, 400: Error, 404: Error},
        queries=_QUERIES,
        tag="asset",
    ),
    Endpoint(
        "GET",
        "/api/tests/{name}/statements",
        get_test_statements,
        "The statements that a data test's newest execution, or that of a task, sent to databases.",
        {200: DataTestStatements, 204: None, 400: Error, 404: Error},
        queries=_QUERIES,
        tag="tests",
    ),
)
