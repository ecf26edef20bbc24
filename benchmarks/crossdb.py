"""Transfer of rows there and back: DuckDB -> PostgreSQL -> DuckDB, compared with COPY of the same rows."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from benchmarks.figures import Figure
from dagscope.dag.connections import ENGINES, Connection
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.frames import Frame
from examples.crossdb.postgres_server import PostgresServer

ROWS = 5_000_000
TIME_GOAL = 1.5  # times COPY
MEMORY_GOAL_MB = 300

SOURCE = """
CREATE TABLE source AS SELECT
  range AS id,
  'customer ' || (range * 7919 % 100003) AS name,
  (range * 104729 % 1000000 / 100)::DECIMAL(12, 2) AS amount,
  range * 1.37 AS weight,
  TIMESTAMP '2020-01-01' + INTERVAL (range) SECOND AS moment,
  CASE WHEN range % 10 > 0 THEN DATE '2020-01-01' + (range % 3000)::INTEGER END AS day
FROM range({rows})
"""
TARGET = "id bigint, name text, amount numeric(12,2), weight double precision, moment timestamp, day date"

HASH = "SELECT count(*) || ' ' || bit_xor(hash(id, name, amount, weight, moment, day)) FROM {table}"


@dataclass(frozen=True)
class Crossing:
    """A transfer there and back: the seconds of each hop, whether the rows are equal, and the additional memory."""

    there_s: float
    back_s: float
    is_equal: bool
    memory_mb: float


def cross(duck: Connection, postgres: Connection, frames: FrameFiles) -> Crossing:
    """Transfer the table `source` of DuckDB to PostgreSQL and back, as a run with persist_inputs does."""
    with watched_memory() as memory:
        there_s = _timed(lambda: _hop(duck, "source", postgres, "over", frames))
        back_s = _timed(lambda: _hop(postgres, "tmp_over_t", duck, "back", frames))
    with duck.session() as session:
        hashes = [session.scalar(HASH.format(table=table)) for table in ("source", "tmp_back_t")]
    return Crossing(there_s, back_s, hashes[0] == hashes[1], memory())


def _hop(source: Connection, table: str, target: Connection, name: str, frames: FrameFiles) -> None:
    frame = _captured(source, table, frames)
    with target.session() as session:
        session.write(session.dialect.input_relation(f"{name}.t"), frames.stream(frame.digest))


def _captured(source: Connection, table: str, frames: FrameFiles) -> Frame:
    with source.session() as session:
        return frames.write(session.read(f"SELECT * FROM {table}"))


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def watched_memory() -> Iterator[Callable[[], float]]:
    """Yields a function that returns by how many MB this process has grown at most since the block started."""
    stop, before, most = threading.Event(), _resident_mb(), [0.0]

    def watch() -> None:
        while not stop.wait(0.02):
            most[0] = max(most[0], _resident_mb() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: most[0]
    finally:
        stop.set()
        watcher.join()


def _resident_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


def open_both(server: PostgresServer, folder: Path) -> tuple[Connection, Connection]:
    """A DuckDB file with a memory limit of 128 MB, and the server's database."""
    duckdb, postgres = ENGINES["duckdb"], ENGINES["postgres"]
    limit = [{"name": "memory_limit", "value": "128MB"}]
    duck_config = duckdb.Config.model_validate({"path": "bench.duckdb", "extraParams": limit})
    postgres_config = postgres.Config.model_validate(server.parameters | {"port": int(server.parameters["port"])})
    return duckdb.from_config("duck", duck_config, folder), postgres.from_config("postgres", postgres_config, folder)


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    """The two hops compared with COPY of the same rows, and the memory that they use.

    Raises `AssertionError` if any row changed.
    """
    rows = ROWS // divisor
    (folder / "frames").mkdir()
    with PostgresServer() as server:
        duck, postgres = open_both(server, folder)
        with duck.session() as session:
            session.execute(SOURCE.format(rows=rows))
        try:
            crossing = cross(duck, postgres, FrameFiles(folder / "frames"))
            copied_in, copied_out = _copied(server, duck, folder)
        finally:
            duck.close()
            postgres.close()
    assert crossing.is_equal, "the rows that came back are not the rows that were sent"
    note = "theirs: COPY to a CSV file and COPY from it; ours keeps the frame too"
    yield Figure(f"{rows:,} rows DuckDB -> PostgreSQL", crossing.there_s, "s", copied_in, TIME_GOAL, note=note)
    yield Figure(f"{rows:,} rows PostgreSQL -> DuckDB", crossing.back_s, "s", copied_out, TIME_GOAL)
    yield Figure(f"memory above idle, {rows:,} rows there and back", crossing.memory_mb, "MB", goal=MEMORY_GOAL_MB)


def _copied(server: PostgresServer, duck: Connection, folder: Path) -> tuple[float, float]:
    """The seconds that COPY takes for the same rows: DuckDB -> file -> PostgreSQL, and back."""
    there, back = folder / "there.csv", folder / "back.csv"
    with duck.session() as session, psycopg.connect(_dsn(server), autocommit=True) as connection:
        connection.execute(f"CREATE TABLE copied ({TARGET})".encode())

        def copy_in() -> None:
            session.execute(f"COPY source TO '{there}' (FORMAT csv, HEADER false)")
            with there.open("rb") as file, connection.cursor().copy("COPY copied FROM STDIN (FORMAT csv)") as copy:
                while block := file.read(1 << 20):
                    copy.write(block)

        def copy_out() -> None:
            with back.open("wb") as file, connection.cursor().copy("COPY copied TO STDOUT (FORMAT csv)") as copy:
                for block in copy:
                    file.write(block)
            session.execute(f"CREATE TABLE copied ({TARGET})")
            session.execute(f"COPY copied FROM '{back}' (FORMAT csv, HEADER false)")

        return _timed(copy_in), _timed(copy_out)


def _dsn(server: PostgresServer) -> str:
    parameters = dict(server.parameters)
    return psycopg.conninfo.make_conninfo(dbname=parameters.pop("database"), **parameters)
