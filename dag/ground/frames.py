"""Captured results: Arrow frames and JSON values, stored under the hash of their content."""

from typing import Any, Protocol

import msgspec
import pyarrow as pa

_BATCH_CELLS = 1_000_000
_BATCH_ROWS = 65_536
_VECTOR_ROWS = 2_048  # with fewer rows per batch, the overhead of a wide table exceeds its data


def batch_rows(columns: int) -> int:
    """How many rows to move at once: a few MB, also for wide tables."""
    return max(_VECTOR_ROWS, min(_BATCH_ROWS, _BATCH_CELLS // max(1, columns)))


class Frame(msgspec.Struct, frozen=True, tag=True):
    """A captured table: `digest` names its content, `columns` are in SQL order."""

    digest: str
    rows: int
    columns: tuple[str, ...]


class Value(msgspec.Struct, frozen=True, tag=True):
    """A captured value that is not a table: `data_type` is "map", "array", "string", "number" or "boolean"."""

    digest: str
    data_type: str


Result = Frame | Value
"""What is stored of an executed asset, for its downstreams and for users."""


class FrameStore(Protocol):
    """Where results are stored. Once a write has returned, any thread can read the result, also after a restart.

    What `capture` has kept is there after a restart only if its record is. It ends early if it has too many bytes.

    Reads raise `FrameDamaged` if the bytes are missing or changed.
    """

    def write(self, rows: pa.RecordBatchReader) -> Frame: ...

    def capture(self, rows: pa.RecordBatchReader, most_bytes: int | None) -> Frame: ...

    def read(self, digest: str) -> pa.Table: ...

    def stream(self, digest: str) -> pa.RecordBatchReader: ...

    def write_value(self, json: str, data_type: str) -> Value: ...

    def read_value(self, digest: str) -> Any: ...
