"""Where the columns of an asset come from."""

from pydantic import Field

from dagscope.dag.ground.shapes import Shape
from dagscope.dag.model.column_lineage import How


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


class AssetLineage(Shape):
    """`GET /api/dag/asset/:name/lineage`."""

    name: str
    path: str
    columns: tuple[LineageColumn, ...]
