"""Task statuses as the API shows them."""

from dagscope.dag.events.status import PausedAt, TaskStatus
from dagscope.dag.model.assets import is_root
from dagscope.server.http.shapes.tasks import RunBody, TaskBody
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.tasks import ShownTask


def task_body(task: ShownTask, paused_at: tuple[PausedAt, ...] = ()) -> TaskBody:
    """The body of `GET /api/dag/status/:taskId`, of a task that holds at these breakpoints."""
    return TaskBody(
        task_id=task.summary.task_id,
        task_uuid=task.task_uuid,
        attempt=task.attempt,
        newest_attempt=task.newest_attempt,
        status=task.summary.status,
        start_time=task.summary.start_time,
        end_time=task.summary.end_time,
        completed_assets=task.summary.completed_assets,
        total_assets=task.summary.total_assets,
        failed_assets=task.summary.failed_assets,
        in_progress_assets=task.summary.in_progress_assets,
        nodes=task.nodes,
        root_test_results=tuple(result for result in task.root_test_results if is_root(result.test_name)),
        lone_test_results=tuple(result for result in task.root_test_results if not is_root(result.test_name)) or None,
        last_task_name=task.last_task_name,
        paused_at=paused_at or None,
    )


def status_body(workspace: Workspace, task: ShownTask) -> TaskBody:
    """The same of a task that may hold at breakpoints now."""
    return task_body(task, workspace.tasks.paused_at(task.summary.task_id, task.attempt))


def run_body(task: ShownTask, paused_at: tuple[PausedAt, ...] = ()) -> RunBody:
    """The body of `POST /api/dag/run`: PENDING until the task has ended."""
    body = task_body(task, paused_at)
    status = body.status if body.status.is_ended else TaskStatus.PENDING
    return RunBody(**dict(body) | {"status": status, "tasks": body.nodes})
