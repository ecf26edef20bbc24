"""What one data test found in each of the newest tasks, for its ledger."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from dagscope.dag.events.status import DataTestStatus, TaskSummary
from dagscope.dag.ground.frames import Frame
from dagscope.storage.rows import Rows
from dagscope.storage.task_history import newest_tasks


@dataclass(frozen=True)
class DataTestRun:
    """A data test in a task, as its newest attempt left it. `status` is None if the test was not run in it.

    `violations` are the first of the `violation_count` rows. `asset` is None if it ran by itself or after the DAG.
    """

    task_id: str
    attempt: int
    start_time: int
    status: DataTestStatus | None
    asset: str | None = None
    violation_count: int = 0
    violations: Frame | None = None

    @property
    def has_counted(self) -> bool:
        """Whether it is known how many rows violate the test: it passed, or found some."""
        return self.status is DataTestStatus.SUCCESS or bool(self.violation_count)

    @property
    def could_not_run(self) -> bool:
        """Whether it failed without having found a row."""
        return self.status is DataTestStatus.FAILED and not self.violation_count


class DataTestRuns(Rows):
    """The runs of data tests at one moment. Read-only."""

    async def newest(self, test: str, limit: int, through: TaskSummary | None = None) -> tuple[DataTestRun, ...]:
        """The test in the newest `limit` tasks, or in those up to this one, newest first."""
        tasks = await self.columns(newest_tasks(limit, through))
        values = {"shown": json.dumps([[task["task_id"], task["attempt"]] for task in tasks]), "test": test}
        found = {row.place: row for row in await self.rows(_RUNS, values)}
        return tuple(_run(task, found.get(place)) for place, task in enumerate(tasks))


_RUNS = text(
    """
    WITH shown AS MATERIALIZED (
        SELECT key AS place, json_extract(value, '$[0]') AS task_id, json_extract(value, '$[1]') AS attempt
        FROM json_each(:shown)
    ),
    executed AS (
        SELECT place, max(ordinal), result.asset_name, result.status, result.violation_count, result.violations_digest
        FROM shown CROSS JOIN data_test_result AS result
            ON result.task_id = shown.task_id AND result.attempt <= shown.attempt AND result.test_name = :test
        JOIN status_event ON status_event.position = result.ordinal
            AND status_event.task_id = result.task_id AND status_event.attempt = result.attempt
        WHERE EXISTS (
            SELECT 1 FROM data_test_result AS present
            WHERE present.task_id = shown.task_id AND present.attempt = shown.attempt
                AND present.asset_name = result.asset_name AND present.test_name = :test
        )
        GROUP BY place
    )
    SELECT executed.*, frame.rows AS frame_rows, frame.columns AS frame_columns
    FROM executed LEFT JOIN frame ON frame.digest = executed.violations_digest
    """
)
"""As in storage/kept_data_tests.py, only what an attempt executed has an `ordinal` of the log. The last one counts."""


def _run(task: dict[str, Any], row: Any) -> DataTestRun:
    facts = (task["task_id"], task["attempt"], task["start_time"])
    if row is None:
        return DataTestRun(*facts, status=None)
    digest = row.violations_digest
    return DataTestRun(
        *facts,
        status=DataTestStatus(row.status),
        asset=row.asset_name or None,
        violation_count=row.violation_count,
        violations=Frame(digest, row.frame_rows, tuple(json.loads(row.frame_columns))) if digest else None,
    )
