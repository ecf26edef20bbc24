"""The exact difference of two kept tables, in the embedded DuckDB: rows as a multiset, and by key if there is one."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from dagscope.dag.connections.row_columns import RowColumn, columns_of_frame
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.frames import Frame
from dagscope.server.workspace.frame_queries import FrameQueries, named

_BEFORE, _AFTER = "rows_before", "rows_after"


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


def row_difference(
    queries: FrameQueries, before: Frame, after: Frame, key: Sequence[str], cancellation: Cancellation
) -> RowDifference:
    """The difference. Raises `FrameDamaged`, `TypeNotKept`, `RowsNotFound` or `Cancelled`.

    A column whose type differs is not compared. A key that is not unique is none.
    """
    if before.digest == after.digest:
        return RowDifference(0, 0, 0 if key else None, tuple(key))
    old, new = queries.table(before), queries.table(after)
    names, old, new = _comparable(old, new)
    with queries.cursor(cancellation) as cursor:
        if not names:
            more = new.num_rows - old.num_rows
            return RowDifference(max(0, more), max(0, -more))
        cursor.register(_BEFORE, named(old))
        cursor.register(_AFTER, named(new))
        cursor.execute(f"CREATE TEMPORARY TABLE differing AS {_differing(columns_of_frame(new.schema))}")
        return _counted(cursor, _places(key, names), tuple(key))


def _comparable(old: pa.Table, new: pa.Table) -> tuple[list[str], pa.Table, pa.Table]:
    """The columns that both have with the same type, in the order of the newer table."""
    places = {name: place for place, name in enumerate(old.column_names)}
    old_places, new_places = [], []
    for place, field in enumerate(new.schema):
        other = places.get(field.name)
        if other is not None and old.schema.field(other).equals(field, check_metadata=True):
            old_places.append(other)
            new_places.append(place)
    chosen = new.select(new_places)
    return chosen.column_names, old.select(old_places), chosen


def _differing(columns: Sequence[RowColumn]) -> str:
    """The rows that one table has more often, with how often: more than 0 if it is the newer one."""
    values = ", ".join(f"{_compared(column)} AS {column.value}" for column in columns)
    every = ", ".join(column.value for column in columns)
    return (
        f"SELECT {every}, sum(times) AS times FROM (SELECT {values}, 1 AS times FROM {_AFTER} "
        f"UNION ALL SELECT {values}, -1 FROM {_BEFORE}) GROUP BY {every} HAVING sum(times) <> 0"
    )


def _compared(column: RowColumn) -> str:
    """What makes values equal. Numbers as text are equal if the numbers are."""
    return column.compared if column.has_key else column.value


def _places(key: Sequence[str], names: Sequence[str]) -> list[int] | None:
    """The places of the key's columns; None if it is not a key of the compared columns."""
    lower = [name.lower() for name in names]
    places = [lower.index(name.lower()) for name in key if name.lower() in lower]
    return places if key and len(places) == len(key) else None


def _counted(cursor: duckdb.DuckDBPyConnection, places: list[int] | None, key: tuple[str, ...]) -> RowDifference:
    if places is not None:
        columns = ", ".join(f"c{place}" for place in places)
        by_key = (
            f"SELECT count(*) FILTER (more > 0 AND fewer = 0), count(*) FILTER (more = 0 AND fewer > 0), "
            "count(*) FILTER (more > 0 AND fewer > 0), coalesce(max(greatest(more, fewer)), 0) "
            "FROM (SELECT coalesce(sum(times) FILTER (times > 0), 0) AS more, "
            f"coalesce(-sum(times) FILTER (times < 0), 0) AS fewer FROM differing GROUP BY {columns})"
        )
        ((added, removed, changed, most),) = cursor.execute(by_key).fetchall()
        if most <= 1:
            return RowDifference(added, removed, changed, key)
    every = (
        "SELECT coalesce(sum(times) FILTER (times > 0), 0), coalesce(-sum(times) FILTER (times < 0), 0) FROM differing"
    )
    ((added, removed),) = cursor.execute(every).fetchall()
    return RowDifference(int(added), int(removed))
