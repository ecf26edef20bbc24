"""The statements that an execution sent to databases (docs/http-api/statements.md)."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.statements import KeptStatements
from dagscope.dag.ground.shapes import Shape
from dagscope.server.api.shown_statements import shown
from dagscope.server.http.answers import around
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import AskedTask, asset_named, asset_or_gone, data_test_named
from dagscope.server.http.request_reading import is_asked, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.code import AssetStatements, DataTestStatements
from dagscope.storage.reader import Moment
from dagscope.storage.statements import Execution
from dagscope.storage.tasks import KeptAttempt


async def get_asset_statements(request: Request) -> Response:
    """Those of the asset's own data tests are among them."""
    project, name, asked = workspace_of(request).project, request.path_params["name"], AskedTask.of_query(request)
    with_tokens = is_asked(request, "tokens")
    asset_or_gone(project, name, asked)
    async with workspace_of(request).reader.moment() as moment:
        execution = await execution_of(moment, name, await asked.find(moment))
        if execution is None:
            asset_named(project, name)
            return Response(status_code=204)
        sent = await moment.statements.sent(execution)
    assert execution.state is not None
    shape = AssetStatements(
        task_id=execution.task_id,
        attempt=execution.attempt,
        asset_name=name,
        state=execution.state,
        statements=(),
        total=sent.total,
    )
    if with_tokens:
        asset = project.assets.get(name)
        sent = await run_in_threadpool(shown, sent, project, (name, *asset.upstreams) if asset else ())
    return _answer(shape, sent)


async def get_test_statements(request: Request) -> Response:
    project, name, asked = workspace_of(request).project, request.path_params["name"], AskedTask.of_query(request)
    with_tokens = is_asked(request, "tokens")
    if asked.task_id is None:  # a task may have run a test that the project no longer has
        data_test_named(project, name)
    async with workspace_of(request).reader.moment() as moment:
        task = await asked.find(moment)
        attempt = (task.summary.task_id, task.attempt) if task else (None, None)
        execution = await moment.statements.execution_of_test(name, *attempt)
        if execution is None:
            data_test_named(project, name)
            return Response(status_code=204)
        sent = await moment.statements.sent(execution)
    own = await run_in_threadpool(sent.of_test, name)
    if with_tokens:
        test = project.tests.get(name)
        own = await run_in_threadpool(shown, own, project, test.references if test else ())
    shape = DataTestStatements(
        task_id=execution.task_id, attempt=execution.attempt, test_name=name, statements=(), total=own.total
    )
    return _answer(shape, own)


async def execution_of(moment: Moment, asset: str, task: KeptAttempt | None) -> Execution | None:
    """The asset's execution in that task, or its newest one if no task is given."""
    if task is not None:
        return await moment.statements.execution(task.summary.task_id, task.attempt, asset)
    now = await moment.asset(asset)
    if now is None or now.task_id is None or now.attempt is None:
        return None
    return await moment.statements.execution(now.task_id, now.attempt, asset)


def _answer(shape: Shape, sent: KeptStatements) -> Response:
    """The statements are sent as they were recorded."""
    head, foot = around(shape, "statements")
    return Response(f"{head}{sent.json}{foot}", media_type="application/json")


_QUERIES = (
    Query("taskId", "those of this task", names_task=True),
    Query("attempt", "with taskId: those of this attempt of it; of the newest if not given", "integer", least=1),
    Query(
        "tokens", "if each statement has highlighted lines, and its profile as a tree; false if not given", "boolean"
    ),
)

ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/statements",
        get_asset_statements,
        "The statements that an asset's newest execution, or the one in a given task, sent to databases.",
        {200: AssetStatements, 204: None, 400: Error, 404: Error},
        queries=_QUERIES,
        tag="asset",
    ),
    Endpoint(
        "GET",
        "/api/tests/{name}/statements",
        get_test_statements,
        "The statements that a data test's newest execution, or the one in a given task, sent to databases.",
        {200: DataTestStatements, 204: None, 400: Error, 404: Error},
        queries=_QUERIES,
        tag="tests",
    ),
)
