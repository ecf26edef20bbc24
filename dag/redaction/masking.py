"""Masked columns: columns whose values are never stored (docs/project-format.md, Data tests)."""

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dagscope.dag.ground.errors import MaskInvalid
from dagscope.dag.ground.problems import did_you_mean

MASKED = "***"
"""Replaces every value of a masked column; a null stays null."""

HIDDEN_REASON = (
    "the database failed while reading rows; its message may contain values of masked columns and is not stored: "
    "run the test's query by hand to see them"
)


def masked(rows: pa.RecordBatchReader, mask: Sequence[str]) -> pa.RecordBatchReader:
    """The same rows with the values of these columns replaced, batch by batch as they are read."""
    hidden = masked_places(rows.schema.names, mask)
    if not hidden:
        return rows
    schema = pa.schema(
        pa.field(field.name, pa.string()) if index in hidden else field for index, field in enumerate(rows.schema)
    )

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            columns = [_replaced(column) if index in hidden else column for index, column in enumerate(batch.columns)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def check_mask(columns: Sequence[str], mask: Sequence[str], test: str, path: str) -> None:
    """Raises `MaskInvalid` if the test does not select one of the masked columns. Case does not matter."""
    selected = {name.lower() for name in columns}
    for name in mask:
        if name.lower() not in selected:
            raise MaskInvalid(
                f'{path}: data test "{test}" masks column "{name}", which it does not select'
                + did_you_mean(name, dict.fromkeys(columns))
            )


def masked_places(columns: Sequence[str], mask: Sequence[str]) -> frozenset[int]:
    """The places of the masked columns; a second `email`, which databases rename to `email_1`, is masked too."""
    wanted = {name.lower() for name in mask}
    return frozenset(
        index for index, name in enumerate(columns) if name.lower() in wanted or _SECOND.sub("", name.lower()) in wanted
    )


_SECOND = re.compile(r"[_:]\d+$")


def _replaced(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_valid(column), pa.scalar(MASKED), pa.scalar(None, pa.string()))
