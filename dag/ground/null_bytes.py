"""The bytes under NULLs, which mean nothing but differ from one run to the next."""

import pyarrow as pa
import pyarrow.compute as pc

_NUMBERS = (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
_ZEROS = {1: pa.scalar(False), **{number.bit_width: pa.scalar(0, number) for number in _NUMBERS}}
"""Zero as a value of this many bits. Longer values are taken as bytes."""


def without_null_bytes(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Equal rows, with zeros where a value is NULL: rows that are equal have equal bytes.

    DuckDB hands out memory that it has not written there. Lists and dictionaries are left as they are.
    """
    columns = rows.columns
    cleared = [_cleared(column) for column in columns]
    if all(new is old for new, old in zip(cleared, columns, strict=True)):
        return rows
    return pa.RecordBatch.from_arrays(cleared, schema=rows.schema)


def _cleared(column: pa.Array) -> pa.Array:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, _cleared(column.storage))
    if pa.types.is_struct(kind):
        return _cleared_struct(column)
    if column.null_count == 0 or pa.types.is_dictionary(kind):
        return column
    try:
        bits = kind.bit_width
    except ValueError:  # texts and lists, in which a NULL takes no bytes
        return column
    return _cleared_words(column, bits) if bits else column


def _cleared_words(column: pa.Array, bits: int) -> pa.Array:
    size = bits // 8
    zero = _ZEROS[bits] if bits in _ZEROS else pa.scalar(bytes(size), pa.binary(size))
    values = pc.fill_null(column.view(zero.type), zero)
    buffers = [column.is_valid().buffers()[1], values.buffers()[1]]
    return pa.Array.from_buffers(column.type, len(column), buffers, column.null_count)


def _cleared_struct(column: pa.Array) -> pa.Array:
    fields = column.flatten() if column.null_count else [column.field(i) for i in range(column.type.num_fields)]
    cleared = [_cleared(field) for field in fields]
    if not column.null_count and all(new is old for new, old in zip(cleared, fields, strict=True)):
        return column
    mask = column.is_null() if column.null_count else None
    return pa.StructArray.from_arrays(cleared, fields=list(column.type), mask=mask)
