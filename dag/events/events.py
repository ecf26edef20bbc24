"""What happens in a task, as the runner reports it: each event is an entry of the log (docs/architecture.md)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.node_records import Code, NodeRecord
from dagscope.dag.events.run_events import LoggedRunEvent
from dagscope.dag.events.statements import KeptStatements
from dagscope.dag.events.status import DataTestResult, LogEntry, NodeStatus, TaskSummary
from dagscope.dag.ground.frames import Frame, Result
from dagscope.dag.ground.json_text import json_text
from dagscope.dag.ground.records import Record


class EventKind(StrEnum):
    """The `event` of a stream message (contract, The stream)."""

    TASK = "task"
    NODE = "node"
    TEST = "test"
    LOG = "log"
    RUN_EVENT = "run_event"


class Event(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Something that happened in an attempt of a task."""

    kind: ClassVar[EventKind]
    task_id: str
    attempt: int

    def payload(self) -> str:
        """The event as JSON: the shape that the HTTP API has for it, plus `taskId`."""
        raise NotImplementedError

    def _with_task_id(self, body: str) -> str:
        return f'{{"taskId":{msgspec.json.encode(self.task_id).decode()},{body[1:]}'


class TaskChanged(Event, frozen=True):
    """The task was accepted or has ended."""

    kind: ClassVar[EventKind] = EventKind.TASK
    summary: TaskSummary

    def payload(self) -> str:
        return self.summary.to_json()


class NodeFacts(Record, frozen=True, kw_only=True):
    """What is stored of a node besides its status.

    `rows` is the number of rows that the asset wrote, None if unknown (a view). `carried` marks a node that this
    attempt took over from the previous one. Durations are in milliseconds. `statements` are those that the node has
    sent so far, None if the event reports nothing new about them. `record` comes with its end, if it was executed,
    without what is only recorded after the attempt.
    """

    rows: int | None = None
    result: Result | None = None
    has_relation: bool = False
    carried: bool = False
    tests_duration_ms: int = 0
    statements: KeptStatements | None = None
    record: NodeRecord | None = None

    def __post_init__(self) -> None:
        if self.rows is not None and not 0 <= self.rows < 2**63:
            raise ValueError(f"{self.rows} is not a number of rows")


class TaskAccepted(TaskChanged, frozen=True):
    """An attempt starts: the run's `data`, and its nodes in order, with the stored facts of those carried over.

    `profile` says whether the statements of the attempt are profiled.
    """

    task_uuid: str
    data: Mapping[str, Any]
    nodes: tuple[tuple[NodeStatus, NodeFacts], ...]
    root_test_results: tuple[DataTestResult, ...] = ()
    profile: bool = False


class TaskEnded(TaskChanged, frozen=True):
    """The task has ended; `statements` are those of its root tests."""

    statements: KeptStatements


class NodeChanged(Event, frozen=True):
    """An asset started, is being tested, has ended, or was skipped."""

    kind: ClassVar[EventKind] = EventKind.NODE
    node: NodeStatus
    facts: NodeFacts = NodeFacts()

    def payload(self) -> str:
        return self._with_task_id(self.node.to_json())


class NodeRecorded(Event, frozen=True):
    """What the execution of a node left, recorded after the attempt. It is stored, and not streamed."""

    kind: ClassVar[EventKind] = EventKind.NODE
    asset: str
    record: NodeRecord

    def payload(self) -> str:
        return json_text({"taskId": self.task_id, "assetName": self.asset, "fingerprint": self.record.fingerprint})


class DataTestChanged(Event, frozen=True):
    """A data test started or ended; `asset` is None for a root test.

    `violations` holds the first violating rows of a failed test, `violation_count` is how many there are in total.
    `code` is what was run.
    """

    kind: ClassVar[EventKind] = EventKind.TEST
    result: DataTestResult
    asset: str | None = None
    violation_count: int = 0
    violations: Frame | None = None
    code: Code | None = None

    def payload(self) -> str:
        return self._with_task_id(self.result.to_json())


class Logged(Event, frozen=True):
    """A log entry. `attempt` is 0 if the entry belongs to no task.

    `fault` is the unexpected error that the entry reports. It is for the console, which shows its traceback, and is
    neither stored nor streamed.
    """

    kind: ClassVar[EventKind] = EventKind.LOG
    entry: LogEntry
    fault: BaseException | None = None

    def payload(self) -> str:
        return self.entry.to_json()


class RunEventEmitted(Event, frozen=True):
    """A run event; the failure of a step carries its error, for which `LoggedRunEvent` has no field."""

    kind: ClassVar[EventKind] = EventKind.RUN_EVENT
    run_event: LoggedRunEvent
    error: ErrorInfo | None = None

    def payload(self) -> str:
        text = self._with_task_id(self.run_event.to_json())
        return text if self.error is None else f'{text[:-1]},"error":{self.error.to_json()}}}'
