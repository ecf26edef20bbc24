"""Captured results: Arrow frames and JSON values, kept by the hash of their content."""

from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

_BATCH_CELLS = 1_000_000
_BATCH_ROWS = 65_536
_VECTOR_ROWS = 2_048  # of fewer rows at once, wide tables cost more than they hold


def batch_rows(columns: int) -> int:
    """How many rows to move at once: few MB, of wide tables too."""
    return max(_VECTOR_ROWS, min(_BATCH_ROWS, _BATCH_CELLS // max(1, columns)))


@dataclass(frozen=True)
class Frame:
    """A captured table: `digest` names its content, `columns` are in SQL order."""

    digest: str
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Value:
    """A captured value that is no table: `data_type` is "map", "array", "string", "number" or "boolean"."""

    digest: str
    data_type: str


Result = Frame | Value
"""What is kept of an executed asset for its downstreams and for those who look."""


class FrameStore(Protocol):
    """Where results are kept. What a write returned can be read by any thread and after any restart.

    Reads raise `FrameDamaged` if the bytes are gone or changed.
    """

    def write(self, rows: pa.RecordBatchReader) -> Frame: ...

    def read(self, digest: str) -> pa.Table: ...

    def stream(self, digest: str) -> pa.RecordBatchReader: ...

    def write_value(self, json: str, data_type: str) -> Value: ...

    def read_value(self, digest: str) -> Any: ...
