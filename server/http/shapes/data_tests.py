"""Data tests, their results, and the rows that violate them."""

from typing import Any

from dagscope.dag.events.status import DataTestStatus
from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.shapes.rows import DataColumn


class DataTestProfile(Shape):
    """A data test; `sql` selects the violating rows, `mask` lists the columns whose values are not kept."""

    name: str
    sql: str
    connection_name: str
    connection_type: str
    status: DataTestStatus
    description: str
    mask: tuple[str, ...] | None = None


class DataTests(Shape):
    """`GET /api/tests`."""

    tests: tuple[DataTestProfile, ...]


class TaskDataTest(DataTestProfile):
    """A data test in a task. `row_count` rows violate it, the first `kept_rows` of them are kept.

    `could_not_run` is true if the test failed with an error (`error_msg`) and not because it found rows.
    `asset_name` is absent for a test that ran by itself or after the DAG. `executed_at` is ISO 8601.
    """

    asset_name: str | None = None
    could_not_run: bool
    row_count: int
    kept_rows: int
    error_msg: str
    duration_ms: int
    executed_at: str


class TaskDataTests(Shape):
    """`GET /api/tests/results/:taskId`, in order of execution."""

    task_id: str
    attempt: int
    tests: tuple[TaskDataTest, ...]


class DataTestExecuted(Shape):
    """`POST /api/tests/execute/:testName`; the fields are those of `TaskDataTest`."""

    test_name: str
    description: str = ""
    task_id: str
    status: DataTestStatus
    could_not_run: bool = False
    row_count: int = 0
    kept_rows: int = 0
    error_msg: str = ""
    duration_ms: int = 0
    executed_at: str = ""


class DataTestData(DataTestExecuted):
    """`GET /api/tests/data/:testName`: a page of the rows that violate a data test."""

    columns: tuple[str, ...] = ()
    matching_records: int | None = None
    data: Any = ()


class DataTestRows(DataTestExecuted):
    """The same with `format=arrays`: `total_records` counts the kept rows, `matching_records` those of the filter."""

    attempt: int
    columns: tuple[DataColumn, ...] = ()
    total_records: int = 0
    matching_records: int = 0
    offset: int | None = None
    limit: int | None = None
    rows: Any = ()
