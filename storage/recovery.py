"""Closing what a process left open when it died (docs/design: at start, before the port opens).

Only what is open is closed, and a task only after its nodes: doing it twice, or dying half way, changes nothing.
"""

from collections import Counter
from collections.abc import Iterator

from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.events import DataTestChanged, Event, NodeChanged, RunEventEmitted, TaskChanged
from dagscope.dag.events.run_events import RunEvent, RunEventLevel, RunEventType
from dagscope.dag.events.status import DataTestResult, DataTestStatus, NodeState, NodeStatus, NodeTimings, TaskStatus
from dagscope.dag.ground.clock import iso_time, now_ms
from dagscope.storage.reader import KeptNode, KeptTask, Reader
from dagscope.storage.recorder import Recorder

INTERRUPTED = "interrupted: server restarted"


async def recover(reader: Reader, recorder: Recorder) -> int:
    """Close every task that no process is running any more; how many there were."""
    async with reader.moment() as moment:
        found = [await moment.task(task_id) for task_id in await moment.unended_tasks()]
    tasks = [task for task in found if task is not None]
    for task in tasks:
        for event in closing_events(task, INTERRUPTED):
            recorder.emit(event)
    await recorder.flush()
    return len(tasks)


def closing_events(task: KeptTask, message: str) -> Iterator[Event]:
    """The events that end a task whose runner is gone: its running nodes FAILED, its waiting ones left INITIAL."""
    task_id, attempt, ended_ms = task.summary.task_id, task.attempt, now_ms()
    states: Counter[NodeState] = Counter()
    for node in task.nodes:
        states[NodeState.FAILED if node.status.state.is_running else node.status.state] += 1
        if node.status.state.is_running:
            yield from _close_node(task_id, attempt, node, message, ended_ms)
    for name, asset in task.open_tests:
        result = DataTestResult(test_name=name, status=DataTestStatus.FAILED, error=message)
        yield DataTestChanged(task_id, attempt, result, asset)
    yield _run_event(task_id, attempt, RunEventType.ENGINE_EVENT, None, f"The run was {message}.")
    yield _run_event(task_id, attempt, RunEventType.RUN_FAILURE, None, f"Execution failed: {message}")
    changes = {
        "status": TaskStatus.FAILED,
        "end_time": ended_ms,
        "completed_assets": states[NodeState.SUCCESS],
        "failed_assets": states[NodeState.FAILED],
        "in_progress_assets": 0,
    }
    yield TaskChanged(task_id, attempt, task.summary.model_copy(update=changes))


def _close_node(task_id: str, attempt: int, node: KeptNode, message: str, ended_ms: int) -> Iterator[Event]:
    elapsed_ms = max(0, ended_ms - (node.status.start_time or ended_ms))
    closed = node.status.changed(
        state=NodeState.FAILED,
        end_time=ended_ms,
        execution_time_ms=elapsed_ms,
        message=message,
        timings=_timings(node.status, elapsed_ms),
    )
    step = node.status.asset_name
    text = f'Execution of step "{step}" failed: {message}'
    yield _run_event(task_id, attempt, RunEventType.STEP_FAILURE, step, text, ErrorInfo(message=message))
    yield NodeChanged(task_id, attempt, closed, node.facts)


def _timings(node: NodeStatus, elapsed_ms: int) -> NodeTimings | None:
    """The part that the node was in takes what is left of its time."""
    if node.timings is None:
        return None
    if node.state is NodeState.TESTING:
        return node.timings.model_copy(update={"testing_ms": max(0, elapsed_ms - node.timings.executing_ms)})
    return node.timings.model_copy(update={"executing_ms": elapsed_ms})


def _run_event(
    task_id: str, attempt: int, type_: RunEventType, step: str | None, message: str, error: ErrorInfo | None = None
) -> RunEventEmitted:
    event = RunEvent(
        run_id=task_id,
        message=message,
        timestamp=iso_time(now_ms()),
        level=RunEventLevel.ERROR,
        step_key=step,
        event_type=type_,
    )
    return RunEventEmitted(task_id, attempt, event, error)
