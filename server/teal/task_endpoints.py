"""The DAG and its tasks in Teal's shapes: plain names of assets, and TESTS_FAILED (docs/teal.md)."""

from functools import partial

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.status import TaskStatus
from dagscope.dag.ground.errors import TemplateFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project
from dagscope.server.api import dag_endpoints
from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.endpoint import Handler
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.dag import Dag, DagNode
from dagscope.server.http.shapes.tasks import TaskBody, Tasks
from dagscope.server.teal.around import in_place_of, shape_of
from dagscope.server.teal.shapes import TealDag, TealDagNode, TealRun, TealState, TealTask, TealTasks
from dagscope.server.teal.statuses import teal_summary, teal_task

_PLACES = TaskValues("{{ TaskID }}", "{{ TaskUUID }}", "{{ InstanceName }}", "{{ InstanceUUID }}")
"""What only a run knows stands in a query as it is written."""


async def get_dag(request: Request) -> Response:
    workspace = workspace_of(request)
    project = workspace.project
    response = await dag_endpoints.get_dag(request)
    dag = shape_of(response, Dag)
    if dag is None:
        return response
    async with workspace.reader.moment() as moment:
        with_failed_tests = await moment.with_failed_tests()
    groups = _groups(project)
    nodes = tuple(_node(project, node, node.name in with_failed_tests, groups.get(node.name, 0)) for node in dag.nodes)
    return ShapeResponse(
        TealDag(
            project_name=dag.project_name,
            module_name=dag.module_name,
            dag_instance_name=dag.project_name,
            nodes=nodes,
            errors=dag.errors,
        )
    )


def _node(project: Project, node: DagNode, has_failed_tests: bool, group: int) -> TealDagNode:
    asset = project.assets.get(node.name)
    facts = dict(node) | {
        "state": TealState.TESTS_FAILED if has_failed_tests else TealState(node.state),
        "sql_select_query": _select_query(project, asset) if asset else node.sql_select_query,
    }
    return TealDagNode(**facts, task_group_index=group)


def _select_query(project: Project, asset: Asset) -> str:
    if asset.template is None:
        return ""
    try:
        return project.redaction.text(project.asset_sql(asset, _PLACES, incremental=False).strip())
    except TemplateFailed as error:  # an environment variable that was removed after the project was loaded
        return project.redaction.text(f"-- {error}")


def _groups(project: Project) -> dict[str, int]:
    """How many assets follow each other up to each asset, at most: those of a group do not depend on each other."""
    groups: dict[str, int] = {}
    for name in project.graph.order:
        groups[name] = 1 + max((groups[upstream] for upstream in project.graph.upstreams[name]), default=-1)
    return groups


def _translated(handler: Handler) -> Handler:
    """The handler with its task in Teal's shape; a task that failed is a good answer."""

    async def handle(request: Request) -> Response:
        response = await handler(request)
        body = shape_of(response, TaskBody)
        if body is None:
            return response
        return ShapeResponse(teal_task(body), 202 if response.status_code == 202 else 200)

    return handle


async def get_tasks(request: Request) -> Response:
    response = await dag_endpoints.get_tasks(request)
    page = shape_of(response, Tasks)
    if page is None:
        return response
    failed = [task.task_id for task in page.tasks if task.status is TaskStatus.FAILED]
    async with workspace_of(request).reader.moment() as moment:
        counts = await moment.failed_tests_in(failed)
    tasks = tuple(teal_summary(task, counts.get(task.task_id, 0)) for task in page.tasks)
    return ShapeResponse(TealTasks(tasks=tasks, total=page.total, cursor=page.cursor))


_in_place_of = partial(in_place_of, dag_endpoints.ENDPOINTS)
_TASK: dict[int, type[BaseModel]] = {200: TealTask}
_RUN: dict[int, type[BaseModel]] = {200: TealRun, 202: TealRun, 500: Error}

ENDPOINTS = (
    _in_place_of(dag_endpoints.get_dag, get_dag, {200: TealDag}),
    _in_place_of(dag_endpoints.post_run, _translated(dag_endpoints.post_run), _RUN),
    _in_place_of(dag_endpoints.get_status, _translated(dag_endpoints.get_status), _TASK),
    _in_place_of(dag_endpoints.post_cancel, _translated(dag_endpoints.post_cancel), _TASK | {202: TealTask}),
    _in_place_of(dag_endpoints.post_retry, _translated(dag_endpoints.post_retry), _RUN),
    _in_place_of(dag_endpoints.get_tasks, get_tasks, {200: TealTasks}),
)
