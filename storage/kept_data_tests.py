"""Data tests as attempts left them: their results, and the rows that violate them.

An attempt that carries a result over keeps no rows of its own: the result is that of the attempt that ran the test.
In that attempt, `ordinal` is the position of the test's own event, which distinguishes the two.
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlmodel import col

from dagscope.dag.events.status import DataTestResult, DataTestStatus
from dagscope.dag.ground.frames import Frame
from dagscope.storage import tables
from dagscope.storage.rows import Rows


@dataclass(frozen=True)
class KeptDataTest:
    """A data test in a task, as it was last run; `asset` is None for one that ran by itself or after the DAG.

    `violations` are the first of the `violation_count` rows. `executed_at` is ISO 8601.
    """

    result: DataTestResult
    asset: str | None
    violation_count: int
    violations: Frame | None
    executed_at: str

    @property
    def could_not_run(self) -> bool:
        """Whether it failed without having found a row: wrong SQL, a missing column, a cancelled or interrupted run."""
        return self.result.status is DataTestStatus.FAILED and not self.violation_count


class KeptDataTests(Rows):
    """The data tests at one moment. Read-only."""

    async def of_attempt(self, task_id: str, attempt: int) -> tuple[KeptDataTest, ...]:
        """The data tests of an attempt in order of execution; carried over ones are shown as they were run."""
        values = {"task_id": task_id, "attempt": attempt}
        present = {tuple(row) for row in await self.rows(_PRESENT, values)}
        newest: dict[tuple[str, str], Any] = {}
        for row in await self.rows(_EXECUTED, values):
            newest[row.asset_name, row.test_name] = row
        rows = sorted((row for key, row in newest.items() if key in present), key=lambda row: int(row.ordinal))
        return tuple(map(_kept, rows))

    async def of_test(self, task_id: str, attempt: int, test: str) -> KeptDataTest | None:
        """One test in an attempt, None if it was not run in it. Of several executions, the last."""
        found = [kept for kept in await self.of_attempt(task_id, attempt) if kept.result.test_name == test]
        return found[-1] if found else None

    async def newest_attempt_of(self, test: str) -> tuple[str, int] | None:
        """The task and attempt that last ran a test, None if it was not run since the last reset."""
        rows = await self.rows(_NEWEST, {"test": test})
        return (rows[0].task_id, rows[0].attempt) if rows else None


_RESULT = tables.DataTestResult

_PRESENT = select(col(_RESULT.asset_name), col(_RESULT.test_name)).where(
    col(_RESULT.task_id) == bindparam("task_id"), col(_RESULT.attempt) == bindparam("attempt")
)

_EXECUTED = text(
    """
    SELECT result.*, frame.rows AS frame_rows, frame.columns AS frame_columns,
        (
            SELECT timestamp FROM run_event
            WHERE run_event.task_id = result.task_id AND run_event.position < result.ordinal
                AND coalesce(run_event.step_key, '') = result.asset_name
            ORDER BY run_event.position DESC LIMIT 1
        ) AS executed_at
    FROM data_test_result AS result
    JOIN status_event ON status_event.position = result.ordinal
        AND status_event.task_id = result.task_id AND status_event.attempt = result.attempt
    LEFT JOIN frame ON frame.digest = result.violations_digest
    WHERE result.task_id = :task_id AND result.attempt <= :attempt
    ORDER BY result.attempt
    """
)
"""A test's run event comes right before the event whose position is its `ordinal`."""

_NEWEST = (
    select(col(_RESULT.task_id), col(_RESULT.attempt))
    .where(col(_RESULT.test_name) == bindparam("test"))
    .order_by(col(_RESULT.ordinal).desc())
    .limit(1)
)


def _kept(row: Any) -> KeptDataTest:
    frame = row.violations_digest and Frame(row.violations_digest, row.frame_rows, tuple(json.loads(row.frame_columns)))
    return KeptDataTest(
        result=DataTestResult(
            test_name=row.test_name,
            status=DataTestStatus(row.status),
            error=row.error,
            duration_ms=row.duration_ms,
        ),
        asset=row.asset_name or None,
        violation_count=row.violation_count,
        violations=frame or None,
        executed_at=row.executed_at or "",
    )
