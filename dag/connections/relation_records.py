"""What is recorded of a relation, so that it can be compared with what it was in another task."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from dagscope.dag.events.node_records import RecordedColumn

Keep = Callable[[pa.RecordBatchReader], None]
"""Reads the captured rows, from the first one on."""


@dataclass(frozen=True)
class Wanted:
    """What is to be recorded of a relation of `rows` rows, None if they are to be counted.

    A fingerprint is computed of at most `fingerprint_rows` rows, and the first `captured_rows` are captured, None for
    all. `is_view` if the relation computes its rows.
    """

    rows: int | None
    fingerprint_rows: int
    captured_rows: int | None
    keep: Keep
    is_view: bool = False

    def limit(self) -> str:
        """The clause that leaves the rows to capture."""
        return "" if self.captured_rows is None else f" LIMIT {self.captured_rows}"


@dataclass(frozen=True)
class RelationRecord:
    """The columns with the engine's types, the number of rows, and the fingerprint, None if there is none."""

    columns: tuple[RecordedColumn, ...]
    rows: int | None = None
    fingerprint: str | None = None
