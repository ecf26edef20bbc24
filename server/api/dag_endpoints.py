"""`/api/dag`: the graph, running it, the status of tasks (spec, DAG Operations)."""

import base64
import binascii

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.connections import RelationKind
from dagscope.dag.events.status import NodeState, TaskStatus
from dagscope.dag.ground.errors import ProjectInvalid, SelectorInvalid
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.capture import Capture
from dagscope.dag.project.project import Project
from dagscope.dag.run.breakpoints import Breakpoint, BreakpointInvalid, GoOn
from dagscope.dag.run.selector import Selector
from dagscope.server.api.compiled_queries import compiled_query, existing_relations
from dagscope.server.api.task_status import run_body, status_body, task_body
from dagscope.server.http.answers import Refused, ShapeResponse, bad_request, reset_meanwhile
from dagscope.server.http.client_presence import Waiting
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import read_body, read_run, task_id_of, whole_number, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.dag import Dag, DagNode
from dagscope.server.http.shapes.tasks import (
    ContinueRequest,
    ResetDone,
    RetryRequest,
    RunBody,
    RunRequest,
    TaskBody,
    Tasks,
    UnknownTask,
)
from dagscope.server.workspace.files_now import NotLoaded
from dagscope.server.workspace.reload import reload_now
from dagscope.server.workspace.task_planning import NothingToRetry
from dagscope.server.workspace.task_queue import ActiveTask, AssetsAreOthers, NotPaused
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.assets_now import AssetNow
from dagscope.storage.tasks import ShownTask, TaskPosition


async def get_dag(request: Request) -> Response:
    workspace = workspace_of(request)
    project = workspace.project
    async with workspace.reader.moment() as moment:
        now = await moment.assets()
    existing = await existing_relations(request, project, project.assets.values())
    nodes = tuple(_node(project, asset, now.get(asset.name), existing) for asset in project.assets.values())
    dag = Dag(
        project_name=project.name,
        module_name=project.module,
        dag_instance_name=project.instance_name,
        nodes=nodes,
        errors=tuple(project.redaction.text(str(problem)) for problem in workspace.files.problems) or None,
    )
    return ShapeResponse(dag)


def _node(project: Project, asset: Asset, now: AssetNow | None, existing: dict[str, RelationKind]) -> DagNode:
    return DagNode(
        name=asset.name,
        downstreams=project.graph.downstreams[asset.name],
        upstreams=asset.upstreams,
        sql_select_query=project.redaction.text(asset.template.source) if asset.template else "",
        sql_compiled_query=compiled_query(project, asset, now, existing),
        materialization=asset.materialization,
        connection_type=asset.connection_type,
        connection_name=asset.connection,
        is_data_framed=asset.is_data_framed,
        persist_inputs=asset.persist_inputs,
        tests=asset.tests,
        state=now.state if now else NodeState.INITIAL,
        total_tests=len(asset.tests),
        successful_tests=now.successful_tests if now else 0,
        last_execution_duration=now.last_execution_ms if now else 0,
        last_tests_duration=now.last_tests_ms if now else 0,
        description=asset.description,
    )


async def post_run(request: Request) -> Response:
    body = await read_run(request)
    workspace = workspace_of(request)
    project = workspace.loaded_project
    try:
        select = Selector.parse(body.select) if body.select is not None else None
        capture = Capture.parse(body.capture) if body.capture is not None else None
        breakpoints = tuple(Breakpoint(point.asset, point.when) for point in body.breakpoints)
        active = await workspace.tasks.run(
            project, body.task_id, body.data, body.run_tests, body.profile, select, breakpoints, capture
        )
    except SelectorInvalid as error:
        raise bad_request(f"field 'select': {error}") from error
    except BreakpointInvalid as error:
        raise bad_request(f"field 'breakpoints': {error}") from error
    return await _run_answer(workspace, active)


async def _run_answer(workspace: Workspace, active: ActiveTask) -> Response:
    task = await _outcome(workspace, active)
    answer = run_body(task, active.paused_at)
    return ShapeResponse(answer, _RUN_CODES[answer.status])


async def _outcome(workspace: Workspace, active: ActiveTask) -> ShownTask:
    """The task once it has ended, or once a POST has waited long enough."""
    await workspace.wait_for(active.ended)
    async with workspace.reader.moment() as moment:
        task = await moment.shown_task(active.task_id, active.plan.attempt)
    if task is None:
        raise reset_meanwhile()
    return task


_RUN_CODES = {TaskStatus.SUCCESS: 200, TaskStatus.PENDING: 202, TaskStatus.FAILED: 500}


_CANCEL_WAIT_S = 10.0  # interrupting takes no setting's time: what can be stopped has stopped by then


async def post_cancel(request: Request) -> Response:
    workspace, task_id = workspace_of(request), task_id_of(request)
    waiting = Waiting.of(request, _CANCEL_WAIT_S)
    for _ in range(2):  # a task that is accepted between the two looks at it is found by the second ones
        cancelling = await workspace.outlasting.within(
            ("cancel", task_id), lambda: workspace.tasks.cancel(task_id), waiting.deadline_s
        )
        if cancelling is not None and (active := cancelling.result()) is not None:
            return ShapeResponse(task_body(await _outcome(workspace, active)))
        async with workspace.reader.moment() as moment:
            task = await moment.shown_task(task_id)
        if task is None:
            raise Refused(404, UnknownTask(task_id=task_id))
        if cancelling is None:
            return ShapeResponse(task_body(task), 202)
        details = f"it has ended: {task.summary.status}"
        if task.summary.status.is_ended:
            break
    raise Refused(409, Error(error=f"Task {task_id} is not running", details=details))


