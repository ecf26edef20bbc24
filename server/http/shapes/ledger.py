"""The ledger of a data test's failing rows."""

from typing import Any, Literal

from dagscope.dag.events.status import DataTestStatus
from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.shapes.rows import DataColumn


class LedgerTask(Shape):
    """A data test in a task. Of `row_count` rows, `kept_rows` were compared with those of the task before that ran it.

    Without a `status`, the test was not run in the task; without a `row_count`, it could not run, or runs now.
    """

    task_id: str
    attempt: int
    start_time: int
    status: DataTestStatus | None = None
    could_not_run: bool = False
    row_count: int | None = None
    kept_rows: int | None = None
    new_rows: int | None = None
    fixed_rows: int | None = None
    maybe_new_rows: int | None = None
    still_rows: int | None = None
    columns_changed: Literal[True] | None = None
    error_msg: str | None = None


class LedgerGroup(Shape):
    """The rows that became the same in the newest task that ran the test; `since` has a task for each row.

    If `since_is_exact` is false, the row may have failed before that task.
    """

    state: str
    count: int
    rows: Any
    since: tuple[str, ...]
    since_is_exact: tuple[bool, ...]


class DataTestLedger(Shape):
    """`GET /api/tests/ledger/:testName`; `tasks` are the newest first, `groups` describe the rows of `task_id`.

    `key_fields` are absent where rows were compared by all their values.
    """

    test_name: str
    tasks: tuple[LedgerTask, ...]
    has_earlier: bool
    task_id: str | None = None
    compared_with: str | None = None
    key_fields: tuple[str, ...] | None = None
    columns: tuple[DataColumn, ...] = ()
    groups: tuple[LedgerGroup, ...] = ()
