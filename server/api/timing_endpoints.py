"""`GET /api/dag/timings/:taskId`: the critical path of a task, and how long it would take if assets were faster."""

from collections.abc import Collection, Iterable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.status import NodeTimings
from dagscope.dag.model.graph import Graph
from dagscope.dag.project.project import Project
from dagscope.dag.run.simulated_run import simulated_ms
from dagscope.server.http.answers import Refused, ShapeResponse
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import attempt_of
from dagscope.server.http.request_reading import task_id_of, whole_number, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.timings import PathNode, TaskTimings, WhatIf
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.tasks import KeptTask

HALF = 50  # percent
MOST_PERCENT = 1_000
_SIMULATED = 20  # assets, those that took longest


async def get_timings(request: Request) -> Response:
    attempt = whole_number(request, "attempt", least=1)
    percent = whole_number(request, "percent", most=MOST_PERCENT)
    asked = (request.query_params.get("asset"), HALF if percent is None else percent)
    return ShapeResponse(await timings_of(workspace_of(request), task_id_of(request), attempt, *asked))


async def timings_of(
    workspace: Workspace, task_id: str, attempt: int | None, asset: str | None, percent: int
) -> TaskTimings:
    """The timings of a task that has ended, with what-ifs for one asset or for those that took longest.

    Raises `Refused`.
    """
    async with workspace.reader.moment() as moment:
        await attempt_of(moment, task_id, attempt)
        task = await moment.task(task_id, attempt)
    assert task is not None
    if not task.summary.status.is_ended:
        details = "its timings are known once it has ended; GET /api/dag/status shows those so far"
        raise Refused(409, Error(error=f"Task {task.summary.task_id} is running", details=details))
    return await run_in_threadpool(_timings, workspace, task, asset, percent)


def _timings(workspace: Workspace, task: KeptTask, asset: str | None, percent: int) -> TaskTimings:
    spent = {
        node.status.asset_name: node.status.timings
        for node in task.nodes
        if node.status.timings is not None and not node.facts.carried
    }
    if asset is not None and asset not in spent:
        details = f"the task did not execute an asset of this name; it executed {len(spent)} others"
        raise Refused(404, Error(error="Asset not found in task", details=details))
    graph, workers = _graph(workspace.project, spent), workspace.tasks.max_workers
    durations = {name: each.executing_ms + each.testing_ms for name, each in spent.items()}
    assets_ms = max(map(_end, spent.values()), default=0) - min((each.waiting_ms for each in spent.values()), default=0)
    other_ms = _after_assets_ms(task, spent)
    simulated = simulated_ms(graph, durations, workers)
    chosen = [asset] if asset is not None else sorted(durations, key=lambda name: -durations[name])[:_SIMULATED]
    duration_ms = assets_ms + other_ms
    what_if = []
    for name in chosen:
        would_take = round(durations[name] * percent / 100)
        saved = simulated - simulated_ms(graph, {**durations, name: would_take}, workers)
        what_if.append(
            WhatIf(
                asset_name=name,
                took_ms=durations[name],
                would_take_ms=would_take,
                task_ms=max(0, duration_ms - saved),
                saved_ms=saved,
            )
        )
    enough = simulated_ms(graph, durations, max(1, len(durations)))
    return TaskTimings(
        task_id=task.summary.task_id,
        attempt=task.attempt,
        duration_ms=duration_ms,
        assets_ms=assets_ms,
        other_ms=other_ms,
        simulated_ms=simulated,
        workers=workers,
        enough_workers_ms=max(0, duration_ms - (simulated - enough)),
        percent=percent,
        critical_path=tuple(_path_node(name, spent[name]) for name in _critical_path(graph, spent)),
        what_if=tuple(sorted(what_if, key=lambda each: (-each.saved_ms, each.asset_name))),
    )


def _graph(project: Project, names: Iterable[str]) -> Graph:
    """The graph of the project as it is now; assets that it no longer has depend on nothing."""
    gone = [name for name in names if name not in project.graph.upstreams]
    return Graph({**project.graph.upstreams, **dict.fromkeys(gone, ())}) if gone else project.graph


def _end(spent: NodeTimings) -> int:
    """When a node ended, in ms from the start of the attempt."""
    return spent.waiting_ms + spent.queued_ms + spent.executing_ms + spent.testing_ms


def _after_assets_ms(task: KeptTask, executed: Collection[str]) -> int:
    """The time from the end of the last asset to that of the task, in which tests run that belong to no asset."""
    ends = [node.status.end_time or 0 for node in task.nodes if node.status.asset_name in executed]
    if not ends:
        return sum(result.duration_ms for result in task.root_test_results)
    return max(0, (task.summary.end_time or 0) - max(ends))


def _critical_path(graph: Graph, spent: Mapping[str, NodeTimings]) -> list[str]:
    """From the node that ended last, back through the upstream that ended last each time; in order of execution."""
    path: list[str] = []
    ahead: Iterable[str] = spent
    while found := [name for name in ahead if name in spent]:
        path.append(max(found, key=lambda name: _end(spent[name])))
        ahead = graph.upstreams[path[-1]]
    return path[::-1]


def _path_node(name: str, spent: NodeTimings) -> PathNode:
    return PathNode(
        asset_name=name, queued_ms=spent.queued_ms, executing_ms=spent.executing_ms, testing_ms=spent.testing_ms
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/timings/{task_id:path}",
        get_timings,
        "Why a task took as long as it did: its critical path, and how long it would take if an asset were faster.",
        {200: TaskTimings, 400: Error, 404: Error, 409: Error},
        queries=(
            Query("attempt", "an earlier attempt, counted from 1", "integer", least=1),
            Query("asset", "only what would be if this asset were faster"),
            Query(
                "percent",
                "how much of its time an asset takes in what-ifs; 50 by default",
                "integer",
                least=0,
                most=MOST_PERCENT,
            ),
        ),
    ),
)
