"""States of assets and statuses of tasks as Teal has them: a failed data test is not a failed asset (docs/teal.md)."""

from collections.abc import Iterable

from dagscope.dag.events.status import NodeState, NodeStatus, TaskStatus, TaskSummary
from dagscope.server.http.shapes.tasks import RunBody, TaskBody
from dagscope.server.teal.shapes import TealNode, TealRun, TealState, TealStatus, TealTask, TealTaskSummary


def teal_state(node: NodeStatus) -> TealState:
    return TealState.TESTS_FAILED if node.only_tests_failed else TealState(node.state)


def teal_status(status: TaskStatus, have_all_run: bool) -> TealStatus:
    """The status of a task; `have_all_run` says whether all of its assets were executed."""
    return TealStatus.TESTS_FAILED if status is TaskStatus.FAILED and have_all_run else TealStatus(status)


def teal_summary(task: TaskSummary, failed_tests: int) -> TealTaskSummary:
    """A task in the list of tasks, `failed_tests` of whose assets failed because of data tests alone."""
    completed = task.completed_assets + failed_tests
    return TealTaskSummary.model_validate(task).model_copy(
        update={
            "status": teal_status(task.status, completed == task.total_assets),
            "completed_assets": completed,
            "failed_assets": task.failed_assets - failed_tests,
        }
    )


def teal_task(body: TaskBody) -> TealTask:
    """The status of a task, or the answer to a run."""
    nodes = tuple(map(_teal_node, body.nodes))
    have_all_run = all(node.state in (TealState.SUCCESS, TealState.TESTS_FAILED) for node in nodes)
    failed_tests = sum(node.state is TealState.TESTS_FAILED for node in nodes)
    facts = dict(body) | {
        "status": teal_status(body.status, have_all_run),
        "completed_assets": body.completed_assets + failed_tests,
        "failed_assets": body.failed_assets - failed_tests,
        "nodes": nodes,
        "last_task_name": _last_name(body.last_task_name, body.nodes),
    }
    return TealRun(**facts | {"tasks": nodes}) if isinstance(body, RunBody) else TealTask(**facts)


def _last_name(last: str, nodes: Iterable[NodeStatus]) -> str:
    """The asset that started last; in an attempt that executed none, the last one that was carried over."""
    started = {node.name: node.asset_name for node in nodes if node.state is not NodeState.INITIAL}
    return started.get(last) or next(reversed(started.values()), "")


def _teal_node(node: NodeStatus) -> TealNode:
    has_run = node.state in (NodeState.SUCCESS, NodeState.FAILED)
    own_ms = {"execution_time_ms": node.timings.executing_ms} if has_run and node.timings else {}
    facts = {"name": node.asset_name, "state": teal_state(node)} | own_ms
    return TealNode.model_validate(node).model_copy(update=facts)
