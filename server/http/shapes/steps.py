"""The steps of a query."""

from typing import Any

from pydantic import StrictBool

from dagscope.dag.ground.shapes import Shape
from dagscope.dag.model.query_steps import QueryKind, StepKind
from dagscope.dag.run.step_counts import StepMark
from dagscope.server.http.shapes.assets import PreviewRequest
from dagscope.server.http.shapes.rows import DataColumn


class StepsRequest(PreviewRequest):
    """The optional body of `POST .../steps`. `offset` and `limit` are of the rows of one step. Other keys are ignored.

    Without `count` and `step`, nothing is run.
    """

    count: StrictBool = False
    step: str | None = None


class StepInputRows(Shape):
    """What a step reads: another step, or a relation; `row_count` is absent if it was not counted."""

    name: str
    step: str | None = None
    row_count: int | None = None


class Step(Shape):
    """One step. `line` and `column` are in the file, absent if the template does not keep its lines.

    `sql_line` and `sql_column` are in `sql`. `mark` and `sentence` are there if rows vanish or multiply, `error` if
    the database refused to count it, `why_not_run` if it cannot run alone.
    """

    id: str
    kind: StepKind
    title: str
    query: str
    query_kind: QueryKind
    level: int
    is_last: bool
    line: int | None = None
    column: int | None = None
    sql_line: int
    sql_column: int
    inputs: tuple[StepInputRows, ...]
    row_count: int | None = None
    mark: StepMark | None = None
    sentence: str | None = None
    error: str | None = None
    why_not_run: str | None = None


class Steps(Shape):
    """`POST .../steps`: the steps in the order in which they take effect. The last one is the whole query, `sql`.

    With `step` only that one, with its own `step_sql` and a page of its rows.
    """

    name: str
    path: str
    connection_name: str
    sql: str
    steps: tuple[Step, ...]
    step_sql: str | None = None
    columns: tuple[DataColumn, ...] | None = None
    offset: int | None = None
    limit: int | None = None
    rows: Any = None
