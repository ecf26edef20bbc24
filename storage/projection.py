"""From events to rows: what a batch of events adds to the log, and how it changes the status tables."""

import json
from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from dagscope.dag.events.events import (
    DataTestChanged,
    Event,
    Logged,
    NodeChanged,
    NodeFacts,
    NodeRecorded,
    RunEventEmitted,
    TaskAccepted,
    TaskChanged,
    TaskEnded,
)
from dagscope.dag.events.node_records import Code, NodeRecord
from dagscope.dag.events.statements import KeptStatements
from dagscope.dag.events.status import DataTestResult, NodeState, NodeStatus
from dagscope.dag.ground.frames import Frame, Result
from dagscope.dag.ground.json_text import json_text
from dagscope.storage import tables
from dagscope.storage.row_statements import RowStatement, addition, change, insertion, insertion_once, replacement

Row = tuple[Any, ...]
Key = tuple[Any, ...]


class Recorded(NamedTuple):
    """An event that is in the log: its position, and the message as it is streamed."""

    position: int
    kind: str
    task_id: str
    data: str


class Projection:
    """The rows of one batch: those of the log, and of the status tables.

    A status table is written by one or more statements, each for some of its columns. Of several rows that a statement
    has for one key, the last is written.
    """

    def __init__(self) -> None:
        self.recorded: list[Recorded] = []
        self.unsynced: list[str] = []
        """The frames that the rows refer to and that may not be on disk yet."""
        self._log: dict[RowStatement, list[Row]] = {statement: [] for statement in _LOG}
        self._status: dict[RowStatement, dict[Key, Row]] = {statement: {} for statement in _STATUS}
        self._counted: set[tuple[str, int]] = set()
        """The attempts whose nodes changed: their counts are computed again, once per batch."""
        self._logged: Counter[tuple[str, int, str]] = Counter()
        """The log entries of each task, attempt and level."""

    def add(self, event: Event, position: int) -> None:
        """Add one event at its position in the log."""
        task_id, attempt, data = event.task_id, event.attempt, event.payload()
        self.recorded.append(Recorded(position, event.kind, task_id, data))
        match event:
            case Logged():
                logged = event.entry
                row = (position, task_id, attempt, data, logged.level, logged.asset, logged.message)
                self._log[_LOG_ENTRY].append(row)
                self._logged[task_id, attempt, logged.level] += 1
                return
            case RunEventEmitted():
                self._log[_RUN_EVENT].append((position, task_id, attempt, data, *_of_run_event(event.run_event)))
                return
            case NodeChanged():
                self._node(task_id, attempt, event.node, event.facts)
                self._counted.add((task_id, attempt))
                if event.node.state is not NodeState.INITIAL and not event.node.is_selection:
                    self._asset_state(event)  # a skipped one has been INITIAL since its attempt started
            case DataTestChanged():
                self._test(task_id, attempt, event.asset, event.result, position, event)
                name = event.result.test_name
                self._status[_TEST_STATE][name,] = (name, event.result.status)
            case TaskAccepted():
                self._accepted(event)
            case TaskEnded():
                self._summary(event)
                self._statements(task_id, attempt, "", event.statements)
            case TaskChanged():
                self._summary(event)
        self._log[_STATUS_EVENT].append((position, task_id, attempt, data, event.kind))

    def record(self, event: NodeRecorded) -> None:
        """Add what the execution of a node left, which has no place in the log."""
        self._record(event.task_id, event.attempt, event.asset, event.record)

    def statements(self) -> Iterable[tuple[str, Iterable[Row]]]:
        """The statements of the batch as SQL text with their rows, in an order that foreign keys allow."""
        yield from ((statement.text, rows.values()) for statement, rows in self._status.items() if rows)
        if self._counted:
            yield from ((text, self._counted) for text in _COUNT_AGAIN)
        yield from ((statement.text, rows) for statement, rows in self._log.items() if rows)
        if self._logged:
            yield _LOG_COUNT.text, [(*key, entries) for key, entries in self._logged.items()]

    def _accepted(self, event: TaskAccepted) -> None:
        task_id, attempt, counts = event.task_id, event.attempt, _of_summary(event.summary)
        self._status[_TASK][task_id,] = (*counts, task_id, event.task_uuid, attempt)
        self._status[_ATTEMPT][task_id, attempt] = (
            *counts,
            task_id,
            attempt,
            json_text(event.data),
            "",
            event.profile,
        )
        self._summary(event)
        for node, facts in event.nodes:
            self._node(task_id, attempt, node, facts)
            for ordinal, result in enumerate(node.test_results):
                self._test(task_id, attempt, node.asset_name, result, ordinal)
        for ordinal, result in enumerate(event.root_test_results):
            self._test(task_id, attempt, None, result, ordinal)

    def _summary(self, event: TaskChanged) -> None:
        """Also of a task that is accepted: its row above may be older than what the batch has for the task already."""
        task_id, attempt, counts = event.task_id, event.attempt, _of_summary(event.summary)
        self._status[_TASK_SUMMARY][task_id,] = (*counts, task_id)
        self._status[_ATTEMPT_SUMMARY][task_id, attempt] = (*counts, task_id, attempt)

    def _node(self, task_id: str, attempt: int, node: NodeStatus, facts: NodeFacts) -> None:
        asset = node.asset_name
        self._status[_NODE][task_id, attempt, asset] = (
            task_id,
            attempt,
            asset,
            *_of_node(node),
            facts.tests_duration_ms,
            *(_of_timings(node.timings) if node.timings else _NO_TIMINGS),
            facts.rows,
            facts.has_relation,
            facts.carried,
            self._frame(facts.result),
            node.is_selection,
        )
        if node.state is NodeState.IN_PROGRESS:
            self._status[_ATTEMPT_TASK_NAME][task_id, attempt] = (node.name, task_id, attempt)
        if facts.statements is not None:
            self._statements(task_id, attempt, asset, facts.statements)
        if facts.record is not None:
            self._record(task_id, attempt, asset, facts.record)

    def _record(self, task_id: str, attempt: int, asset: str, record: NodeRecord) -> None:
        self._status[_NODE_RECORD][task_id, attempt, asset] = (
            task_id,
            attempt,
            asset,
            self._code(record.code),
            record.engine,
            record.settings,
            None if record.columns is None else _json(record.columns),
            record.rows,
            record.fingerprint,
            _json(record.upstreams),
            self._captured(record.captured),
            record.is_whole,
            record.note,
        )

    def _captured(self, frame: Frame | None) -> str | None:
        if frame is None:
            return None
        self.unsynced.append(frame.digest)
        return self._frame(frame)

    def _code(self, code: Code) -> str:
        self._status[_CODE][code.digest,] = (code.digest, code.source, code.sql)
        return code.digest

    def _statements(self, task_id: str, attempt: int, asset: str, kept: KeptStatements) -> None:
        if kept.total:
            row = (task_id, attempt, asset, kept.total, kept.json)
            self._status[_NODE_STATEMENTS][task_id, attempt, asset] = row

    def _asset_state(self, event: NodeChanged) -> None:
        node, facts, asset = event.node, event.facts, event.node.asset_name
        self._status[_ASSET_STATE][asset,] = (asset, node.state, node.passed_tests)
        if node.state is NodeState.IN_PROGRESS:
            self._status[_ASSET_TASK][asset,] = (event.task_id, event.attempt, asset)
        if facts.has_relation:
            self._status[_ASSET_RELATION][asset,] = (event.task_id, event.attempt, asset)
        if node.state.is_ended:
            execution_ms = node.execution_time_ms - facts.tests_duration_ms
            self._status[_ASSET_TIMES][asset,] = (execution_ms, facts.tests_duration_ms, asset)

    def _test(
        self,
        task_id: str,
        attempt: int,
        asset: str | None,
        result: DataTestResult,
        ordinal: int,
        event: DataTestChanged | None = None,
    ) -> None:
        key = (task_id, attempt, asset or "", result.test_name)
        self._status[_TEST_RESULT][key] = (
            *key,
            ordinal,
            result.status,
            result.error,
            result.duration_ms,
            event.violation_count if event else result.row_count or 0,
            self._frame(event.violations) if event else None,
            self._code(event.code) if event and event.code else None,
        )

    def _frame(self, result: Result | None) -> str | None:
        if result is None:
            return None
        if isinstance(result, Frame):
            kept: Row = ("dataframe", result.rows, json.dumps(result.columns))
        else:
            kept = (result.data_type, None, None)
        self._status[_FRAME][result.digest,] = (result.digest, *kept)
        return result.digest


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# Values in the order of the columns in storage/tables.py.
_SUMMARY = tuple(tables.Summary.model_fields)
_of_summary = attrgetter(*_SUMMARY)
_of_node = attrgetter(
    "name",
    "state",
    "order",
    "start_time",
    "end_time",
    "execution_time_ms",
    "message",
    "total_tests",
    "passed_tests",
    "failed_tests",
)
_of_timings = attrgetter("waiting_ms", "queued_ms", "executing_ms", "testing_ms")
_NO_TIMINGS: Row = (None,) * 4
_of_run_event = attrgetter("event_type", "level", "step_key", "message", "timestamp")

