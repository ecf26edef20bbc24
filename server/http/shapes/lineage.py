"""Where the columns and the rows of an asset come from."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StrictInt

from dagscope.dag.ground.shapes import Shape
from dagscope.dag.model.column_lineage import How
from dagscope.server.http.shapes.assets import Whole
from dagscope.server.http.shapes.rows import DataColumn

TRACE_ROWS = 1_000


class ColumnOrigin(Shape):
    """A column of a relation; `asset` is absent if no asset of the DAG has made it."""

    asset: str | None = None
    relation: str
    column: str


class LineageColumn(Shape):
    """A column of the asset, and the columns that it is made of; `why` is absent if it is the same as its origin."""

    name: str
    how: How
    why: str | None = None
    from_: tuple[ColumnOrigin, ...] = Field(alias="from")

    @classmethod
    def unknown(cls, name: str) -> "LineageColumn":
        """One that its asset's query does not say more of."""
        return cls(name=name, how=How.UNKNOWN, from_=())


class AssetLineage(Shape):
    """`GET /api/dag/asset/:name/lineage`."""

    name: str
    path: str
    columns: tuple[LineageColumn, ...]


Side = Literal["self", "upstream", "downstream"]


class WayColumn(Shape):
    """A column on the way of another one. Of a downstream one, `from` has only the columns on the way."""

    side: Side
    asset: str
    column: str
    how: How
    why: str | None = None
    from_: tuple[ColumnOrigin, ...] = Field(alias="from")


class ColumnWay(Shape):
    """`GET /api/dag/asset/:name/lineage/way`; `reasons` says of assets on the way why they cannot be followed.

    Not `is_whole` if there were too many assets to look at.
    """

    name: str
    column: str
    columns: tuple[WayColumn, ...]
    reasons: Mapping[str, str]
    is_whole: bool


class TraceRequest(Shape):
    """`POST /api/dag/asset/:name/trace`: values of a row by column, and how many rows of each relation to return."""

    row: dict[str, JsonValue]
    limit: Annotated[StrictInt, Field(ge=0, le=TRACE_ROWS), Whole] = 10


class FollowedColumn(Shape):
    """A column of the row, and the column of the other relation that has the same value."""

    column: str
    other: str


class TracedRows(Shape):
    """The rows of another asset that have the row's values; without `columns`, `sentence` says why not.

    `read_as` names the place if the query reads the asset in several. `not_followed` are what else chooses rows.
    """

    asset: str
    sentence: str
    read_as: str | None = None
    followed: tuple[FollowedColumn, ...] = ()
    not_followed: tuple[str, ...] = ()
    matching_records: int | None = None
    columns: tuple[DataColumn, ...] | None = None
    rows: Any = None


class RowTrace(Shape):
    """The rows of each upstream that the row can come from, and those of each downstream that it can be in.

    `row` has the values that were followed, and `sentence` says how they were found.
    """

    name: str
    sentence: str
    row: Mapping[str, JsonValue]
    upstreams: tuple[TracedRows, ...]
    downstreams: tuple[TracedRows, ...]
