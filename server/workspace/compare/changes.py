"""What differs between two executions of an asset. Computed from frozen shapes alone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dagscope.dag.events.node_records import Code, RecordedColumn, same_data
from dagscope.dag.ground.json_text import json_text
from dagscope.server.workspace.compare.code_diffs import CodeDiff, code_diff
from dagscope.server.workspace.compare.executions import Execution, RanTest, Side
from dagscope.server.workspace.compare.plain_sql import plain_sql

_LEAST_RUNS = 3  # fewer say nothing about what a duration usually is
_LEAST_MS = 20  # a smaller difference says little
_PARAMETER = re.compile(r"\bparam\s*\(\s*(?:\"([^\"]{1,500})\"|'([^']{1,500})')")
_VARIABLE = re.compile(r"\bENV\s*\(\s*(?:\"([^\"]{1,500})\"|'([^']{1,500})')")


@dataclass(frozen=True)
class ValueChange:
    """A named value that differs; None where there is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Retyped:
    """A column whose type differs."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class ColumnChanges:
    """The columns that one of the two relations has alone, and those of another type."""

    added: tuple[RecordedColumn, ...] = ()
    removed: tuple[RecordedColumn, ...] = ()
    retyped: tuple[Retyped, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped)


@dataclass(frozen=True)
class TestChange:
    """A data test that ended otherwise, or whose code differs; None for a task that has not run it."""

    name: str
    before: RanTest | None
    after: RanTest | None
    code: CodeDiff | None = None


@dataclass(frozen=True)
class DurationChange:
    """A duration outside what the last runs took, all in milliseconds."""

    before: int | None
    after: int
    least: int
    most: int


@dataclass(frozen=True)
class AssetChanges:
    """What differs. `same_rows` is None if it cannot be said; `upstreams` are those that it read other rows of.

    `source` is how its file differs, and `is_worded_otherwise` if only in comments and spaces. `compiled` is how its
    SQL differs although the file does not: because of `parameters`, values of the run's data, or of `variables` of the
    environment that it names, or else of the state.
    """

    asset: str
    before: Execution | None
    after: Execution | None
    source: CodeDiff | None = None
    is_worded_otherwise: bool = False
    compiled: CodeDiff | None = None
    parameters: tuple[ValueChange, ...] = ()
    variables: tuple[str, ...] = ()
    engine: ValueChange | None = None
    settings: tuple[ValueChange, ...] = ()
    columns: ColumnChanges = ColumnChanges()
    same_rows: bool | None = None
    upstreams: tuple[str, ...] = ()
    tests: tuple[TestChange, ...] = ()
    duration: DurationChange | None = None

    @property
    def has_other_code(self) -> bool:
        """Whether what was executed differs, or where."""
        source = self.source is not None and not self.is_worded_otherwise
        return bool(source or self.compiled or self.parameters or self.engine or self.settings)

    @property
    def is_known(self) -> bool:
        """Whether something was recorded of both."""
        return bool(self.before and self.after and self.before.digest and self.after.digest)


def asset_changes(asset: str, before: Side, after: Side, durations_ms: Iterable[int] = ()) -> AssetChanges:
    """What differs between the asset in the two tasks; the durations are those of its last runs."""
    old, new = before.executions.get(asset), after.executions.get(asset)
    tests = test_changes(old.tests if old else (), new.tests if new else ())
    if old is None or new is None:
        return AssetChanges(asset, old, new, tests=tests)
    if not old.digest or not new.digest:
        return AssetChanges(asset, old, new, tests=tests, duration=_duration(old, new, durations_ms))
    source, compiled = _code(old, new, before, after)
    parameters = _parameters(new, before.data, after.data) if _reads_data(new, compiled) else ()
    return AssetChanges(
        asset,
        old,
        new,
        source=source,
        is_worded_otherwise=source is not None and _is_same_statement(old, new, before, after),
        compiled=compiled,
        parameters=parameters,
        variables=_named(_VARIABLE, new.code) if compiled and not parameters else (),
        engine=ValueChange("engine", old.engine, new.engine) if old.engine != new.engine else None,
        settings=value_changes(old.settings, new.settings),
        columns=_columns(old.columns, new.columns),
        same_rows=_same_rows(old, new),
        upstreams=_other_upstreams(old.upstreams, new.upstreams),
        tests=tests,
        duration=_duration(old, new, durations_ms),
    )


def value_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    """The values that differ, by name."""
    if before == after:
        return ()
    return tuple(
        ValueChange(name, _shown(before.get(name)), _shown(after.get(name)))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def _shown(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json_text(value)


def test_changes(before: Iterable[RanTest], after: Iterable[RanTest]) -> tuple[TestChange, ...]:
    """The data tests that ended otherwise, or whose code differs, by name."""
    old, new = ({test.name: test for test in tests} for tests in (before, after))
    changes = (_test_change(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys()))
    return tuple(change for change in changes if change is not None)


def _test_change(name: str, before: RanTest | None, after: RanTest | None) -> TestChange | None:
    if before is None or after is None:
        return TestChange(name, before, after)
    old, new = before.code, after.code
    code = code_diff(old.source, new.source) if old and new and old.source != new.source else None
    is_same = (before.status, before.row_count) == (after.status, after.row_count)
    return None if code is None and is_same else TestChange(name, before, after, code)


def _code(old: Execution, new: Execution, before: Side, after: Side) -> tuple[CodeDiff | None, CodeDiff | None]:
    if old.digest == new.digest or old.code is None or new.code is None:
        return None, None
    if old.code.source != new.code.source:
        return code_diff(old.code.source, new.code.source), None
    if _is_same_sql(old.code.sql, new.code.sql, before.own_texts, after.own_texts):
        return None, None
    return None, code_diff(old.code.sql, new.code.sql)


def _is_same_statement(old: Execution, new: Execution, before: Side, after: Side) -> bool:
    """Whether the SQL that was executed differs by comments and spaces only, and by what every task has of its own."""
    if old.code is None or new.code is None or not old.code.sql or not new.code.sql:
        return False
    texts = plain_sql(old.code.sql), plain_sql(new.code.sql)
    return _is_same_sql(*texts, before.own_texts, after.own_texts)


def _is_same_sql(old: str, new: str, old_texts: Iterable[str], new_texts: Iterable[str]) -> bool:
    """Whether they differ by nothing but what is another in every task."""
    if old == new:
        return True
    for number, (old_text, new_text) in enumerate(zip(old_texts, new_texts, strict=True)):
        old, new = old.replace(old_text, f"<{number}>"), new.replace(new_text, f"<{number}>")
    return old == new


def _reads_data(new: Execution, compiled: CodeDiff | None) -> bool:
    """Whether the run's data can have made a difference: in its SQL, or in Python that looks at it."""
    is_python = new.code is not None and not new.code.sql and "__input__" in new.code.source
    return compiled is not None or is_python


