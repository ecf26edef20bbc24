"""How many rows an asset may write."""

import threading
from collections.abc import Iterator

import pyarrow as pa

from dagscope.dag.ground.errors import TooManyRows


class RowLimit:
    """The rows that one execution of an asset may still write; None for any number. Safe from any thread."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self._lock, self._written = threading.Lock(), 0

    def check(self, rows: int | None) -> None:
        """Raises `TooManyRows` if these rows, which are not counted yet, are too many."""
        if self.most is not None and self._written + (rows or 0) > self.most:
            raise TooManyRows(f"it wrote more than {self.most:,} rows, the limit that DAGSCOPE_NODE_ROWS sets")

    def count(self, rows: int) -> int:
        """Count rows that were written, and return their number. Raises as `check` does."""
        with self._lock:
            self._written += rows
        self.check(0)
        return rows

    def watched(self, rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """The same rows, about to be written. Raises as `check` does at the first batch that is too much."""
        if self.most is None:
            return rows
        return pa.RecordBatchReader.from_batches(rows.schema, self._batches(rows))

    def _batches(self, rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        arrived = 0
        for batch in rows:
            arrived += batch.num_rows
            self.check(arrived)
            yield batch
