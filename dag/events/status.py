"""The states of tasks, nodes and data tests, in the shape of responses and stream messages.

Field names in JSON are the spec's camelCase; a field that is None is left out (contract, Task and node status).
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from dagscope.dag.ground.shapes import Shape


class NodeState(StrEnum):
    """The state of an asset in one task (spec, Node/Asset States)."""

    INITIAL = "INITIAL"
    IN_PROGRESS = "IN_PROGRESS"
    TESTING = "TESTING"
    FAILED = "FAILED"
    SUCCESS = "SUCCESS"

    @property
    def is_running(self) -> bool:
        return self in (NodeState.IN_PROGRESS, NodeState.TESTING)

    @property
    def is_ended(self) -> bool:
        return self in (NodeState.FAILED, NodeState.SUCCESS)


class TaskStatus(StrEnum):
    """The status of a task (spec, DAG Execution Status); PENDING occurs only in the response to a POST."""

    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    PENDING = "PENDING"

    @property
    def is_ended(self) -> bool:
        return self in (TaskStatus.SUCCESS, TaskStatus.FAILED)


class DataTestStatus(StrEnum):
    """The status of a data test (spec, Test Status); NOT_FOUND is a test that a reload removed."""

    INITIAL = "INITIAL"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"
    SUCCESS = "SUCCESS"
    NOT_FOUND = "NOT_FOUND"

    @property
    def is_ended(self) -> bool:
        return self in (DataTestStatus.FAILED, DataTestStatus.SUCCESS)


class DataTestResult(Shape):
    """The result of one data test in one task; `error` says how many rows violate it, or why it could not run.

    `row_count` rows violate it; absent if it found none or could not run.
    """

    test_name: str
    status: DataTestStatus
    error: str | None = None
    duration_ms: int = 0
    row_count: int | None = None


EXECUTING, SELECTING = "Executing ", "Selecting "
"""How the `name` of a node starts, for display; `NodeStatus.is_selection` holds the fact itself."""


class NodeTimings(Shape):
    """How a node spent its time, by part, in milliseconds.

    `waiting_ms` from the start of the attempt until its upstreams were done, `queued_ms` until a worker was free,
    `executing_ms` on materializing, `testing_ms` on its data tests; the last two are 0 until that part has ended.
    """

    waiting_ms: int
    queued_ms: int
    executing_ms: int = 0
    testing_ms: int = 0


class NodeStatus(Shape):
    """One asset in one task. Times are epoch milliseconds; `execution_time_ms` is 0 until the node ends.

    `timings` are present once it has started, `rows` if it wrote rows and their number is known.
    """

    name: str
    asset_name: str
    state: NodeState = NodeState.INITIAL
    order: int
    start_time: int | None = None
    end_time: int | None = None
    execution_time_ms: int = 0
    message: str = ""
    total_tests: int = 0
    passed_tests: int = 0
    failed_tests: int = 0
    test_results: tuple[DataTestResult, ...] = ()
    timings: NodeTimings | None = None
    rows: int | None = None
    is_selection: bool = Field(default=False, exclude=True)
    """Whether this task only reads the asset's query and leaves the asset unchanged. In JSON, `name` shows it."""

    def changed(self, **values: Any) -> "NodeStatus":
        return self.model_copy(update=values)


class TaskSummary(Shape):
    """A task in a list of tasks. Times are epoch milliseconds; `completed_assets` counts SUCCESS."""

    task_id: str
    task_uuid: str = ""
    status: TaskStatus
    start_time: int | None = None
    end_time: int | None = None
    total_assets: int
    completed_assets: int
    failed_assets: int
    in_progress_assets: int

    @classmethod
    def of_nodes(
        cls,
        task_id: str,
        status: TaskStatus,
        nodes: Iterable[NodeStatus],
        start_time: int | None,
        end_time: int | None = None,
        task_uuid: str = "",
    ) -> "TaskSummary":
        """A task's summary with counts from its nodes."""
        states = Counter(node.state for node in nodes)
        return cls(
            task_id=task_id,
            task_uuid=task_uuid,
            status=status,
            start_time=start_time,
            end_time=end_time,
            total_assets=states.total(),
            completed_assets=states[NodeState.SUCCESS],
            failed_assets=states[NodeState.FAILED],
            in_progress_assets=sum(count for state, count in states.items() if state.is_running),
        )


LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
"""The levels of log entries, from the lowest."""


class LogEntry(Shape):
    """One structured log entry; it can have more fields of its own (contract, Logs)."""

    model_config = ConfigDict(extra="allow")

    level: str
    time: str
    message: str
    task_id: str
    asset: str | None = None
    connection: str | None = None
    test: str | None = None

    @property
    def absent(self) -> set[str]:
        """The fields that have no place in the entry; one of an asset's own that is None has."""
        return {name for name in ("asset", "connection", "test") if getattr(self, name) is None}

    def to_json(self, fields: frozenset[str] | None = None) -> str:
        return self.model_dump_json(by_alias=True, exclude=self.absent, include=set(fields) if fields else None)
