"""The newest tasks side by side: how each ended, and what each asset and data test did in each of them.

Everything is aggregated in SQLite, a statement for all tasks: the cost is that of the tasks shown, whatever is kept.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, text, tuple_
from sqlmodel import col

from dagscope.dag.events.status import TaskSummary
from dagscope.storage import tables
from dagscope.storage.rows import Columns, Rows, shaped

SHOWN_MESSAGE = 500  # characters of a failure's message: a database can repeat a statement of megabytes in it


@dataclass(frozen=True)
class FailureInTask:
    """What failed first in a task: a node, one of its data tests, or a test of no asset. `message` is cut.

    `row_count` rows violate the data test, None if it could not run.
    """

    message: str
    asset: str | None
    test: str | None
    row_count: int | None


@dataclass(frozen=True)
class TaskInHistory:
    """A task as its newest attempt left it."""

    summary: TaskSummary
    attempt: int
    skipped_assets: int
    failed_tests: int
    violating_rows: int
    first_failure: FailureInTask | None


@dataclass(frozen=True)
class Series:
    """What an asset or a data test did in each task: a number, and its state; None where it was not part of it."""

    name: str
    numbers: Sequence[int | None]
    states: Sequence[str | None]


@dataclass(frozen=True)
class History:
    """Tasks, oldest first, with series in the same order. `has_earlier` if there are older tasks."""

    tasks: tuple[TaskInHistory, ...]
    assets: tuple[Series, ...]
    tests: tuple[Series, ...]
    has_earlier: bool


class TaskHistory(Rows):
    """The newest tasks at one moment. Read-only."""

    async def newest(self, limit: int, through: TaskSummary | None = None) -> History:
        """The newest `limit` tasks, or those up to this one."""
        rows = await self.columns(newest_tasks(limit + 1, through))
        shown = rows[:limit][::-1]
        values = _values(shown)
        found = {row.place: row for row in await self.rows(_UNSUCCESSFUL, values)}
        return History(
            tasks=tuple(_task(row, found.get(place)) for place, row in enumerate(shown)),
            assets=tuple(_series(row.name, row.series) for row in await self.rows(_ASSETS, values)),
            tests=_of_tests(await self.rows(_TESTS, values)),
            has_earlier=len(rows) > limit,
        )

    async def assets(self, limit: int, through: TaskSummary) -> tuple[Series, ...]:
        """The series of assets alone, of the tasks up to this one."""
        shown = (await self.columns(newest_tasks(limit, through)))[::-1]
        return tuple(_series(row.name, row.series) for row in await self.rows(_ASSETS, _values(shown)))


def _values(shown: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Which tasks the statements are about, oldest first."""
    return {"shown": json.dumps([[row["task_id"], row["attempt"], row["status"]] for row in shown])}


def newest_tasks(limit: int, through: TaskSummary | None) -> Select[Any]:
    """The statement for the newest tasks, or those up to this one, newest first."""
    task = tables.Task
    statement = select(task).order_by(col(task.start_time).desc(), col(task.task_id).desc()).limit(limit)
    if through is None:
        return statement
    position = tuple_(col(task.start_time), col(task.task_id))
    return statement.where(position <= tuple_(through.start_time, through.task_id))


_SHOWN = """
    shown AS MATERIALIZED (
        SELECT key AS place, json_extract(value, '$[0]') AS task_id, json_extract(value, '$[1]') AS attempt,
            json_extract(value, '$[2]') AS task_status
        FROM json_each(:shown)
    )
"""