_FRAME = replacement(tables.Frame)
_TASK, _TASK_SUMMARY = replacement(tables.Task), change(tables.Task, _SUMMARY)
_ATTEMPT, _ATTEMPT_SUMMARY = replacement(tables.Attempt), change(tables.Attempt, _SUMMARY)
_ATTEMPT_TASK_NAME = change(tables.Attempt, ("last_task_name",))
_NODE = replacement(tables.Node)
_NODE_STATEMENTS = replacement(tables.NodeStatements)
_CODE, _NODE_RECORD = insertion_once(tables.Code), replacement(tables.NodeRecord)
_TEST_RESULT = replacement(tables.DataTestResult)
_ASSET_STATE = replacement(tables.AssetState, ("asset_name", "state", "successful_tests"))
_ASSET_TASK = change(tables.AssetState, ("task_id", "attempt"))
_ASSET_RELATION = change(tables.AssetState, ("relation_task_id", "relation_attempt"))
_ASSET_TIMES = change(tables.AssetState, ("last_execution_ms", "last_tests_ms"))
_TEST_STATE = replacement(tables.DataTestState)

_STATUS = (
    _FRAME,
    _CODE,
    _TASK,
    _TASK_SUMMARY,
    _ATTEMPT,
    _ATTEMPT_SUMMARY,
    _ATTEMPT_TASK_NAME,
    _NODE,
    _NODE_STATEMENTS,
    _NODE_RECORD,
    _TEST_RESULT,
    _ASSET_STATE,
    _ASSET_TASK,
    _ASSET_RELATION,
    _ASSET_TIMES,
    _TEST_STATE,
)
"""In the order in which they are executed: rows before those that refer to them, whole rows before some columns."""

_STATUS_EVENT, _LOG_ENTRY = insertion(tables.StatusEvent), insertion(tables.LogEntry)
_RUN_EVENT = insertion(tables.RunEvent)
_LOG = (_STATUS_EVENT, _LOG_ENTRY, _RUN_EVENT)
_LOG_COUNT = addition(tables.LogCount, "entries")

_COUNT_AGAIN = (
    """
    UPDATE attempt SET (completed_assets, failed_assets, in_progress_assets) = (
        SELECT count(*) FILTER (WHERE state = 'SUCCESS'), count(*) FILTER (WHERE state = 'FAILED'),
            count(*) FILTER (WHERE state IN ('IN_PROGRESS', 'TESTING'))
        FROM node WHERE node.task_id = attempt.task_id AND node.attempt = attempt.attempt
    )
    WHERE task_id = ? AND attempt = ?
    """,
    """
    UPDATE task SET (completed_assets, failed_assets, in_progress_assets) = (
        SELECT completed_assets, failed_assets, in_progress_assets
        FROM attempt WHERE attempt.task_id = task.task_id AND attempt.attempt = task.attempt
    )
    WHERE task_id = ? AND attempt = ?
    """,
)
