"""What the values of each column are like: NULLs, distinct values, bounds, mean, and a histogram or the commonest.

The SQL is DuckDB's. It runs where the rows are: in the embedded DuckDB, or in a DuckDB of the project. Columns are
looked at together wherever one pass over the rows can answer for all of them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pyarrow as pa

from dagscope.dag.connections.row_columns import Kind, RowColumn

BINS = 15
COMMONEST = 5
_EXACT_ROWS = 100_000
"""With at most this many rows, all distinct values are counted one by one."""
_EXACT_DISTINCT = 10_000
"""With more rows, those of columns that have at most about this many."""
_NEARLY_ALL = 0.8
"""Columns of many rows that differ in nearly all of them have no commonest values worth the time."""

Query = Callable[[str], pa.Table]
"""The rows of a query."""


@dataclass(frozen=True)
class Bin:
    """How many values are between two bounds; the upper one belongs to the last bin only.

    The bounds are numbers; for dates and times, microseconds since 1970.
    """

    least: float
    most: float
    count: int


@dataclass(frozen=True)
class ColumnSummary:
    """One column. `ends` are the least and the greatest value; None without an order.

    `field` describes the type of `ends`, and of the values in `commonest`, which come with their counts.
    """

    column: RowColumn
    field: pa.Field
    nulls: int
    distinct: int
    is_approximate: bool = False
    ends: pa.Array | None = None
    mean: float | None = None
    bins: tuple[Bin, ...] | None = None
    commonest: tuple[pa.Array, tuple[int, ...]] | None = None


@dataclass(frozen=True)
class Summary:
    """The columns of `rows` rows."""

    rows: int
    columns: tuple[ColumnSummary, ...]


def summarized(columns: Sequence[RowColumn], schema: pa.Schema, source: str, where: str, query: Query) -> Summary:
    """Summarize the columns, whose Arrow fields are in `schema`, of the rows in `source` that meet a condition."""
    rows = f"{source}{f' WHERE {where}' if where else ''}"
    totals = query(f"SELECT {', '.join(['count(*)', *(part for c in columns for part in _totals(c))])} FROM {rows}")
    row = [column[0] for column in totals.columns]
    count, found = int(row[0].as_py()), []
    for index, column in enumerate(columns):
        values, distinct, least, most, mean = row[1 + 5 * index : 6 + 5 * index]
        ends = None if not _is_ordered(column) else pa.concat_arrays([_one(least), _one(most)])
        nulls = count - values.as_py()
        found.append(ColumnSummary(column, schema.field(index), nulls, distinct.as_py(), True, ends, mean.as_py()))
    found = _with_distinct(found, rows, count, query)
    found = _with_bins(found, rows, query)
    return Summary(count, tuple(_with_commonest(summary, rows, count, query) for summary in found))


def _one(value: pa.Scalar) -> pa.Array:
    return pa.array([value.as_py()], value.type) if not value.is_valid else pa.repeat(value, 1)


def _totals(column: RowColumn) -> tuple[str, ...]:
    """The parts of the first pass; always as many."""
    value, compared = column.value, column.compared
    ends = ("NULL", "NULL")
    if _is_ordered(column):
        ends = (f"min({value})", f"max({value})")
        if column.has_key:
            ends = (f"arg_min({value}, {compared})", f"arg_max({value}, {compared})")
    mean = f"avg({_position(column)})" if column.kind.is_number else "NULL"
    counted = compared if column.kind is Kind.NESTED else value
    return (f"count({value})", f"approx_count_distinct({counted})", *ends, mean)


def _is_ordered(column: RowColumn) -> bool:
    return column.kind not in (Kind.NESTED, Kind.BYTES, Kind.BOOLEAN)


_TIMES = (Kind.DATE, Kind.TIMESTAMP, Kind.ZONED)


def _position(column: RowColumn) -> str:
    """Where a value is on the axis of a histogram: a finite DOUBLE, else NULL."""
    if column.kind in _TIMES:
        return f"CASE WHEN isfinite({column.value}) THEN epoch_us({column.value})::DOUBLE END"
    if column.kind is Kind.FLOAT:
        return f"CASE WHEN isfinite({column.value}) THEN {column.value}::DOUBLE END"
    if column.has_key:
        return f"CASE WHEN isfinite({column.value}::DOUBLE) THEN {column.value}::DOUBLE END"
    return f"{column.value}::DOUBLE"


def _with_distinct(found: list[ColumnSummary], rows: str, count: int, query: Query) -> list[ColumnSummary]:
    """Replace the approximate numbers where exact ones are quick."""
    is_small = count <= _EXACT_ROWS
    places = [index for index, each in enumerate(found) if is_small or each.distinct <= _EXACT_DISTINCT]
    if not places:
        return found
    parts = [f"count(DISTINCT {_grouped(found[place].column)})" for place in places]
    exact = query(f"SELECT {', '.join(parts)} FROM {rows}")
    changed = list(found)
    for place, column in zip(places, exact.columns, strict=True):
        changed[place] = replace(found[place], distinct=column[0].as_py(), is_approximate=False)
    return changed


def _grouped(column: RowColumn) -> str:
    return column.compared if column.kind is Kind.NESTED or column.has_key else column.value


def _with_bins(found: list[ColumnSummary], rows: str, query: Query) -> list[ColumnSummary]:
    """Count the values of all numbers, dates and times in bins, in one pass after the one for their bounds."""
    places = [index for index, each in enumerate(found) if each.column.kind.is_number or each.column.kind in _TIMES]
    if not places:
        return found
    positions = [_position(found[place].column) for place in places]
    bounds = query(f"SELECT {', '.join(f'min({each}), max({each})' for each in positions)} FROM {rows}").columns
    axes = [_Axis.of(bounds[2 * i][0].as_py(), bounds[2 * i + 1][0].as_py(), found[p]) for i, p in enumerate(places)]
    parts = [
        f"histogram({axis.bin_of(position)})" if axis else "NULL"
        for axis, position in zip(axes, positions, strict=True)
    ]
    counted = query(f"SELECT {', '.join(parts)} FROM {rows}")
    changed = list(found)
    for place, axis, column in zip(places, axes, counted.columns, strict=True):
        counts: dict[int, int] = dict(column[0].as_py() or ()) if axis else {}
        changed[place] = replace(found[place], bins=axis.bins(counts) if axis else ())
    return changed


@dataclass(frozen=True)
class _Axis:
    """The equal bins between two bounds."""

    least: float
    most: float
    bins_count: int

    @classmethod
    def of(cls, least: float | None, most: float | None, summary: ColumnSummary) -> "_Axis | None":
        if least is None or most is None:
            return None
        count = BINS
        if summary.column.numbers and not summary.column.numbers.scale:  # few whole numbers: a bin for each
            count = int(min(BINS, most - least + 1))
            if count < BINS:
                return cls(least, least + count, count)
        return cls(least, most, 1 if least == most or not math.isfinite(most - least) else count)

    def bin_of(self, position: str) -> str:
        if self.bins_count == 1:
            return f"CASE WHEN {position} IS NOT NULL THEN 0::UTINYINT END"
        width = (self.most - self.least) / self.bins_count
        place = f"floor(({position} - {self.least!r}::DOUBLE) / {width!r}::DOUBLE)"
        clamped = f"greatest(0, least({self.bins_count - 1}, {place}))::UTINYINT"  # least and greatest ignore NULL
        return f"CASE WHEN {position} IS NOT NULL THEN {clamped} END"

    def bins(self, counts: dict[int, int]) -> tuple[Bin, ...]:
        width = (self.most - self.least) / self.bins_count
        edges = [self.least + width * index for index in range(self.bins_count)] + [self.most]
        return tuple(Bin(lower, upper, counts.get(index, 0)) for index, (lower, upper) in enumerate(pairwise(edges)))


def _with_commonest(summary: ColumnSummary, rows: str, count: int, query: Query) -> ColumnSummary:
    column = summary.column
    if summary.bins is not None or column.kind in (Kind.NESTED, Kind.BYTES):
        return summary
    if summary.is_approximate and summary.distinct > _NEARLY_ALL * (count - summary.nulls):
        return summary
    source = f"(SELECT {column.value} AS common_value FROM {rows})"
    found = query(
        f"SELECT common_value, count(*) FROM {source} WHERE common_value IS NOT NULL "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {COMMONEST}"
    )
    values: Any = found.column(0).combine_chunks()
    return replace(summary, commonest=(values, tuple(found.column(1).to_pylist())))