_UNSUCCESSFUL = text(
    f"""
    WITH {_SHOWN},
    unsuccessful AS MATERIALIZED (SELECT * FROM shown WHERE task_status <> 'SUCCESS'),
    failed_node AS (
        SELECT place, asset_name, substr(message, 1, {SHOWN_MESSAGE + 1}) AS message,
            row_number() OVER (PARTITION BY place ORDER BY end_time, "order") AS nth
        FROM unsuccessful JOIN node USING (task_id, attempt) WHERE state = 'FAILED'
    ),
    failed_test AS (
        SELECT place, asset_name, test_name, substr(error, 1, {SHOWN_MESSAGE + 1}) AS error, violation_count,
            row_number() OVER (PARTITION BY place, asset_name ORDER BY ordinal) AS nth
        FROM unsuccessful JOIN data_test_result USING (task_id, attempt) WHERE status = 'FAILED'
    ),
    skipped AS (
        SELECT place, count(*) AS assets FROM unsuccessful JOIN node USING (task_id, attempt)
        WHERE state = 'INITIAL' AND message <> '' GROUP BY place
    ),
    red AS (SELECT place, count(*) AS tests, sum(violation_count) AS rows FROM failed_test GROUP BY place)
    SELECT unsuccessful.place, coalesce(skipped.assets, 0) AS skipped_assets, coalesce(red.tests, 0) AS failed_tests,
        coalesce(red.rows, 0) AS violating_rows, failed_node.asset_name, failed_node.message,
        failed_test.test_name, failed_test.error, failed_test.violation_count
    FROM unsuccessful LEFT JOIN skipped USING (place) LEFT JOIN red USING (place)
    LEFT JOIN failed_node ON failed_node.place = unsuccessful.place AND failed_node.nth = 1
    LEFT JOIN failed_test ON failed_test.place = unsuccessful.place AND failed_test.nth = 1
        AND failed_test.asset_name = coalesce(failed_node.asset_name, '')
    """
)
"""Nothing failed in a task that succeeded. A test of no asset is first only if no node failed: it ran after all."""

# An array for each name, made in SQLite: a row for each name and task would be a million Python objects. The subquery's
# order is that of the array, since nothing comes between the two.
_ASSETS = text(
    f"""
    WITH {_SHOWN},
    asset AS (SELECT DISTINCT asset_name FROM shown JOIN node USING (task_id, attempt) WHERE NOT is_selection)
    SELECT asset_name AS name, (
        SELECT json_array(json_group_array(number), json_group_array(state)) FROM (
            SELECT state, CASE WHEN state = 'SUCCESS' OR state = 'FAILED' AND message NOT LIKE 'interrupted: %'
                THEN execution_time_ms END AS number
            FROM shown LEFT JOIN node ON node.task_id = shown.task_id AND node.attempt = shown.attempt
                AND node.asset_name = asset.asset_name AND NOT node.is_selection
            ORDER BY place
        )
    ) AS series
    FROM asset ORDER BY asset_name
    """
)

_TESTS = text(
    f"""
    WITH {_SHOWN},
    test AS (SELECT DISTINCT test_name, asset_name FROM shown JOIN data_test_result USING (task_id, attempt))
    SELECT test_name AS name, (
        SELECT json_array(json_group_array(number), json_group_array(status)) FROM (
            SELECT status,
                CASE status WHEN 'SUCCESS' THEN 0 WHEN 'FAILED' THEN nullif(violation_count, 0) END AS number
            FROM shown LEFT JOIN data_test_result AS result ON result.task_id = shown.task_id
                AND result.attempt = shown.attempt AND result.asset_name = test.asset_name
                AND result.test_name = test.test_name
            ORDER BY place
        )
    ) AS series
    FROM test ORDER BY test_name, asset_name DESC
    """
)
"""A row for each asset that a test belongs to, at last that of the test by itself."""


def _task(row: Columns, found: Any) -> TaskInHistory:
    return TaskInHistory(
        summary=shaped(TaskSummary, row),
        attempt=row["attempt"],
        skipped_assets=found.skipped_assets if found else 0,
        failed_tests=found.failed_tests if found else 0,
        violating_rows=found.violating_rows if found else 0,
        first_failure=_first_failure(found) if found else None,
    )


def _first_failure(row: Any) -> FailureInTask | None:
    if row.asset_name is None and row.test_name is None:
        return None
    message = (row.message if row.asset_name is not None else row.error) or ""
    return FailureInTask(
        message=message if len(message) <= SHOWN_MESSAGE else f"{message[:SHOWN_MESSAGE]}…",
        asset=row.asset_name,
        test=row.test_name,
        row_count=row.violation_count or None,
    )


def _series(name: str, arrays: str) -> Series:
    numbers, states = json.loads(arrays)
    return Series(name, numbers, states)


def _of_tests(rows: Sequence[Any]) -> tuple[Series, ...]:
    """By name. Of a test that ran with its asset and by itself in one task, the run by itself counts."""
    found: dict[str, Series] = {}
    for row in rows:
        series = _series(row.name, row.series)
        before = found.get(row.name)
        found[row.name] = series if before is None else _over(before, series)
    return tuple(found.values())


def _over(before: Series, later: Series) -> Series:
    pairs = zip(before.numbers, before.states, later.numbers, later.states, strict=True)
    merged = [(number, state) if state is not None else (old, old_state) for old, old_state, number, state in pairs]
    return Series(later.name, [number for number, _ in merged], [state for _, state in merged])
