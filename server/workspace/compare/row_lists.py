"""Which rows two frames differ by, a page at a time, and in which cells. Computed in the embedded DuckDB."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dagscope.dag.connections.row_columns import RowColumn, columns_of_frame
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.frames import Frame
from dagscope.server.workspace.compare.row_differences import (
    AFTER,
    BEFORE,
    BothRows,
    RowDifference,
    both_rows,
    compared,
    counted,
    created_differing,
    registered,
)
from dagscope.server.workspace.frame_queries import FrameQueries


class RowChange(StrEnum):
    """What became of a row."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class AskedList:
    """Which rows are asked for; all changes for None."""

    change: RowChange | None
    offset: int
    limit: int


@dataclass(frozen=True)
class ListedRow:
    """A row that differs: how often, and of a changed one the places of the columns that do."""

    change: RowChange
    times: int
    cells: tuple[int, ...] = ()


@dataclass(frozen=True)
class RowList:
    """A page of the rows that differ, sorted by their key, or else by their values. In all, `matching` were asked for.

    Of `rows`, `before` has those that were changed or removed, and `after` those that were changed or added.
    `left_out` are the columns that only one table has, or whose type differs.
    """

    difference: RowDifference
    columns: tuple[RowColumn, ...]
    left_out: tuple[str, ...]
    matching: int
    rows: tuple[ListedRow, ...]
    before: pa.Table
    after: pa.Table


def row_list(
    queries: FrameQueries,
    before: Frame,
    after: Frame,
    key: Sequence[str],
    asked: AskedList,
    cancellation: Cancellation,
) -> RowList:
    """The rows, compared as by `row_difference`. Raises as that does."""
    both = both_rows(queries, before, after, key)
    columns = columns_of_frame(both.new.schema)
    if not columns or before.digest == after.digest:
        nothing = both.old.slice(0, 0), both.new.slice(0, 0)
        return RowList(both.counted_only, columns, both.left_out, 0, (), *nothing)
    with queries.cursor(cancellation) as cursor:
        created_differing(cursor, both, with_places=True)
        difference = counted(cursor, both)
        matching, page = _page(cursor, _entries(both, columns, bool(difference.key)), asked)
        old, new = both.old.take(page["old_place"].drop_null()), both.new.take(page["new_place"].drop_null())
        return RowList(difference, columns, both.left_out, matching, _rows(cursor, both, columns, page), old, new)


_CHANGE = (
    f"CASE WHEN old_place IS NULL THEN '{RowChange.ADDED}' WHEN new_place IS NULL THEN '{RowChange.REMOVED}' "
    f"ELSE '{RowChange.CHANGED}' END AS change"
)


@dataclass(frozen=True)
class _Entries:
    """A query for all that can be listed, and the columns that it is sorted by."""

    query: str
    order: str


def _entries(both: BothRows, columns: Sequence[RowColumn], is_by_key: bool) -> _Entries:
    """Each row that differs, with its place in both tables."""
    if is_by_key and both.key_places is not None:
        key = ", ".join(f"c{place}" for place in both.key_places)
        places = "max(place) FILTER (times < 0) AS old_place, max(place) FILTER (times > 0) AS new_place"
        return _Entries(f"SELECT {places}, 1 AS times, {key} FROM differing GROUP BY {key}", key)
    every = ", ".join(column.value for column in columns)
    places = "CASE WHEN times < 0 THEN place END AS old_place, CASE WHEN times > 0 THEN place END AS new_place"
    return _Entries(f"SELECT {places}, abs(times) AS times, {every} FROM differing", every)


def _page(cursor: duckdb.DuckDBPyConnection, entries: _Entries, asked: AskedList) -> tuple[int, pa.Table]:
    """How many match, and those of the page."""
    matching = f"FROM (SELECT *, {_CHANGE} FROM ({entries.query}))"
    if asked.change is not None:
        matching += f" WHERE change = '{asked.change}'"
    ((count,),) = cursor.execute(f"SELECT count(*) {matching}").fetchall()
    page = cursor.sql(
        f"SELECT change, old_place, new_place, CAST(times AS BIGINT) AS times {matching} "
        f"ORDER BY {entries.order} LIMIT {asked.limit} OFFSET {asked.offset}"
    )
    return count, page.to_arrow_table()


def _rows(
    cursor: duckdb.DuckDBPyConnection, both: BothRows, columns: Sequence[RowColumn], page: pa.Table
) -> tuple[ListedRow, ...]:
    is_changed = pc.equal(page["change"], RowChange.CHANGED.value)
    cells = iter(_cells(cursor, both, columns, page.filter(is_changed)))
    return tuple(
        ListedRow(RowChange(change), times, tuple(next(cells)) if change == RowChange.CHANGED else ())
        for change, times in zip(page["change"].to_pylist(), page["times"].to_pylist(), strict=True)
    )


def _cells(
    cursor: duckdb.DuckDBPyConnection, both: BothRows, columns: Sequence[RowColumn], changed: pa.Table
) -> list[list[int]]:
    """Of each changed row, the places of the columns that differ."""
    if not changed.num_rows:
        return []
    registered(cursor, both.old.take(changed["old_place"]), both.new.take(changed["new_place"]))
    values = ", ".join(f"{compared(column)} AS {column.value}" for column in columns)
    rows = (f"(SELECT row_number() OVER () AS line, {values} FROM {table})" for table in (BEFORE, AFTER))
    differ = ", ".join(
        f"CASE WHEN o.{column.value} IS DISTINCT FROM n.{column.value} THEN {place} END"
        for place, column in enumerate(columns)
    )
    old, new = rows
    found = cursor.sql(
        f"SELECT list_filter([{differ}], lambda place: place IS NOT NULL) AS places "
        f"FROM {old} AS o JOIN {new} AS n USING (line) ORDER BY line"
    )
    places: list[list[int]] = found.to_arrow_table()["places"].to_pylist()
    return places
