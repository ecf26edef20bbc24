"""Pairs of tables of all types: what is found of two captured ones, against the database's own EXCEPT ALL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from dagscope.dag.connections import Connection, engine_of
from dagscope.dag.connections.relation_records import Wanted
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.frames import Frame
from dagscope.server.workspace.compare.row_differences import row_difference
from dagscope.server.workspace.compare.row_lists import AskedList, RowChange, row_list
from dagscope.server.workspace.frame_queries import FrameQueries
from tests.random_cells import DUCKDB, POSTGRES, ROWS, Kind, Row, tables

PAIRS_OF_A_POOL = 20
_PLACES = st.lists(st.integers(0, ROWS - 1), max_size=12)

Pair = tuple[list[int], list[int], list[int]]
"""The places of the rows of both tables in a pool, and the columns that they have."""


@dataclass(frozen=True)
class Drawn:
    """Pools of rows with columns of these types. Both tables of a pair are made of one, so that they share rows.

    `own_text` are types whose values the engine cannot compare, or compares otherwise than their texts.
    """

    engine: str
    kinds: list[Kind]
    own_text: tuple[str, ...] = ()

    @property
    def pools(self) -> st.SearchStrategy[list[Row]]:
        return tables(self.kinds)

    @property
    def pairs(self) -> st.SearchStrategy[list[Pair]]:
        places = st.integers(0, len(self.kinds) - 1)
        columns = st.lists(places, min_size=1, max_size=len(self.kinds), unique=True)
        pair = st.tuples(_PLACES, _PLACES, columns)
        return st.lists(pair, min_size=PAIRS_OF_A_POOL, max_size=PAIRS_OF_A_POOL)

    def compared(self, place: int, of: str = "") -> str:
        """What the engine compares of a column."""
        name = f"{of}c{place}"
        return f"CAST({name} AS text)" if self.kinds[place].type in self.own_text else name


DUCK = Drawn("duckdb", DUCKDB)
# Of numeric(10,2) it draws NaN, with which no rows are captured.
POSTGRESQL = Drawn("postgres", [kind for kind in POSTGRES if kind.type != "numeric(10,2)"], ("json", "jsonb"))


class Pairs:
    """A database that tables are made in, and the frames that they are captured in."""

    def __init__(self, drawn: Drawn, connection: Connection, frames: FrameFiles, queries: FrameQueries) -> None:
        self._drawn, self._connection, self._frames, self._queries = drawn, connection, frames, queries

    def faults(self, pool: list[Row], pairs: list[Pair]) -> list[str]:
        """What was found otherwise than by the database."""
        with self._connection.session() as session:
            session.execute("CREATE SCHEMA IF NOT EXISTS s")
            session.execute("DROP TABLE IF EXISTS s.pool")
            columns = ", ".join(f"c{place} {kind.type}" for place, kind in enumerate(self._drawn.kinds))
            session.execute(f"CREATE TABLE s.pool (place INTEGER, {columns})")
            for place, row in enumerate(pool):
                values = ", ".join("NULL" if cell is None else session.dialect.literal(cell) for cell in row)
                session.execute(f"INSERT INTO s.pool VALUES ({place}, {values})")
        return [fault for pair in pairs for fault in self._faults(*pair)]

    def _faults(self, old: list[int], new: list[int], columns: list[int]) -> Iterator[str]:
        types = ", ".join(self._drawn.kinds[place].type for place in columns)
        for is_keyed in (False, True):
            before, after = self._captured("old", old, columns, is_keyed), self._captured("new", new, columns, is_keyed)
            expected = self._expected_by_key(columns) if is_keyed else self._expected(columns)
            key = ("k",) if is_keyed else ()
            found = row_difference(self._queries, before, after, key, Cancellation())
            asked = AskedList(None, 0, len(old) + len(new) + 1)
            listed = row_list(self._queries, before, after, key, asked, Cancellation())
            counted = [found.added, found.removed, found.changed or 0]
            of_list = [sum(row.times for row in listed.rows if row.change is change) for change in _CHANGES]
            cells = sum(len(row.cells) for row in listed.rows)
            if listed.difference != found or [*of_list, cells] != [*counted, cells] or [*counted, cells] != expected:
                yield (
                    f"{old} -> {new} of ({types}) by {key}: {counted} counted, {of_list} listed with {cells} cells "
                    f"instead of {expected}"
                )

    def _expected(self, columns: list[int]) -> list[int]:
        """How many rows were added, removed and changed, and in how many cells, as whole rows."""
        every = ", ".join(self._drawn.compared(place) for place in columns)
        more = "SELECT count(*) FROM (SELECT {} FROM s.{} EXCEPT ALL SELECT {} FROM s.{}) AS more"
        with self._connection.session() as session:
            added = session.scalar(more.format(every, "new", every, "old"))
            removed = session.scalar(more.format(every, "old", every, "new"))
        return [int(added), int(removed), 0, 0]

    def _expected_by_key(self, columns: list[int]) -> list[int]:
        cells = " + ".join(
            f"CASE WHEN {self._drawn.compared(place, 'o.')} IS DISTINCT FROM {self._drawn.compared(place, 'n.')} "
            "THEN 1 ELSE 0 END"
            for place in columns
        )
        both = f"(SELECT {cells} AS cells FROM s.old AS o JOIN s.new AS n USING (k)) AS both_rows"
        alone = "SELECT count(*) FROM s.{} WHERE k NOT IN (SELECT k FROM s.{})"
        with self._connection.session() as session:
            numbers = [
                session.scalar(sql)
                for sql in (
                    alone.format("new", "old"),
                    alone.format("old", "new"),
                    f"SELECT count(*) FROM {both} WHERE cells > 0",
                    f"SELECT coalesce(sum(cells), 0) FROM {both}",
                )
            ]
        return [int(number) for number in numbers]

    def _captured(self, name: str, places: list[int], columns: list[int], is_keyed: bool) -> Frame:
        """A table of these rows of the pool, captured as a run does; with a key, if wanted: the place in the list."""
        kept: list[Frame] = []
        names = ", ".join([*(["k"] if is_keyed else []), *(f"c{place}" for place in columns)])
        rows = " UNION ALL ".join(f"SELECT {k} AS k, {place} AS place" for k, place in enumerate(places))
        with self._connection.session() as session:
            session.execute(f"DROP TABLE IF EXISTS s.{name}")
            session.execute(
                f"CREATE TABLE s.{name} AS SELECT {names} "
                f"FROM ({rows or 'SELECT 0 AS k, -1 AS place'}) AS l JOIN s.pool USING (place)"
            )
            session.recorded(
                f"s.{name}",
                Wanted(len(places), 10**6, None, lambda rows: kept.append(self._frames.capture(rows, None))),
            )
        return kept[0]


_CHANGES = (RowChange.ADDED, RowChange.REMOVED, RowChange.CHANGED)


@contextmanager
def opened_pairs(drawn: Drawn, folder: Path, config: Mapping[str, str]) -> Iterator[Pairs]:
    """An empty database: in memory, or that of the config."""
    engine = engine_of(drawn.engine)
    assert engine is not None
    connection = engine.from_config("db", engine.Config(**config), folder)
    frames = FrameFiles(folder / f"frames_{drawn.engine}")
    queries = FrameQueries(frames)
    try:
        yield Pairs(drawn, connection, frames, queries)
    finally:
        queries.close()
        connection.close()


def faults(
    drawn: Drawn, folder: Path, first: int, pairs: int, config: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The faults of so many pairs."""
    found: list[str] = []
    with opened_pairs(drawn, folder, config or {}) as opened:

        @seed(first)
        @settings(
            max_examples=pairs // PAIRS_OF_A_POOL, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(pool=drawn.pools, chosen=drawn.pairs)
        def compare(pool: list[Row], chosen: Any) -> None:
            found.extend(opened.faults(pool, chosen))

        compare()
    yield from found