async def post_retry(request: Request) -> Response:
    workspace, task_id = workspace_of(request), task_id_of(request)
    body = await read_body(request, RetryRequest, may_be_empty=True)
    try:
        active = await workspace.tasks.retry(workspace.loaded_project, task_id, body.profile)
    except NothingToRetry as error:
        raise Refused(409, Error(error="Nothing to retry", details=str(error))) from error
    if active is None:
        raise Refused(404, UnknownTask(task_id=task_id))
    return await _run_answer(workspace, active)


async def post_continue(request: Request) -> Response:
    workspace, task_id = workspace_of(request), task_id_of(request)
    body = await read_body(request, ContinueRequest, may_be_empty=True)
    if body.action is GoOn.AGAIN and workspace.reloads and workspace.tasks.paused_at(task_id):
        await _reload(workspace)
    try:
        active = workspace.tasks.go_on(workspace.project, task_id, body.asset, body.action)
    except (AssetsAreOthers, NotPaused) as error:
        raise Refused(409, Error(error="Nothing to continue", details=str(error))) from error
    async with workspace.reader.moment() as moment:
        task = await moment.shown_task(task_id)
    if task is None:
        raise Refused(404, UnknownTask(task_id=task_id))
    if active is None:
        details = f"it has ended: {task.summary.status}"
        raise Refused(409, Error(error="Nothing to continue", details=details))
    return ShapeResponse(task_body(task, active.paused_at), 202)


async def _reload(workspace: Workspace) -> None:
    """Use the files as they are now: the reload after they were saved may not have come yet."""
    try:
        await reload_now(workspace)
    except ProjectInvalid as error:
        raise NotLoaded(error.problems) from error


async def get_status(request: Request) -> Response:
    workspace, task_id = workspace_of(request), task_id_of(request)
    attempt = whole_number(request, "attempt", least=1)
    async with workspace.reader.moment() as moment:
        task = await moment.shown_task(task_id, attempt)
    if task is None:
        raise Refused(404, UnknownTask(task_id=task_id))
    return ShapeResponse(status_body(workspace, task))


async def get_tasks(request: Request) -> Response:
    limit = whole_number(request, "limit", least=1)
    cursor = request.query_params.get("cursor")
    async with workspace_of(request).reader.moment() as moment:
        page = await moment.tasks(limit, _position(cursor) if cursor is not None else None)
    tasks = Tasks(tasks=page.tasks, total=page.total, cursor=_cursor(page.next) if page.next else None)
    return ShapeResponse(tasks)


def _cursor(position: TaskPosition) -> str:
    text = f"{position.start_time}:{position.task_id}"
    return base64.urlsafe_b64encode(text.encode()).decode("ascii")


def _position(cursor: str) -> TaskPosition:
    try:
        start_time, _, task_id = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(":")
        return TaskPosition(int(start_time), task_id)
    except (ValueError, binascii.Error) as error:
        raise bad_request("'cursor' must be the 'cursor' of an earlier answer") from error


async def post_reset(request: Request) -> Response:
    workspace = workspace_of(request)
    if not await workspace.reset():
        details = "Cannot reset while execution is in progress"
        raise Refused(500, Error(error="Failed to reset DAG state", details=details))
    return ShapeResponse(ResetDone())


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag",
        get_dag,
        "The DAG: its nodes, their SQL, and how they are now.",
        {200: Dag, 503: Error, 504: Error},
    ),
    Endpoint(
        "POST",
        "/api/dag/run",
        post_run,
        "Run the DAG or a part of it as a task, or join the task if it runs; answers within 10 seconds.",
        {200: RunBody, 202: RunBody, 400: Error, 409: Error, 413: Error, 415: Error, 429: Error, 500: RunBody},
        request=RunRequest,
    ),
    Endpoint(
        "GET",
        "/api/dag/status/{task_id:path}",
        get_status,
        "The status of a task's newest attempt, or of a given one.",
        {200: TaskBody, 400: Error, 404: UnknownTask},
        queries=(Query("attempt", "an earlier attempt, counted from 1", "integer", least=1),),
    ),
    Endpoint(
        "POST",
        "/api/dag/cancel/{task_id:path}",
        post_cancel,
        "Interrupt a task that runs or waits; answers once it has ended, and within 10 seconds.",
        {200: TaskBody, 202: TaskBody, 400: Error, 404: UnknownTask, 409: Error},
    ),
    Endpoint(
        "POST",
        "/api/dag/retry/{task_id:path}",
        post_retry,
        "Retry what failed, was skipped or was interrupted, in a new attempt; answers within 10 seconds.",
        {
            200: RunBody,
            202: RunBody,
            400: Error,
            404: UnknownTask,
            409: Error,
            413: Error,
            415: Error,
            429: Error,
            500: RunBody,
        },
        request=RetryRequest,
        request_required=False,
    ),
    Endpoint(
        "POST",
        "/api/dag/continue/{task_id:path}",
        post_continue,
        "Continue a task that holds at a breakpoint; answers at once.",
        {202: TaskBody, 400: Error, 404: UnknownTask, 409: Error, 413: Error, 415: Error},
        request=ContinueRequest,
        request_required=False,
    ),
    Endpoint(
        "GET",
        "/api/dag/tasks",
        get_tasks,
        "Tasks by start time, newest first.",
        {200: Tasks, 400: Error},
        queries=(
            Query("limit", "the maximum number of tasks", "integer", least=1),
            Query("cursor", "the `cursor` of the page before"),
        ),
    ),
    Endpoint(
        "POST",
        "/api/dag/reset",
        post_reset,
        "Delete all tasks, results, frames, run events and logs; the tables in your databases are kept.",
        {200: ResetDone, 500: Error},
    ),
)
