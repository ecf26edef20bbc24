"""Runs that exist only in the log: as many events as a test needs, in a real state, without running anything."""

from collections.abc import Iterable
from typing import Any

from dagscope.dag.events.events import RunEventEmitted, TaskAccepted
from dagscope.dag.events.run_events import LoggedRunEvent, RunEventLevel, RunEventType
from dagscope.dag.events.status import TaskStatus, TaskSummary
from dagscope.server.workspace.workspace import Workspace
from tests.doors import AppDoor

SPEC_QUERY = """
query CliRunEventsQuery($runId: ID!, $limit: Int, $afterCursor: String) {
  logsForRun(runId: $runId, limit: $limit, afterCursor: $afterCursor) {
    __typename
    ... on EventConnection {
      events {
        __typename
        ... on MessageEvent {
          runId
          message
          timestamp
          level
          stepKey
          eventType
        }
      }
      cursor
      hasMore
    }
    ... on PythonError {
      message
      stack
    }
    ... on RunNotFoundError {
      message
    }
  }
}
"""
"""The query of the spec, verbatim (Primary Query)."""


def workspace_behind(door: AppDoor) -> Workspace:
    """The workspace of an application in this process."""
    workspace: Workspace = door.client.app.state.workspace  # type: ignore[attr-defined]
    return workspace


def accepted(task_id: str) -> TaskAccepted:
    """An accepted run without assets."""
    summary = TaskSummary(
        task_id=task_id,
        status=TaskStatus.IN_PROGRESS,
        start_time=1,
        total_assets=0,
        completed_assets=0,
        failed_assets=0,
        in_progress_assets=0,
    )
    return TaskAccepted(task_id, 1, summary, task_uuid=f"uuid-{task_id}", data={}, nodes=())


def run_event(task_id: str, message: str, **values: Any) -> RunEventEmitted:
    """A run event. By default it is a log line of the step `staging.hello`; `values` overrides that."""
    event = {
        "level": RunEventLevel.INFO,
        "step_key": "staging.hello",
        "event_type": RunEventType.LOG_MESSAGE,
        "timestamp": "2025-08-12T18:04:12.000Z",
    }
    return RunEventEmitted(task_id, 1, LoggedRunEvent(run_id=task_id, message=message, **event | values))


def record(door: AppDoor, task_id: str, events: Iterable[RunEventEmitted]) -> None:
    """Record a run with these events and wait until they can be read."""
    emit = workspace_behind(door).recorder.emit
    emit(accepted(task_id))
    for event in events:
        emit(event)
    flush(door)


def record_messages(door: AppDoor, task_id: str, count: int) -> None:
    """Record a run whose messages are the numbers from 0."""
    record(door, task_id, (run_event(task_id, str(number)) for number in range(count)))


def flush(door: AppDoor) -> None:
    door.client.portal.call(workspace_behind(door).recorder.flush)  # type: ignore[union-attr]


def ask(door: AppDoor, run_id: str, path: str = "/graphql", **variables: Any) -> dict[str, Any]:
    """What `logsForRun` answers to the spec's query."""
    answer = door.post(path, {"query": SPEC_QUERY, "variables": {"runId": run_id, **variables}})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["data"]["logsForRun"]
    return result
