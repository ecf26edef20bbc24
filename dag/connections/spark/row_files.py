"""Rows on their way into Spark as Parquet files, which executors read; rows in messages all pass through the driver."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FILE_BYTES = 32 * 1024 * 1024  # an upload cannot be interrupted
_COPIED_TO = re.compile(r"(?:file|hdfs):(?://[^/]*)?(?P<path>/.*)")
_PLAIN_NAME = re.compile(r"\w+")


@dataclass(frozen=True)
class RowFile:
    """A Parquet file with this many rows; it lasts until the next one is asked for."""

    path: Path
    rows: int

    def pieces(self) -> Iterator[pa.Table]:
        """The rows again, as they came."""
        with closing(pq.ParquetFile(self.path)) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number)


def are_plain(schema: pa.Schema) -> bool:
    """Whether a Parquet file holds these columns as Spark reads them, whatever is in them."""
    return all(
        _PLAIN_NAME.fullmatch(field.name)
        and not pa.types.is_nested(field.type)
        and not pa.types.is_duration(field.type)
        for field in schema
    )


def folder_for_files(location: str) -> str | None:
    """The path to which the server copies a file of a table with that location; None if it may not be able to.

    Spark copies files to its default file system only, and object stores are seldom that.
    """
    found = _COPIED_TO.fullmatch(location)
    return found["path"] if found else None


def row_files(pieces: Iterator[pa.Table], schema: pa.Schema, folder: Path) -> Iterator[RowFile]:
    """The rows in files of about `FILE_BYTES` in this folder, each deleted once the next one is asked for."""
    path = folder / "rows.parquet"
    for first in pieces:
        rows, size = 0, 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            piece: pa.Table | None = first
            while piece is not None:
                writer.write_table(piece, row_group_size=max(1, piece.num_rows))
                rows, size = rows + piece.num_rows, size + piece.nbytes
                piece = next(pieces, None) if size < FILE_BYTES else None
        yield RowFile(path, rows)
    path.unlink(missing_ok=True)
