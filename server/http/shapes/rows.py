"""The data of an asset, and what its columns are like."""

from typing import Any, Literal

from pydantic import Field

from dagscope.dag.ground.shapes import Shape


class AssetData(Shape):
    """The data of an asset. A dataframe's `data` is its rows as objects; `row_count` counts all rows, not the page's.

    `total_records` (the same number), `offset` and `limit` are present if a task or a page was requested.
    `relation_rows` is there if only the first rows of a relation were captured: how many it had.
    """

    asset_name: str
    has_data: bool
    data_type: str
    is_data_framed: bool
    data: Any = None
    row_count: int | None = None
    column_count: int | None = None
    columns: tuple[str, ...] | None = None
    total_records: int | None = None
    matching_records: int | None = None
    offset: int | None = None
    limit: int | None = None
    relation_rows: int | None = None
    error: str = ""


class DataColumn(Shape):
    """A column of rows as arrays: `type` in SQL's own words; `key` is true for a field of the primary key."""

    name: str
    type: str
    key: Literal[True] | None = None


class AssetRows(Shape):
    """The data of an asset with `format=arrays`: rows as arrays, or the value of a raw asset as `data`.

    `total_records` counts all rows, `matching_records` those that the filter leaves. `task_id` and `attempt` made them.
    `relation_rows` as in `AssetData`.
    """

    asset_name: str
    has_data: bool
    data_type: str
    is_data_framed: bool
    task_id: str
    attempt: int
    made_time: int | None = None
    columns: tuple[DataColumn, ...] | None = None
    total_records: int | None = None
    matching_records: int | None = None
    offset: int | None = None
    limit: int | None = None
    relation_rows: int | None = None
    rows: Any = None
    data: Any = None


class HistogramBin(Shape):
    """How many values are between two bounds; the upper one belongs to the last bin only."""

    from_: Any = Field(alias="from")
    to: Any
    count: int


class CommonValue(Shape):
    """A value, and how many rows have it."""

    value: Any
    count: int


class ColumnSummaryNow(DataColumn):
    """What the values of a column are like. Values are as in rows as arrays."""

    nulls: int
    distinct: int
    distinct_is_approximate: bool
    least: Any = None
    most: Any = None
    mean: float | None = None
    histogram: tuple[HistogramBin, ...] | None = None
    commonest: tuple[CommonValue, ...] | None = None


class DataSummary(Shape):
    """`GET .../data/summary`; `total_records` counts the rows that the filter leaves."""

    total_records: int
    columns: tuple[ColumnSummaryNow, ...]
