"""`GET /api/dag/asset/:name/plans`: the plans of an asset's statements, beside those of its last fast run."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.api.compared_plans import compared_statements, what_is_missing
from dagscope.server.api.merged_plans import LEAST_FACTOR, LEAST_MS, time_change
from dagscope.server.api.statement_endpoints import execution_of
from dagscope.server.http.answers import Refused, ShapeResponse
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import AskedTask, asset_named, asset_or_gone, attempt_of
from dagscope.server.http.request_reading import asked_task_id, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.plans import AssetPlans, PlannedExecution
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.node_records import LOOKED_AT_TASKS
from dagscope.storage.reader import Moment
from dagscope.storage.statements import Execution


async def get_plans(request: Request) -> Response:
    name, asked, against = request.path_params["name"], AskedTask.of_query(request), asked_task_id(request, "against")
    plans = await plans_of(workspace_of(request), name, asked, against)
    return ShapeResponse(plans) if plans is not None else Response(status_code=204)


async def plans_of(workspace: Workspace, name: str, asked: AskedTask, against: str | None) -> AssetPlans | None:
    """The plans of an execution of the asset beside those of the task `against`, by default of the last fast run.

    None if the asset was never executed, or not in the task that is asked for. Raises `Refused`.
    """
    project = workspace.project
    asset_or_gone(project, name, asked)
    async with workspace.reader.moment() as moment:
        task = await asked.find(moment)
        execution = await execution_of(moment, name, task)
        if execution is None:
            asset_named(project, name)
            return None
        now = await _planned(moment, execution)
        earlier = await _earlier(moment, execution, now, against)
        if earlier is None:
            return AssetPlans(asset_name=name, now=now, message=_no_other(now))
        before = await _planned(moment, earlier)
        sent = await moment.statements.sent(execution), await moment.statements.sent(earlier)
    statements = await run_in_threadpool(compared_statements, *sent, project)
    connections = (statement.connection for statement in statements)
    return AssetPlans(
        asset_name=name,
        now=now,
        before=before,
        change=time_change(now.duration_ms, before.duration_ms),
        message=what_is_missing((now, before), connections, project),
        statements=statements,
    )


async def _planned(moment: Moment, execution: Execution) -> PlannedExecution:
    attempt = await attempt_of(moment, execution.task_id, execution.attempt)
    assert execution.state is not None
    return PlannedExecution(
        task_id=execution.task_id,
        attempt=execution.attempt,
        state=execution.state,
        duration_ms=execution.duration_ms,
        profile=attempt.profile,
    )


async def _earlier(
    moment: Moment, execution: Execution, now: PlannedExecution, against: str | None
) -> Execution | None:
    if against is None:
        most_ms = min(now.duration_ms / LEAST_FACTOR, now.duration_ms - LEAST_MS)
        return await moment.statements.last_fast(execution, most_ms)
    task = await attempt_of(moment, against, None)
    found = await execution_of(moment, execution.asset_name, task)
    if found is None:
        details = f"task {against} did not execute {execution.asset_name}"
        raise Refused(404, Error(error="Asset not found in task", details=details))
    return found


def _no_other(now: PlannedExecution) -> str:
    if not now.state.is_ended:
        return f"{now.task_id} is still executing it; its statements are known once it has ended"
    return (
        f"none of the {LOOKED_AT_TASKS} tasks before {now.task_id} executed it with success in clearly less time; "
        "name a task with `against`"
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/plans",
        get_plans,
        "The plans of an asset's statements, operator by operator, beside those of its last fast run.",
        {200: AssetPlans, 204: None, 400: Error, 404: Error},
        queries=(
            Query("taskId", "the execution in this task; the newest if not given", names_task=True),
            Query("attempt", "with taskId: this attempt of it; the newest if not given", "integer", least=1),
            Query("against", "the task to compare with; that of the last fast run if not given", names_task=True),
        ),
        tag="asset",
    ),
)
