"""From events to rows: what a batch of events adds to the log, and how it changes the status tables."""

import json
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Executable, Table, text
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import SQLModel, col

from dagscope.dag.events.events import (
    DataTestChanged,
    Event,
    Logged,
    NodeChanged,
    NodeFacts,
    RunEventEmitted,
    TaskAccepted,
    TaskChanged,
    TaskEnded,
)
from dagscope.dag.events.run_events import LoggedRunEvent
from dagscope.dag.events.statements import KeptStatements
from dagscope.dag.events.status import DataTestResult, NodeState, NodeStatus, NodeTimings
from dagscope.dag.ground.frames import Frame, Result
from dagscope.dag.ground.json_text import json_text
from dagscope.dag.ground.records import Record
from dagscope.storage import tables

Row = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that is in the log: its position, and the message as it is streamed."""

    position: int
    kind: str
    task_id: str
    data: str


@dataclass
class Projection:
    """The rows of one batch. Of several changes of one row, the last is written.

    `counted` are the attempts whose nodes changed: their counts are computed again, once per batch. `logged` counts
    the log entries of each task, attempt and level.
    """

    log: dict[type[SQLModel], list[Row]] = field(default_factory=dict)
    status: dict[type[SQLModel], dict[Key, Row]] = field(default_factory=dict)
    counted: set[tuple[str, int]] = field(default_factory=set)
    logged: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    recorded: list[Recorded] = field(default_factory=list)

    def add(self, event: Event, position: int) -> None:
        """Add one event at its position in the log."""
        data = event.payload()
        self.recorded.append(Recorded(position, event.kind, event.task_id, data))
        entry: Row = {"position": position, "task_id": event.task_id, "attempt": event.attempt, "data": data}
        match event:
            case TaskAccepted():
                self._accepted(event)
            case TaskEnded():
                self._summary(event)
                self._statements(event.task_id, event.attempt, "", event.statements)
            case TaskChanged():
                self._summary(event)
            case NodeChanged():
                self._node(event.task_id, event.attempt, event.node, event.facts)
                self.counted.add((event.task_id, event.attempt))
                if event.node.state is not NodeState.INITIAL and not event.node.is_selection:
                    self._asset_state(event)  # a skipped one has been INITIAL since its attempt started
            case DataTestChanged():
                self._test(event.task_id, event.attempt, event.asset, event.result, position, event)
                self._put(tables.DataTestState, (event.result.test_name,), status=event.result.status)
            case Logged():
                logged = event.entry
                self._append(tables.LogEntry, entry, level=logged.level, asset=logged.asset, message=logged.message)
                self.logged[event.task_id, event.attempt, logged.level] += 1
                return
            case RunEventEmitted():
                self._append(
                    tables.RunEvent, entry, **{name: getattr(event.run_event, name) for name in _RUN_EVENT_COLUMNS}
                )
                return
        self._append(tables.StatusEvent, entry, kind=event.kind)

    def statements(self) -> Iterable[tuple[Executable, list[Row]]]:
        """The statements of the batch with their rows, in an order that foreign keys allow."""
        for table in _WRITE_ORDER:
            rows = list(self.status.get(table, {}).values())
            for alike in _by_columns(rows):
                yield _write(table, tuple(alike[0])), alike
        if self.counted:
            keys = [{"task_id": task_id, "attempt": attempt} for task_id, attempt in self.counted]
            yield from ((statement, keys) for statement in _COUNT_AGAIN)
        for table, entries in self.log.items():
            yield _insert(table), entries
        if self.logged:
            counts = ((*key, entries) for key, entries in self.logged.items())
            yield _count_entries(), [dict(zip(_LOG_COUNT_COLUMNS, count, strict=True)) for count in counts]

    def _append(self, table: type[SQLModel], entry: Row, **values: Any) -> None:
        self.log.setdefault(table, []).append(entry | values)

    def _put(self, table: type[SQLModel], key: Key, **values: Any) -> None:
        row = self.status.setdefault(table, {}).setdefault(key, dict(zip(_key_columns(table), key, strict=True)))
        row.update(values)

    def _accepted(self, event: TaskAccepted) -> None:
        self._put(tables.Task, (event.task_id,), task_uuid=event.task_uuid, attempt=event.attempt)
        attempt = (event.task_id, event.attempt)
        self._put(tables.Attempt, attempt, data=json_text(event.data), last_task_name="", profile=event.profile)
        self._summary(event)
        for node, facts in event.nodes:
            self._node(event.task_id, event.attempt, node, facts)
            for ordinal, result in enumerate(node.test_results):
                self._test(event.task_id, event.attempt, node.asset_name, result, ordinal)
        for ordinal, result in enumerate(event.root_test_results):
            self._test(event.task_id, event.attempt, None, result, ordinal)

    def _summary(self, event: TaskChanged) -> None:
        values = _columns(event.summary, {"task_id", "task_uuid"})
        self._put(tables.Task, (event.task_id,), **values)
        self._put(tables.Attempt, (event.task_id, event.attempt), **values)

    def _node(self, task_id: str, attempt: int, node: NodeStatus, facts: NodeFacts) -> None:
        values = _columns(node, {"asset_name", "test_results", "timings", "rows", "is_selection"})
        values |= _columns(node.timings) if node.timings else _NO_TIMINGS
        self._put(
            tables.Node,
            (task_id, attempt, node.asset_name),
            **values,
            is_selection=node.is_selection,
            rows=facts.rows,
            has_relation=facts.has_relation,
            carried=facts.carried,
            tests_duration_ms=facts.tests_duration_ms,
            result_digest=self._frame(facts.result),
        )
        if node.state is NodeState.IN_PROGRESS:
            self._put(tables.Attempt, (task_id, attempt), last_task_name=node.name)
        if facts.statements is not None:
            self._statements(task_id, attempt, node.asset_name, facts.statements)

    def _statements(self, task_id: str, attempt: int, asset: str, kept: KeptStatements) -> None:
        if kept.total:
            self._put(tables.NodeStatements, (task_id, attempt, asset), total=kept.total, data=kept.json)

    def _asset_state(self, event: NodeChanged) -> None:
        node, facts = event.node, event.facts
        values: Row = {"state": node.state, "successful_tests": node.passed_tests}
        if node.state is NodeState.IN_PROGRESS:
            values |= {"task_id": event.task_id, "attempt": event.attempt}
        if facts.has_relation:
            values |= {"relation_task_id": event.task_id, "relation_attempt": event.attempt}
        if node.state.is_ended:
            values["last_execution_ms"] = node.execution_time_ms - facts.tests_duration_ms
            values["last_tests_ms"] = facts.tests_duration_ms
        self._put(tables.AssetState, (node.asset_name,), **values)

    def _test(
        self,
        task_id: str,
        attempt: int,
        asset: str | None,
        result: DataTestResult,
        ordinal: int,
        event: DataTestChanged | None = None,
    ) -> None:
        self._put(
            tables.DataTestResult,
            (task_id, attempt, asset or "", result.test_name),
            ordinal=ordinal,
            status=result.status,
            error=result.error,
            duration_ms=result.duration_ms,
            violation_count=event.violation_count if event else result.row_count or 0,
            violations_digest=self._frame(event.violations) if event else None,
        )

    def _frame(self, result: Result | None) -> str | None:
        if result is None:
            return None
        if isinstance(result, Frame):
            values: Row = {"data_type": "dataframe", "rows": result.rows, "columns": json.dumps(result.columns)}
        else:
            values = {"data_type": result.data_type, "rows": None, "columns": None}
        self._put(tables.Frame, (result.digest,), **values)
        return result.digest


_RUN_EVENT_COLUMNS = tuple(
    set(tables.RunEvent.model_fields) & set(LoggedRunEvent.__struct_fields__)
)  # what SQL selects by; `data` holds all fields

_LOG_COUNT_COLUMNS = tuple(tables.LogCount.model_fields)

_NO_TIMINGS: Row = dict.fromkeys(NodeTimings.__struct_fields__)  # the same columns in every row: one statement for all

_WRITE_ORDER: tuple[type[SQLModel], ...] = (
    tables.Frame,
    tables.Task,
    tables.Attempt,
    tables.Node,
    tables.NodeStatements,
    tables.DataTestResult,
    tables.AssetState,
    tables.DataTestState,
)


_COUNT_AGAIN = tuple(
    text(
        f"UPDATE {table} SET (completed_assets, failed_assets, in_progress_assets) = ("
        "SELECT count(*) FILTER (WHERE state = 'SUCCESS'), count(*) FILTER (WHERE state = 'FAILED'), "
        "count(*) FILTER (WHERE state IN ('IN_PROGRESS', 'TESTING')) "
        "FROM node WHERE task_id = :task_id AND attempt = :attempt) "
        "WHERE task_id = :task_id AND attempt = :attempt"
    )
    for table in ("attempt", "task")
)


def _columns(record: Record, without: Container[str] = ()) -> Row:
    return {name: getattr(record, name) for name in record.__struct_fields__ if name not in without}


def _table(table: type[SQLModel]) -> Table:
    return table.__table__  # type: ignore[attr-defined, no-any-return]  # SQLModel does not declare it


def _key_columns(table: type[SQLModel]) -> list[str]:
    return [column.name for column in _table(table).primary_key]


def _by_columns(rows: list[Row]) -> Iterable[list[Row]]:
    """Rows in groups with the same columns, for one statement each."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return groups.values()


@cache
def _insert(table: type[SQLModel]) -> Executable:
    return insert(_table(table))


@cache
def _count_entries() -> Executable:
    statement = insert(_table(tables.LogCount))
    more = col(tables.LogCount.entries) + statement.excluded.entries
    return statement.on_conflict_do_update(index_elements=_key_columns(tables.LogCount), set_={"entries": more})


@cache
def _write(table: type[SQLModel], columns: tuple[str, ...]) -> Executable:
    """Insert rows of these columns or update them; only update if they are too few for a whole row."""
    key = _key_columns(table)
    changes = [name for name in columns if name not in key]
    if _required(table).issubset(columns):
        statement = insert(_table(table))
        excluded = {name: statement.excluded[name] for name in changes}
        return statement.on_conflict_do_update(index_elements=key, set_=excluded)
    values = ", ".join(f'"{name}" = :{name}' for name in changes)
    same_row = " AND ".join(f'"{name}" = :{name}' for name in key)
    return text(f'UPDATE "{table.__tablename__}" SET {values} WHERE {same_row}')


def _required(table: type[SQLModel]) -> frozenset[str]:
    return frozenset(column.name for column in _table(table).columns if not column.nullable)
