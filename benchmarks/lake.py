"""Transfer of rows there and back: DuckDB -> Spark -> DuckDB, compared with Parquet files of the same rows."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.crossdb import MEMORY_GOAL_MB, SOURCE, TIME_GOAL, Crossing, cross, watched_memory
from benchmarks.figures import Figure, LeftOut
from benchmarks.timing import seconds
from dagscope.dag.connections import ENGINES, Connection
from dagscope.dag.ground.frame_files import FrameFiles
from examples.lake.spark_server import SparkServer

ROWS = 1_000_000
STREAMED_ROWS = 10_000_000
_FLAT_MB = 50
_ROUNDS = 3

_STREAMED = "SELECT id, concat('customer ', id % 100003) AS name, id * 1.37D AS weight FROM range({rows})"


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    """The two hops compared with Parquet files of the same rows, and the memory that they and a long stream use.

    Raises `AssertionError` if any row changed, and `LeftOut` if there is no Spark.
    """
    try:
        cluster = SparkServer()
    except RuntimeError as error:
        raise LeftOut(error) from error
    with cluster as server:
        lake = _opened("spark", server.parameters | {"port": server.port}, folder)
        rows = ROWS // divisor
        # The first queries of a server are slow: its machines compile what they execute often.
        *_, (crossing, files) = (_crossed(lake, folder / str(number), rows) for number in range(_ROUNDS))
        yield from _hops(crossing, files, rows)
        yield _streamed(lake, STREAMED_ROWS // divisor)
        lake.close()


def _opened(engine: str, config: dict[str, object], folder: Path) -> Connection:
    made = ENGINES[engine]
    return made.from_config(engine, made.Config.model_validate(config), folder)


def _crossed(lake: Connection, folder: Path, rows: int) -> tuple[Crossing, tuple[float, float]]:
    (folder / "frames").mkdir(parents=True)
    limit = [{"name": "memory_limit", "value": "128MB"}]
    duck = _opened("duckdb", {"path": "bench.duckdb", "extraParams": limit}, folder)
    with duck.session() as session:
        session.execute(SOURCE.format(rows=rows))
    try:
        files = _through_files(duck, lake, folder)
        crossing = cross(duck, lake, FrameFiles(folder / "frames"))
        assert crossing.is_equal, "the rows that came back are not the rows that were sent"
        return crossing, files
    finally:
        duck.close()


def _through_files(duck: Connection, lake: Connection, folder: Path) -> tuple[float, float]:
    """The seconds that Parquet files of the same rows take: DuckDB -> file -> a table of Spark, and back."""
    there, back = folder / "there.parquet", folder / "back"
    with duck.session() as here, lake.session() as cluster:

        def write() -> None:
            here.execute(f"COPY source TO '{there}' (FORMAT parquet)")
            cluster.execute(f"CREATE TABLE copied USING delta AS SELECT * FROM parquet.`{there}`")

        def read() -> None:
            cluster.execute(f"INSERT OVERWRITE DIRECTORY '{back}' USING parquet SELECT * FROM copied")
            here.execute(f"CREATE TABLE copied AS SELECT * FROM read_parquet('{back}/*.parquet')")

        taken = seconds(write), seconds(read)
        cluster.execute("DROP TABLE copied")
        return taken


def _hops(crossing: Crossing, files: tuple[float, float], rows: int) -> Iterator[Figure]:
    written, read = files
    note = "theirs: a Parquet file that DuckDB writes, and that Spark reads into a Delta table"
    yield Figure(f"{rows:,} rows DuckDB -> Spark", crossing.there_s, "s", written, TIME_GOAL, note=note)
    note = "theirs: Parquet files that Spark writes and DuckDB reads; ours keeps the frame too"
    yield Figure(f"{rows:,} rows Spark -> DuckDB", crossing.back_s, "s", read, TIME_GOAL, note=note)
    name = f"memory above idle, {rows:,} rows there and back"
    yield Figure(name, crossing.memory_mb, "MB", goal=MEMORY_GOAL_MB)


def _streamed(lake: Connection, rows: int) -> Figure:
    """How much memory a long stream takes after its first tenth, which is all that a longer one would take."""
    with lake.session() as session:
        batches = iter(session.read(_STREAMED.format(rows=rows)))
        received = 0
        while received < rows // 10:
            received += next(batches).num_rows
        with watched_memory() as memory:
            received += sum(batch.num_rows for batch in batches)
    assert received == rows, f"{received} of {rows} rows"
    name = f"memory of {rows:,} rows streamed out, after the first tenth"
    return Figure(name, memory(), "MB", goal=_FLAT_MB)
