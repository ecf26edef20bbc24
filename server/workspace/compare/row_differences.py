"""The exact difference of two kept tables, in the embedded DuckDB: rows as a multiset, and by key if there is one."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from dagscope.dag.connections.row_columns import RowColumn, columns_of_frame
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.frames import Frame
from dagscope.server.workspace.frame_queries import FrameQueries, named

BEFORE, AFTER = "rows_before", "rows_after"
"""The names under which DuckDB knows the rows."""


@dataclass(frozen=True)
class RowDifference:
    """How many rows there are more and fewer, counted with repetitions, in the columns that both tables have.

    With a key, `changed` rows have theirs in both tables, and are neither added nor removed; None without one.
    """

    added: int
    removed: int
    changed: int | None = None
    key: tuple[str, ...] = ()
    """The columns that the rows are matched by."""

    @property
    def is_none(self) -> bool:
        return not (self.added or self.removed or self.changed)


@dataclass(frozen=True)
class BothRows:
    """Two tables with the columns that both have with the same type, in the order of the newer one.

    `left_out` are the other columns of either. `key_places` is None if the key is not one of these columns.
    """

    old: pa.Table
    new: pa.Table
    left_out: tuple[str, ...]
    key: tuple[str, ...]
    key_places: tuple[int, ...] | None

    @property
    def counted_only(self) -> RowDifference:
        """The difference of tables of which no column can be compared, or which are the same."""
        more = self.new.num_rows - self.old.num_rows
        if self.key_places is not None:
            return RowDifference(0, 0, 0, self.key)
        return RowDifference(max(0, more), max(0, -more))


def row_difference(
    queries: FrameQueries, before: Frame, after: Frame, key: Sequence[str], cancellation: Cancellation
) -> RowDifference:
    """The difference. Raises `FrameDamaged`, `TypeNotKept`, `RowsNotFound` or `Cancelled`.

    A column whose type differs is not compared. A key that is not unique is none.
    """
    if before.digest == after.digest:
        return RowDifference(0, 0, 0 if key else None, tuple(key))
    both = both_rows(queries, before, after, key)
    if not both.new.num_columns:
        return both.counted_only
    with queries.cursor(cancellation) as cursor:
        created_differing(cursor, both)
        return counted(cursor, both)


def both_rows(queries: FrameQueries, before: Frame, after: Frame, key: Sequence[str]) -> BothRows:
    """What can be compared of the two. Raises `FrameDamaged` or `TypeNotKept`."""
    old, new = queries.table(before), queries.table(after)
    places = {name: place for place, name in enumerate(old.column_names)}
    old_places, new_places = [], []
    for place, field in enumerate(new.schema):
        other = places.get(field.name)
        if other is not None and old.schema.field(other).equals(field, check_metadata=True):
            old_places.append(other)
            new_places.append(place)
    chosen = new.select(new_places)
    names = chosen.column_names
    kept = set(names)
    left_out = dict.fromkeys(name for name in (*new.column_names, *old.column_names) if name not in kept)
    return BothRows(old.select(old_places), chosen, tuple(left_out), tuple(key), _places(key, names))


def _places(key: Sequence[str], names: Sequence[str]) -> tuple[int, ...] | None:
    lower = [name.lower() for name in names]
    places = tuple(lower.index(name.lower()) for name in key if name.lower() in lower)
    return places if key and len(places) == len(key) else None


def created_differing(cursor: duckdb.DuckDBPyConnection, both: BothRows, with_places: bool = False) -> None:
    """Create the table `differing`: the rows that one table has more often, and how often, below 0 for the older one.

    With places, also where one of them is in its table.
    """
    registered(cursor, both.old, both.new)
    columns = columns_of_frame(both.new.schema)
    values = ", ".join(f"{compared(column)} AS {column.value}" for column in columns)
    every = ", ".join(column.value for column in columns)
    number = ", row_number() OVER () - 1 AS place" if with_places else ""
    own = "CASE WHEN sum(once) > 0 THEN max(place) FILTER (once > 0) ELSE max(place) FILTER (once < 0) END AS place"
    cursor.execute(
        f"CREATE TEMPORARY TABLE differing AS SELECT {every}, sum(once) AS times{', ' + own if with_places else ''} "
        f"FROM (SELECT {values}, 1 AS once{number} FROM {AFTER} UNION ALL SELECT {values}, -1{number} FROM {BEFORE}) "
        f"GROUP BY {every} HAVING sum(once) <> 0"
    )


def registered(cursor: duckdb.DuckDBPyConnection, old: pa.Table, new: pa.Table) -> None:
    """The rows under their names, with the column names of `columns_of_frame`."""
    cursor.register(BEFORE, named(old))
    cursor.register(AFTER, named(new))


def compared(column: RowColumn) -> str:
    """What makes values equal. Numbers as text are equal if the numbers are."""
    return column.compared if column.has_key else column.value


def counted(cursor: duckdb.DuckDBPyConnection, both: BothRows) -> RowDifference:
    """What the table `differing` says: by key, unless that is not unique."""
    if both.key_places is not None:
        columns = ", ".join(f"c{place}" for place in both.key_places)
        by_key = (
            f"SELECT count(*) FILTER (more > 0 AND fewer = 0), count(*) FILTER (more = 0 AND fewer > 0), "
            "count(*) FILTER (more > 0 AND fewer > 0), coalesce(max(greatest(more, fewer)), 0) "
            "FROM (SELECT coalesce(sum(times) FILTER (times > 0), 0) AS more, "
            f"coalesce(-sum(times) FILTER (times < 0), 0) AS fewer FROM differing GROUP BY {columns})"
        )
        ((added, removed, changed, most),) = cursor.execute(by_key).fetchall()
        if most <= 1:
            return RowDifference(added, removed, changed, both.key)
    every = (
        "SELECT coalesce(sum(times) FILTER (times > 0), 0), coalesce(-sum(times) FILTER (times < 0), 0) FROM differing"
    )
    ((added, removed),) = cursor.execute(every).fetchall()
    return RowDifference(int(added), int(removed))
