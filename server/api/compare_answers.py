"""Comparisons in the shape of their answer."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from dagscope.server.api.row_answers import columns_shape
from dagscope.server.api.row_json import parsed_rows
from dagscope.server.http.shapes.compare import (
    AssetDifference,
    CauseNow,
    CodeDifference,
    ColumnDifference,
    ComparedColumn,
    ComparedTask,
    DurationsCompared,
    RedNode,
    RetypedColumn,
    RowDifferenceNow,
    RowsCompared,
    RowsThatDiffer,
    RowThatDiffers,
    TasksCompared,
    TestDifference,
    TestOutcome,
    ValueDifference,
)
from dagscope.server.workspace.compare.causes import Red
from dagscope.server.workspace.compare.changes import AssetChanges, ColumnChanges, TestChange, ValueChange
from dagscope.server.workspace.compare.code_diffs import CodeDiff
from dagscope.server.workspace.compare.comparing_tasks import RowsOfBoth
from dagscope.server.workspace.compare.comparison import AssetComparison, Comparison
from dagscope.server.workspace.compare.executions import RanTest
from dagscope.server.workspace.compare.row_differences import RowDifference
from dagscope.server.workspace.compare.row_lists import AskedList, RowChange
from dagscope.storage.tasks import KeptAttempt


def comparison_body(comparison: Comparison) -> TasksCompared:
    """The answer."""
    return TasksCompared(
        from_=_task(comparison.before),
        to=_task(comparison.after),
        red=tuple(map(_red, comparison.red)),
        assets=tuple(map(_asset, comparison.assets)),
        root_tests=_tests(comparison.root_tests),
    )


def _task(task: KeptAttempt) -> ComparedTask:
    summary = task.summary
    return ComparedTask(
        task_id=summary.task_id,
        attempt=task.attempt,
        status=summary.status,
        start_time=summary.start_time,
        end_time=summary.end_time,
    )


def _red(red: Red) -> RedNode:
    return RedNode(
        asset_name=red.asset or None,
        test_names=red.tests,
        message=red.message,
        sentence=red.sentence,
        causes=tuple(
            CauseNow(
                kind=cause.kind,
                asset_name=cause.asset or None,
                test_name=cause.test,
                sentence=cause.sentence,
                evidence=cause.evidence,
            )
            for cause in red.causes
        ),
    )


def _asset(asset: AssetComparison) -> AssetDifference:
    changes = asset.changes
    before, after = changes.before, changes.after
    return AssetDifference(
        asset_name=changes.asset,
        from_state=before.state if before else None,
        to_state=after.state if after else None,
        message=after.message if after else "",
        sql=_diff(changes.source),
        compiled_sql=_diff(changes.compiled),
        columns=_columns(changes.columns) if changes.columns else None,
        rows=_rows(asset),
        tests=_tests(changes.tests),
        upstreams=changes.upstreams,
        parameters=_values(changes.parameters),
        engine=_value(changes.engine) if changes.engine else None,
        settings=_values(changes.settings),
        duration_ms=_durations(changes),
    )


def _diff(diff: CodeDiff | None) -> CodeDifference | None:
    return CodeDifference(diff=diff.text, added=diff.added, removed=diff.removed) if diff else None


def _columns(columns: ColumnChanges) -> ColumnDifference:
    return ColumnDifference(
        added=tuple(ComparedColumn(name=column.name, type=column.type) for column in columns.added),
        removed=tuple(ComparedColumn(name=column.name, type=column.type) for column in columns.removed),
        retyped=tuple(
            RetypedColumn(name=column.name, from_=column.before, to=column.after) for column in columns.retyped
        ),
    )


def _rows(asset: AssetComparison) -> RowsCompared:
    before, after = asset.changes.before, asset.changes.after
    return RowsCompared(
        from_=before.rows if before else None,
        to=after.rows if after else None,
        same=asset.changes.same_rows,
        difference=_difference(asset.difference) if asset.difference else None,
        note=asset.note or None,
    )


def _difference(found: RowDifference) -> RowDifferenceNow:
    return RowDifferenceNow(added=found.added, removed=found.removed, changed=found.changed, key=found.key or None)


def _tests(changes: Iterable[TestChange]) -> tuple[TestDifference, ...]:
    return tuple(
        TestDifference(
            test_name=change.name, from_=_outcome(change.before), to=_outcome(change.after), sql=_diff(change.code)
        )
        for change in changes
    )


def _outcome(test: RanTest | None) -> TestOutcome | None:
    return TestOutcome(status=test.status, row_count=test.row_count or None) if test else None


def _values(changes: Iterable[ValueChange]) -> tuple[ValueDifference, ...]:
    return tuple(map(_value, changes))


def _value(change: ValueChange) -> ValueDifference:
    return ValueDifference(name=change.name, from_=change.before, to=change.after)


def _durations(changes: AssetChanges) -> DurationsCompared:
    before, after, unusual = changes.before, changes.after, changes.duration
    return DurationsCompared(
        from_=before.duration_ms if before else None,
        to=after.duration_ms if after else None,
        is_unusual=unusual is not None,
        least=unusual.least if unusual else None,
        most=unusual.most if unusual else None,
    )


def row_list_body(asset: str, both: RowsOfBoth, asked: AskedList) -> RowsThatDiffer:
    """The answer."""
    listed = both.rows
    before, after = _cells(listed.before), _cells(listed.after)
    return RowsThatDiffer(
        from_=_task(both.before),
        to=_task(both.after),
        asset_name=asset,
        difference=_difference(listed.difference),
        columns=columns_shape(listed.columns, listed.difference.key),
        left_out=listed.left_out,
        matching_records=listed.matching,
        offset=asked.offset,
        limit=asked.limit,
        rows=tuple(
            RowThatDiffers(
                change=row.change,
                from_=None if row.change is RowChange.ADDED else next(before),
                to=None if row.change is RowChange.REMOVED else next(after),
                cells=row.cells,
                times=row.times if row.times > 1 else None,
            )
            for row in listed.rows
        ),
    )


def _cells(table: pa.Table) -> Iterator[Any]:
    return iter(parsed_rows(iter(table.combine_chunks().to_batches())))
