"""`GET /api/compare`: what differs between two tasks, and why nodes are red."""

from typing import Any

from pydantic import Field

from dagscope.dag.events.status import DataTestStatus, NodeState, TaskStatus
from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.shapes.rows import DataColumn
from dagscope.server.workspace.compare.own_changes import CauseKind
from dagscope.server.workspace.compare.row_lists import RowChange


class ComparedTask(Shape):
    """One of the two tasks. Times are epoch milliseconds."""

    task_id: str
    attempt: int
    status: TaskStatus
    start_time: int | None = None
    end_time: int | None = None


class CodeDifference(Shape):
    """A unified diff, and how many lines were added and removed."""

    diff: str
    added: int
    removed: int


class ValueDifference(Shape):
    """A value in both tasks; absent where there is none."""

    name: str
    from_: str | None = Field(None, alias="from")
    to: str | None = None


class ComparedColumn(Shape):
    """A column, with its type as the engine names it."""

    name: str
    type: str


class RetypedColumn(Shape):
    """A column whose type differs."""

    name: str
    from_: str = Field(alias="from")
    to: str


class ColumnDifference(Shape):
    """The columns that only one of the two relations has, and those whose type differs."""

    added: tuple[ComparedColumn, ...]
    removed: tuple[ComparedColumn, ...]
    retyped: tuple[RetypedColumn, ...]


class RowDifferenceNow(Shape):
    """How many rows were added and removed and, where they have a `key`, changed."""

    added: int
    removed: int
    changed: int | None = None
    key: tuple[str, ...] | None = None


class RowsCompared(Shape):
    """The number of rows in both tasks, and if they are the same ones; absent if that is not known.

    `note` says why there is no `difference`, or what it does not show.
    """

    from_: int | None = Field(None, alias="from")
    to: int | None = None
    same: bool | None = None
    difference: RowDifferenceNow | None = None
    note: str | None = None


class TestOutcome(Shape):
    """How a data test ended; `row_count` rows violate it."""

    status: DataTestStatus
    row_count: int | None = None


class TestDifference(Shape):
    """A data test that ended otherwise or whose SQL differs; an outcome is absent if the task did not run it."""

    test_name: str
    from_: TestOutcome | None = Field(None, alias="from")
    to: TestOutcome | None = None
    sql: CodeDifference | None = None


class DurationsCompared(Shape):
    """What the asset took, in milliseconds. `is_unusual` if the last ten runs took between `least` and `most`."""

    from_: int | None = Field(None, alias="from")
    to: int | None = None
    is_unusual: bool = False
    least: int | None = None
    most: int | None = None


class AssetDifference(Shape):
    """An asset in both tasks; what does not differ is absent. A state is absent if the task did not have the asset."""

    asset_name: str
    from_state: NodeState | None = None
    to_state: NodeState | None = None
    message: str = ""
    sql: CodeDifference | None = None
    compiled_sql: CodeDifference | None = None
    columns: ColumnDifference | None = None
    rows: RowsCompared
    tests: tuple[TestDifference, ...] = ()
    upstreams: tuple[str, ...] = ()
    parameters: tuple[ValueDifference, ...] = ()
    engine: ValueDifference | None = None
    settings: tuple[ValueDifference, ...] = ()
    duration_ms: DurationsCompared


class CauseNow(Shape):
    """A change that a node is red because of, and what speaks for it."""

    kind: CauseKind
    asset_name: str | None = None
    test_name: str | None = None
    sentence: str
    evidence: tuple[str, ...]


class RedNode(Shape):
    """A red node, or a red root test, with the causes, the likeliest first. `sentence` sums them up."""

    asset_name: str | None = None
    test_names: tuple[str, ...]
    message: str
    sentence: str
    causes: tuple[CauseNow, ...]


class TasksCompared(Shape):
    """`GET /api/compare`; the assets are in the order of the newer task."""

    from_: ComparedTask = Field(alias="from")
    to: ComparedTask
    red: tuple[RedNode, ...]
    assets: tuple[AssetDifference, ...]
    root_tests: tuple[TestDifference, ...]


class RowThatDiffers(Shape):
    """A row in both tasks, as an array of values; absent where there is none.

    `cells` are the places of the columns that changed. `times` is how often the row differs, absent if once.
    """

    change: RowChange
    from_: Any = Field(None, alias="from")
    to: Any = None
    cells: tuple[int, ...] = ()
    times: int | None = None


class RowsThatDiffer(Shape):
    """`GET /api/compare/rows`: a page of the rows of an asset that differ between two tasks.

    `columns` are those that are compared, and `left_out` the others.
    """

    from_: ComparedTask = Field(alias="from")
    to: ComparedTask
    asset_name: str
    difference: RowDifferenceNow
    columns: tuple[DataColumn, ...]
    left_out: tuple[str, ...]
    matching_records: int
    offset: int
    limit: int
    rows: tuple[RowThatDiffers, ...]
