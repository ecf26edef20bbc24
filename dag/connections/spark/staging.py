"""Rows on their way into Spark: in pieces of bounded size, which a table of their own collects if there are several."""

import secrets
from collections.abc import Iterator

import pyarrow as pa

from dagscope.dag.ground.clock import now_ms

PIECE_BYTES = 16 * 1024 * 1024  # a message to the server may have 128 MB, and the server holds a piece several times
PREFIX = "dagscope_staging_"
_LEFT_BEHIND_MS = 24 * 60 * 60 * 1000


def pieces(rows: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows in tables of about `PIECE_BYTES`; one without rows if there are none."""
    batches: list[pa.RecordBatch] = []
    size = sent = 0
    for batch in rows:
        batches.append(batch)
        size += batch.nbytes
        if size >= PIECE_BYTES:
            yield pa.Table.from_batches(batches, rows.schema)
            batches, size, sent = [], 0, sent + 1
    if batches or not sent:
        yield pa.Table.from_batches(batches, rows.schema)


def staging_table() -> str:
    """A name that no other session uses, with the time, by which a table that was left behind is recognized."""
    return f"{PREFIX}{now_ms()}_{secrets.token_hex(6)}"


def is_left_behind(table: str) -> bool:
    """Whether a table of `staging_table` is so old that the process that created it must have been killed."""
    created = table.removeprefix(PREFIX).partition("_")[0]
    return table.startswith(PREFIX) and created.isdigit() and int(created) < now_ms() - _LEFT_BEHIND_MS
