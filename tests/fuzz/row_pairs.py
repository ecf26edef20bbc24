"""Pairs of tables of all types: what is counted of two captured ones, against the database's own EXCEPT ALL."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from dagscope.server.workspace.frame_queries import FrameQueries
from tests.random_cells import DUCKDB, ROWS, Row, tables

PAIRS_OF_A_POOL = 20
_PLACES = st.lists(st.integers(0, ROWS - 1), max_size=12)
_COLUMNS = st.lists(st.integers(0, len(DUCKDB) - 1), min_size=1, max_size=len(DUCKDB), unique=True)
POOLS = tables(DUCKDB)
"""Rows of which both tables of a pair are made, so that they have some in common, also more than once."""
PAIRS = st.lists(st.tuples(_PLACES, _PLACES, _COLUMNS), min_size=PAIRS_OF_A_POOL, max_size=PAIRS_OF_A_POOL)

Pair = tuple[list[int], list[int], list[int]]
"""The places of the rows of both tables in the pool, and the columns that they have."""


class Pairs:
    """A database that tables are made in, and the frames that they are captured in."""

    def __init__(self, connection: Connection, frames: FrameFiles, queries: FrameQueries) -> None:
        self._connection, self._frames, self._queries = connection, frames, queries

    def faults(self, pool: list[Row], pairs: list[Pair]) -> list[str]:
        """What was counted otherwise than by the database."""
        with self._connection.session() as session:
            session.execute("CREATE SCHEMA IF NOT EXISTS s")
            columns = ", ".join(f"c{place} {kind.type}" for place, kind in enumerate(DUCKDB))
            session.execute(f"CREATE OR REPLACE TABLE s.pool (place INTEGER, {columns})")
            for place, row in enumerate(pool):
                values = ", ".join("NULL" if cell is None else session.dialect.literal(cell) for cell in row)
                session.execute(f"INSERT INTO s.pool VALUES ({place}, {values})")
        return [fault for pair in pairs if (fault := self._fault(*pair))]

    def _fault(self, old: list[int], new: list[int], columns: list[int]) -> str | None:
        names = ", ".join(f"c{place}" for place in columns)
        before, after = self._captured("old", old, names), self._captured("new", new, names)
        with self._connection.session() as session:
            expected = tuple(
                session.scalar(f"SELECT count(*) FROM (FROM s.{one} EXCEPT ALL FROM s.{other})")
                for one, other in (("new", "old"), ("old", "new"))
            )
        found = row_difference(self._queries, before, after, (), Cancellation())
        counted = (found.added, found.removed)
        if counted == expected:
            return None
        types = ", ".join(DUCKDB[place].type for place in columns)
        return f"{old} -> {new} of ({types}): {counted} instead of {expected}"

    def _captured(self, name: str, places: list[int], columns: str) -> Frame:
        """A table of these rows of the pool, captured as a run does."""
        kept: list[Frame] = []
        numbers = f"SELECT unnest({places}::INTEGER[]) AS place"
        with self._connection.session() as session:
            session.execute(
                f"CREATE OR REPLACE TABLE s.{name} AS SELECT {columns} FROM ({numbers}) JOIN s.pool USING (place)"
            )
            session.recorded(
                f"s.{name}",
                Wanted(len(places), 10**6, None, lambda rows: kept.append(self._frames.capture(rows, None))),
            )
        return kept[0]


@contextmanager
def opened_pairs(folder: Path) -> Iterator[Pairs]:
    """An empty database, in memory."""
    engine = engine_of("duckdb")
    assert engine is not None
    connection = engine.from_config("duck", engine.Config(), folder)
    frames = FrameFiles(folder / "frames")
    queries = FrameQueries(frames)
    try:
        yield Pairs(connection, frames, queries)
    finally:
        queries.close()
        connection.close()


def faults(folder: Path, first: int, pairs: int) -> Iterator[str]:
    """The faults of so many pairs."""
    found: list[str] = []
    with opened_pairs(folder) as opened:

        @seed(first)
        @settings(
            max_examples=pairs // PAIRS_OF_A_POOL, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(pool=POOLS, drawn=PAIRS)
        def compare(pool: list[Row], drawn: Any) -> None:
            found.extend(opened.faults(pool, drawn))

        compare()
    yield from found
