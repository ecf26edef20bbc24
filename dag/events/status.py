"""The states of tasks, nodes and data tests, in the shape of responses and stream messages.

Field names in JSON are the spec's camelCase; a field that is None is left out (contract, Task and node status).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import field
from pydantic_core import to_json

from dagscope.dag.ground.records import Record


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


class DataTestResult(Record, frozen=True, kw_only=True):
    """The result of one data test in one task; `error` says how many rows violate it, or why it could not run.

    `row_count` rows violate it; absent if it found none or could not run.
    """

    test_name: str
    status: DataTestStatus
    error: str | None = None
    duration_ms: int = field(default_factory=int)
    row_count: int | None = None


EXECUTING, SELECTING = "Executing ", "Selecting "
"""How the `name` of a node starts, for display; `NodeStatus.is_selection` holds the fact itself."""


class NodeTimings(Record, frozen=True, kw_only=True):
    """How a node spent its time, by part, in milliseconds.

    `waiting_ms` from the start of the attempt until its upstreams were done, `queued_ms` until a worker was free,
    `executing_ms` on materializing, `testing_ms` on its data tests; the last two are 0 until that part has ended.
    """

    waiting_ms: int
    queued_ms: int
    executing_ms: int = field(default_factory=int)
    testing_ms: int = field(default_factory=int)


class NodeStatus(Record, frozen=True, kw_only=True):
    """One asset in one task. Times are epoch milliseconds; `execution_time_ms` is 0 until the node ends.

    `timings` are present once it has started, `rows` if it wrote rows and their number is known.
    """

    name: str
    asset_name: str
    state: NodeState = field(default_factory=lambda: NodeState.INITIAL)
    order: int
    start_time: int | None = None
    end_time: int | None = None
    execution_time_ms: int = field(default_factory=int)
    message: str = field(default_factory=str)
    total_tests: int = field(default_factory=int)
    passed_tests: int = field(default_factory=int)
    failed_tests: int = field(default_factory=int)
    test_results: tuple[DataTestResult, ...] = field(default_factory=lambda: ())
    timings: NodeTimings | None = None
    rows: int | None = None
    is_selection: bool = False
    """Whether this task only reads the asset's query and leaves the asset unchanged. In JSON, `name` shows it."""

    unshown = frozenset({"is_selection"})

    @property
    def only_tests_failed(self) -> bool:
        """Whether the asset itself was executed, and failed because of data tests, all of which ran."""
        all_ran = self.passed_tests + self.failed_tests == self.total_tests
        return self.state is NodeState.FAILED and self.failed_tests > 0 and all_ran

    def shown(self) -> "NodeStatus":
        return self.changed(is_selection=False) if self.is_selection else self


class PausedAt(Record, frozen=True, kw_only=True):
    """Where a task holds: at a breakpoint of this asset, since this time in epoch milliseconds."""

    asset: str
    when: str
    since: int


class TaskSummary(Record, frozen=True, kw_only=True):
    """A task in a list of tasks. Times are epoch milliseconds; `completed_assets` counts SUCCESS.

    `paused_at` is absent where the task holds at no breakpoint.
    """

    task_id: str
    task_uuid: str = field(default_factory=str)
    status: TaskStatus
    start_time: int | None = None
    end_time: int | None = None
    total_assets: int
    completed_assets: int
    failed_assets: int
    in_progress_assets: int
    paused_at: tuple[PausedAt, ...] = ()

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


class LogEntry(Record, frozen=True, kw_only=True):
    """One structured log entry; `fields` are those of its own, plain JSON data (contract, Logs)."""

    level: str
    time: str
    message: str
    task_id: str
    asset: str | None = None
    connection: str | None = None
    test: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> dict[str, str]:
        """The task, and the asset, the connection and the data test if the entry has them, as JSON names them."""
        found = {"taskId": self.task_id, "asset": self.asset, "connection": self.connection, "test": self.test}
        return {name: value for name, value in found.items() if value is not None}

    def to_json(self) -> str:
        """Its own fields are beside the others; one that is None has a place too."""
        if not self.fields:
            return Record.to_json(self)
        text = Record.to_json(self.changed(fields={}))
        return f"{text[:-1]},{to_json(self.fields, inf_nan_mode='null').decode()[1:]}"
