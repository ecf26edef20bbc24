"""Sorting, filtering and summarizing kept frames in an embedded DuckDB, which reads their mapped files.

What a query finds is the places of the rows, in order. They are kept for the next page, so that paging to the last of
a million sorted rows costs no more than the first page. A frame never changes, so neither does what is kept of it.
"""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from dagscope.dag.connections.arrow_types import plain
from dagscope.dag.connections.row_columns import NUMBER_KEY_SQL, columns_of_frame
from dagscope.dag.connections.row_conditions import AskedRows, wanted_rows
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.frames import Frame
from dagscope.server.workspace.column_summaries import Summary, summarized
from dagscope.server.workspace.newest import Newest

_MEMORY_LIMIT = "1GB"  # of sorts and groups; DuckDB moves what exceeds it to files
_PLACES_BYTES = 64 * 2**20
_SUMMARIES = 100
_TABLE = "frame_rows"


class RowsNotFound(DagscopeError):
    """The embedded DuckDB could not sort, filter or summarize rows."""


class FrameQueries:
    """Safe from any thread. `close` it when nothing is read any more."""

    def __init__(self, frames: FrameFiles) -> None:
        self._frames = frames
        self._lock = threading.Lock()
        self._places = Newest[pa.Array](_PLACES_BYTES)
        self._summaries = Newest[Summary](_SUMMARIES)
        self._database: duckdb.DuckDBPyConnection | None = None
        self._spill: tempfile.TemporaryDirectory[str] | None = None

    def places(self, frame: Frame, asked: AskedRows, cancellation: Cancellation) -> pa.Array | None:
        """The places of the wanted rows in the frame, counted from 0, in order; None for all of them as they are.

        Raises `RowsRefused`, `FrameDamaged`, `RowsNotFound` or `Cancelled`.
        """
        if asked.is_plain:
            return None
        key = (frame.digest, asked)
        kept = self._places.get(key)
        if kept is None:
            kept = self._found_places(frame, asked, cancellation)
            self._places.keep(key, kept, kept.nbytes)
        return kept

    def _found_places(self, frame: Frame, asked: AskedRows, cancellation: Cancellation) -> pa.Array:
        table = self.table(frame)
        wanted = wanted_rows(columns_of_frame(table.schema), asked)
        place = "place::UINTEGER" if frame.rows < 2**32 else "place"
        with self.cursor(cancellation) as cursor:
            cursor.register(_TABLE, named(table))
            rows = f"(SELECT row_number() OVER () - 1 AS place, * FROM {_TABLE})"
            found = cursor.sql(f"SELECT {place} FROM {rows}{wanted.clauses('place')}").to_arrow_table()
        return found.column(0).combine_chunks()

    def table(self, frame: Frame) -> pa.Table:
        """The frame, mapped into memory, with plain Arrow types. Raises `FrameDamaged` or `TypeNotKept`."""
        return plain(self._frames.read(frame.digest).to_reader()).read_all()

    def stream(self, frame: Frame) -> pa.RecordBatchReader:
        """The same rows one batch at a time, not mapped. Raises as `table` does, at once or while being read."""
        return plain(self._frames.stream(frame.digest))

    def summary(self, frame: Frame, asked: AskedRows, cancellation: Cancellation) -> Summary:
        """What the wanted rows of each column are like. Raises as `places` does."""
        key = (frame.digest, asked.filters)
        kept = self._summaries.get(key)
        if kept is None:
            table = self.table(frame)
            kept = self.summary_of(table, asked, cancellation)
            self._summaries.keep(key, kept, 1)
        return kept

    def summary_of(self, table: pa.Table, asked: AskedRows, cancellation: Cancellation) -> Summary:
        """The same for any rows. Raises `RowsRefused`, `RowsNotFound` or `Cancelled`."""
        columns = columns_of_frame(table.schema)
        where = wanted_rows(columns, AskedRows(filters=asked.filters)).where
        with self.cursor(cancellation) as cursor:
            cursor.register(_TABLE, named(table))
            return summarized(columns, table.schema, _TABLE, where, lambda sql: cursor.sql(sql).to_arrow_table())

    def summary_of_stream(self, rows: pa.RecordBatchReader, cancellation: Cancellation) -> Summary:
        """The same for rows that can be read once; they are copied to a table that DuckDB may move to files."""
        plain_rows = plain(rows)
        columns = columns_of_frame(plain_rows.schema)
        names = [f"c{index}" for index in range(len(columns))]
        renamed = pa.schema([field.with_name(name) for field, name in zip(plain_rows.schema, names, strict=True)])
        batches = (pa.RecordBatch.from_arrays(batch.columns, schema=renamed) for batch in plain_rows)
        with self.cursor(cancellation) as cursor:
            cursor.register("arriving", pa.RecordBatchReader.from_batches(renamed, batches))
            cursor.execute(f"CREATE TEMPORARY TABLE {_TABLE} AS SELECT * FROM arriving")
            return summarized(columns, plain_rows.schema, _TABLE, "", lambda sql: cursor.sql(sql).to_arrow_table())

    @contextmanager
    def cursor(self, cancellation: Cancellation) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of the embedded DuckDB, interrupted by the cancellation. Raises `RowsNotFound` or `Cancelled`."""
        try:
            with self._opened().cursor() as cursor, cancellation.interrupting(cursor.interrupt):
                yield cursor
        except (duckdb.Error, pa.ArrowInvalid) as error:
            if cancellation.is_requested:
                raise Cancelled from error
            raise RowsNotFound(f"the rows cannot be sorted, filtered or summarized: {error}") from error

    def _opened(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None:
                self._spill = tempfile.TemporaryDirectory(prefix="dagscope-rows-", ignore_cleanup_errors=True)
                self._database = duckdb.connect(
                    ":memory:",
                    config={
                        "memory_limit": _MEMORY_LIMIT,
                        "temp_directory": self._spill.name,
                        "autoload_known_extensions": False,  # as in row_json: times with a zone are in UTC
                    },
                )
                self._database.execute(NUMBER_KEY_SQL)
            return self._database

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
            if self._spill is not None:
                self._spill.cleanup()
            self._database = self._spill = None


def named(table: pa.Table) -> pa.Table:
    """The table with the column names of `columns_of_frame`."""
    return table.rename_columns([f"c{index}" for index in range(table.num_columns)])