def _parameters(new: Execution, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    """The values of the run's data that differ, if the code names some of them only those."""
    changes = value_changes(before, after)
    named = _named(_PARAMETER, new.code)
    return tuple(change for change in changes if change.name in named) or (() if named else changes)


def _named(call: re.Pattern[str], code: Code | None) -> tuple[str, ...]:
    found = call.findall(code.source) if code else ()
    return tuple(dict.fromkeys(double or single for double, single in found))


def _columns(before: tuple[RecordedColumn, ...] | None, after: tuple[RecordedColumn, ...] | None) -> ColumnChanges:
    if before is None or after is None or before == after:
        return ColumnChanges()
    old, new = ({column.name: column.type for column in columns} for columns in (before, after))
    return ColumnChanges(
        tuple(column for column in after if column.name not in old),
        tuple(column for column in before if column.name not in new),
        tuple(Retyped(name, old[name], type_) for name, type_ in new.items() if old.get(name, type_) != type_),
    )


def _same_rows(before: Execution, after: Execution) -> bool | None:
    if before.rows_frame and after.rows_frame and before.rows_frame.digest == after.rows_frame.digest:
        return True
    same = same_data(before.fingerprint, after.fingerprint)
    if same is None and before.rows is not None and after.rows is not None and before.rows != after.rows:
        return False
    return same


def _other_upstreams(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    if before == after:
        return ()
    return tuple(name for name in sorted(after) if same_data(before.get(name), after[name]) is False)


def _duration(before: Execution, after: Execution, durations_ms: Iterable[int]) -> DurationChange | None:
    usual, taken = tuple(durations_ms), after.duration_ms
    if taken is None or len(usual) < _LEAST_RUNS:
        return None
    least, most = min(usual), max(usual)
    if least - _LEAST_MS < taken < most + _LEAST_MS:
        return None
    return DurationChange(before.duration_ms, taken, least, most)
