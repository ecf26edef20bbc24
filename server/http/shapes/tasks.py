"""Running tasks, their status, their history, and the stream's snapshot."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StrictBool

from dagscope.dag.events.status import (
    DataTestResult,
    DataTestStatus,
    NodeState,
    NodeStatus,
    PausedAt,
    TaskStatus,
    TaskSummary,
)
from dagscope.dag.events.task_ids import NO_TASK, TASK_ID_LENGTH, check_new_task_id
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.model.capture import CaptureText
from dagscope.dag.run.breakpoints import AFTER, GoOn
from dagscope.dag.run.selector import LONGEST

TASK_ID_SCHEMA: dict[str, JsonValue] = {
    "minLength": 1,
    "maxLength": TASK_ID_LENGTH,
    "pattern": r"^[^/\\\x00-\x1f\x7f-\x9f]+$",
    "not": {"enum": [".", ".."]},
}
"""What `check_task_id` checks, for the OpenAPI document."""
_NEW_TASK_ID_SCHEMA: dict[str, JsonValue] = {**TASK_ID_SCHEMA, "not": {"enum": [".", "..", NO_TASK]}}

TaskId = Annotated[str, AfterValidator(check_new_task_id), Field(json_schema_extra=_NEW_TASK_ID_SCHEMA)]


class BreakpointRequest(Shape):
    """Where a run is to hold. `when` is "before", "after", "failed" or a condition such as "rows < 1"."""

    model_config = ConfigDict(extra="forbid")

    asset: str
    when: str = AFTER


class RunRequest(Shape):
    """`POST /api/dag/run`. dagscope adds `runTests` (false runs no data tests), `profile`, `select`, `breakpoints`
    and `capture`.

    Other keys are ignored, but not those of a breakpoint.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    task_id: TaskId
    data: dict[str, JsonValue] | None = None
    run_tests: StrictBool = True
    profile: StrictBool = False
    select: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST})] | None = None
    breakpoints: tuple[BreakpointRequest, ...] = ()
    capture: CaptureText | None = None


class ContinueRequest(Shape):
    """`POST /api/dag/continue/:taskId`: at the breakpoint of this asset, or of all at which the task holds."""

    model_config = ConfigDict(extra="forbid")  # a misspelt `action` would continue

    action: GoOn = GoOn.CONTINUE
    asset: str | None = None


class ExecuteRequest(Shape):
    """`POST /api/dag/asset/:name/execute`. By default, statements are profiled if they were in the task before."""

    task_id: TaskId
    profile: StrictBool | None = None


class RetryRequest(Shape):
    """The optional body of `POST /api/dag/retry/:taskId`. `profile` is as in `ExecuteRequest`."""

    profile: StrictBool | None = None


class TaskBody(Shape):
    """The status of a task's attempt. Counts are of assets, times are epoch milliseconds.

    `last_task_name` is the `name` of the node that started last. `lone_test_results` are those of tests that belong to
    an asset and ran by themselves. `paused_at` is absent where the task holds at no breakpoint.
    """

    task_id: str
    task_uuid: str
    attempt: int
    newest_attempt: int
    status: TaskStatus
    start_time: int | None = None
    end_time: int | None = None
    completed_assets: int
    total_assets: int
    failed_assets: int
    in_progress_assets: int
    nodes: tuple[NodeStatus, ...]
    root_test_results: tuple[DataTestResult, ...]
    lone_test_results: tuple[DataTestResult, ...] | None = None
    last_task_name: str
    paused_at: tuple[PausedAt, ...] | None = None


class RunBody(TaskBody):
    """The answer to a run: the nodes under both keys that the spec shows."""

    tasks: tuple[NodeStatus, ...]


class UnknownTask(Shape):
    """The status of a task that does not exist."""

    task_id: str
    status: Literal[TaskStatus.NOT_STARTED] = TaskStatus.NOT_STARTED
    nodes: tuple[NodeStatus, ...] = ()
    last_task_name: str = ""


class Tasks(Shape):
    """`GET /api/dag/tasks`, newest first; `cursor` requests the next page, and is absent on the last."""

    tasks: tuple[TaskSummary, ...]
    total: int
    cursor: str | None = None


class FirstFailure(Shape):
    """What failed first in a task. `message` is cut after 500 characters; `row_count` rows violate the data test."""

    message: str
    asset_name: str | None = None
    test_name: str | None = None
    row_count: int | None = None


class HistoryTask(Shape):
    """A task as its newest attempt left it; `duration_ms` is absent until it ends."""

    task_id: str
    task_uuid: str = ""
    status: TaskStatus
    start_time: int | None = None
    end_time: int | None = None
    total_assets: int
    completed_assets: int
    failed_assets: int
    in_progress_assets: int
    attempt: int
    duration_ms: int | None = None
    skipped_assets: int
    failed_tests: int
    violating_rows: int
    first_failure: FirstFailure | None = None


class AssetHistory(Shape):
    """What an asset did in each task: null where it was not part of it, and no duration unless it was executed."""

    name: str
    durations_ms: tuple[int | None, ...]
    states: tuple[NodeState | None, ...]


class DataTestHistory(Shape):
    """What a data test found in each task: null where it did not run; no row count where it has not counted rows."""

    name: str
    row_counts: tuple[int | None, ...]
    statuses: tuple[DataTestStatus | None, ...]


class DagHistory(Shape):
    """`GET /api/dag/history`, oldest first; the arrays of assets and tests have an item for each task."""

    tasks: tuple[HistoryTask, ...]
    assets: tuple[AssetHistory, ...]
    tests: tuple[DataTestHistory, ...]
    has_earlier: bool


class ResetDone(Shape):
    """`POST /api/dag/reset`."""

    message: str = "DAG state reset successfully"
    status: str = "SUCCESS"


class NodeNow(Shape):
    """An asset's name and state, as a snapshot of everything lists them."""

    name: str
    state: NodeState


class Snapshot(Shape):
    """The first message of a stream of everything: the running and the newest tasks, and every node's state."""

    tasks: tuple[TaskSummary, ...]
    nodes: tuple[NodeNow, ...]
