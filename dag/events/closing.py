"""How steps and runs end, as events: reported by their runner, or by other code once the runner is gone."""

from collections.abc import Iterator
from dataclasses import dataclass

from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.events import DataTestChanged, Event, NodeChanged, NodeFacts, TaskChanged
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.dag.events.status import (
    DataTestResult,
    DataTestStatus,
    NodeState,
    NodeStatus,
    NodeTimings,
    TaskStatus,
    TaskSummary,
)
from dagscope.dag.events.task_log import TaskLog
from dagscope.dag.redaction.redaction import Redaction


def report_step_success(log: TaskLog, elapsed_ms: int) -> None:
    """Report the run event of a step that succeeded; the step is the log's asset."""
    text = f'Finished execution of step "{log.asset}" in {elapsed_ms / 1000:.1f}s.'
    log.run_event(RunEventType.STEP_SUCCESS, RunEventLevel.INFO, text)


def report_step_failure(log: TaskLog, message: str, error: ErrorInfo | None) -> None:
    """Report the run event of a step that failed; the step is the log's asset."""
    text = f'Execution of step "{log.asset}" failed: {message}'
    log.run_event(RunEventType.STEP_FAILURE, RunEventLevel.ERROR, text, error)


def report_run_end(log: TaskLog, status: TaskStatus, cancelled: bool, elapsed_ms: int) -> None:
    """Report the log entry and the run event that end an attempt."""
    seconds = f"{elapsed_ms / 1000:.1f}s"
    if cancelled:
        log.warning("DAG execution cancelled", durationMs=elapsed_ms)
        log.run_event(RunEventType.RUN_CANCELED, RunEventLevel.WARNING, f"Run was cancelled after {seconds}.")
    elif status is TaskStatus.SUCCESS:
        log.info("DAG execution finished", durationMs=elapsed_ms)
        log.run_event(RunEventType.RUN_SUCCESS, RunEventLevel.INFO, f"Finished execution in {seconds}.")
    else:
        log.error("DAG execution failed", durationMs=elapsed_ms)
        log.run_event(RunEventType.RUN_FAILURE, RunEventLevel.ERROR, f"Execution failed after {seconds}.")


def report_dropped_entries(log: TaskLog) -> None:
    """Report, in a log entry, how many entries of raw assets were not stored; nothing if all were."""
    count = log.own_entries
    if count.dropped:
        limit = f"a task's assets write at most {count.most:,} (DAGSCOPE_TASK_ENTRIES)"
        log.warning(f"{count.dropped:,} log entries were not kept: {limit}")


@dataclass(frozen=True)
class UnendedTask:
    """An attempt that its runner could not end.

    `open_tests` are the data tests that were running, each with its asset, None for a root test.
    """

    summary: TaskSummary
    attempt: int
    nodes: tuple[tuple[NodeStatus, NodeFacts], ...]
    open_tests: tuple[tuple[str, str | None], ...] = ()


CANCELLED = "cancelled"
"""The message of a task that was cancelled, and whose runner did not end it."""


def closing_events(task: UnendedTask, message: str, ended_ms: int) -> Iterator[Event]:
    """The events that end the task at that time: running nodes become FAILED, waiting ones stay INITIAL, as skipped."""
    task_id = task.summary.task_id
    closed = [_closed(node, message, ended_ms) for node, _ in task.nodes]
    for node, (was, facts) in zip(closed, task.nodes, strict=True):
        if node is not was:
            if node.state is NodeState.FAILED:
                yield from _step_failure(task, node.asset_name, message)
            yield NodeChanged(task_id, task.attempt, node, facts)
    for name, asset in task.open_tests:
        result = DataTestResult(test_name=name, status=DataTestStatus.FAILED, error=message)
        yield DataTestChanged(task_id, task.attempt, result, asset)
    yield from _run_failure(task, message)
    summary = TaskSummary.of_nodes(
        task_id, TaskStatus.FAILED, closed, task.summary.start_time, ended_ms, task.summary.task_uuid
    )
    yield TaskChanged(task_id, task.attempt, summary)


def _closed(node: NodeStatus, message: str, ended_ms: int) -> NodeStatus:
    if node.state.is_running:
        return closed_node(node, message, ended_ms)
    if node.state is NodeState.INITIAL and not node.message:
        return node.changed(message=f"skipped: {message}")
    return node


def _step_failure(task: UnendedTask, step: str, message: str) -> list[Event]:
    events: list[Event] = []
    log = TaskLog(events.append, Redaction(), task.summary.task_id, task.attempt, asset=step)
    report_step_failure(log, message, ErrorInfo(message=message))
    return events


def _run_failure(task: UnendedTask, message: str) -> list[Event]:
    events: list[Event] = []
    log = TaskLog(events.append, Redaction(), task.summary.task_id, task.attempt)
    if message == CANCELLED:
        log.warning("DAG execution cancelled")
        log.run_event(RunEventType.RUN_CANCELED, RunEventLevel.WARNING, "Run was cancelled.")
        return events
    log.run_event(RunEventType.ENGINE_EVENT, RunEventLevel.ERROR, f"The run was {message}.")
    log.run_event(RunEventType.RUN_FAILURE, RunEventLevel.ERROR, f"Execution failed: {message}")
    return events


def closed_node(node: NodeStatus, message: str, ended_ms: int) -> NodeStatus:
    """The node as FAILED at that time, with `message` as the reason."""
    elapsed_ms = max(0, ended_ms - (node.start_time or ended_ms))
    return node.changed(
        state=NodeState.FAILED,
        end_time=ended_ms,
        execution_time_ms=elapsed_ms,
        message=message,
        timings=_timings(node, elapsed_ms),
    )


def _timings(node: NodeStatus, elapsed_ms: int) -> NodeTimings | None:
    """Assigns the rest of the node's time to the part that it was in."""
    if node.timings is None:
        return None
    if node.state is NodeState.TESTING:
        return node.timings.changed(testing_ms=max(0, elapsed_ms - node.timings.executing_ms))
    return node.timings.changed(executing_ms=elapsed_ms)
