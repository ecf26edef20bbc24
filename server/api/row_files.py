"""Rows as files: JSON Lines, CSV, Parquet and Arrow, written in bounded memory while they are sent."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any

import pyarrow as pa

from dagscope.dag.connections.arrow_types import plain, unique_names
from dagscope.server.api.row_csv import csv_chunks
from dagscope.server.api.row_json import cells, line_chunks


class FileFormat(StrEnum):
    """The formats, by the ends of their files' names."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    FileFormat.JSONL: "application/x-ndjson",
    FileFormat.CSV: "text/csv; charset=utf-8; header=present",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
    FileFormat.ARROW: "application/vnd.apache.arrow.file",
}


def file_chunks(format_: FileFormat, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """The file's bytes. Raises `TypeNotKept` for a column that the format cannot hold."""
    columns = unique_names(schema.names)
    if format_ is FileFormat.JSONL:
        return line_chunks(batches, columns)
    if format_ is FileFormat.CSV:
        return csv_chunks(batches, columns)
    rows = plain(_renamed(schema, batches, columns))
    if format_ is FileFormat.ARROW:
        return _written(lambda sink: pa.ipc.new_file(sink, rows.schema), rows)
    import pyarrow.parquet as pq  # slow, and seldom asked for

    rows = _without_intervals(rows)
    return _written(lambda sink: pq.ParquetWriter(sink, rows.schema, compression="zstd"), rows)


def _renamed(schema: pa.Schema, batches: Iterable[pa.RecordBatch], columns: tuple[str, ...]) -> pa.RecordBatchReader:
    renamed = pa.schema([field.with_name(name) for field, name in zip(schema, columns, strict=True)])
    rows = (pa.RecordBatch.from_arrays(batch.columns, schema=renamed) for batch in batches)
    return pa.RecordBatchReader.from_batches(renamed, rows)


def _without_intervals(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Parquet has no type for them that Arrow writes, so they are text there."""
    is_interval = [pa.types.is_interval(field.type) for field in rows.schema]
    if not any(is_interval):
        return rows
    schema = pa.schema(
        [
            field.with_type(pa.string()) if found else field
            for field, found in zip(rows.schema, is_interval, strict=True)
        ]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            columns = [
                _interval_texts(column) if found else column
                for column, found in zip(batch.columns, is_interval, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _interval_texts(column: pa.Array) -> pa.Array:
    return pa.array(cells(pa.field("interval", column.type), column), pa.string())


def _written(open_writer: Callable[[Any], AbstractContextManager[Any]], rows: pa.RecordBatchReader) -> Iterator[bytes]:
    pieces = Pieces()
    with pa.PythonFile(pieces, "w") as sink:
        with open_writer(sink) as writer:
            for batch in rows:
                writer.write_batch(batch)
                if pieces.waiting:
                    yield pieces.taken()
        sink.flush()
        yield pieces.taken()


class Pieces:
    """What a writer has written and nobody has taken yet."""

    closed = False

    def __init__(self) -> None:
        self.waiting = bytearray()

    def write(self, data: Any) -> int:
        self.waiting += data
        return len(data)

    def taken(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken

    def flush(self) -> None:
        """There is nothing behind it."""

    def close(self) -> None:
        self.closed = True
