"""Arrow columns in transit between databases: their original types, and plain Arrow types.

Arrow has no type for some columns (a very large integer, a time with a zone, an `inet`). Such a column travels as text,
or as the nearest Arrow type, and the field's metadata says what its type is: `dagscope:type` in the vocabulary of
`dagscope.dag.connections.neutral_types`, and `dagscope:own-type` as `<engine>:<type as that engine writes it>`, which
only that engine and messages use.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dagscope.dag.connections import earlier_types
from dagscope.dag.connections.neutral_types import OTHER, NeutralType
from dagscope.dag.ground.errors import DagscopeError, RawAssetFailed, TypeNotKept

_TYPE, _OWN_TYPE = b"dagscope:type", b"dagscope:own-type"
WIDEST_DECIMAL = 38  # digits of Arrow's decimal128


@dataclass(frozen=True)
class NotedType:
    """The type that a field's metadata records: the neutral type, and the type as the engine `engine` writes it."""

    neutral: NeutralType
    engine: str
    own: str


def with_type(field: pa.Field, noted: NotedType) -> pa.Field:
    """The field with its database type in the metadata."""
    return field.with_metadata({_TYPE: str(noted.neutral), _OWN_TYPE: f"{noted.engine}:{noted.own}"})


def noted_type(field: pa.Field) -> NotedType | None:
    """The type that `with_type`, or an earlier version, recorded."""
    metadata = field.metadata or {}
    if _TYPE not in metadata:
        return None
    text, own = metadata[_TYPE].decode(), metadata.get(_OWN_TYPE, b":" + metadata[_TYPE]).decode()
    earlier = earlier_types.translated(text)
    neutral, own = earlier if earlier is not None else (_parsed(text), own)
    engine, _, own = own.partition(":")
    return NotedType(neutral, engine, own)


def _parsed(text: str) -> NeutralType:
    """The text may be invalid, because a raw asset's Python code can write any metadata."""
    try:
        return NeutralType.parse(text)
    except (IndexError, ValueError):
        return NeutralType(OTHER)


def unique_names(names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Unique column names for one table: a second `id` becomes `id_1`."""
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, count = name, 0
        while candidate.lower() in taken:
            count += 1
            candidate = f"{name}_{count}"
        taken.add(candidate.lower())
        unique.append(candidate)
    return tuple(unique)


Convert = Callable[[pa.Array], pa.Array]
"""Converts a column of one batch to what the target accepts; raises `TypeNotKept` or an Arrow error."""


def converted(
    rows: pa.RecordBatchReader, schema: pa.Schema, converts: list[Convert | None], place: str
) -> pa.RecordBatchReader:
    """The same rows with `schema`, each column converted, batch by batch.

    Reading raises `TypeNotKept`, which names the first column whose values do not fit.
    """
    source = rows.schema

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            columns = [
                column if convert is None else _convert(convert, column, source.field(index), place)
                for index, (column, convert) in enumerate(zip(batch.columns, converts, strict=True))
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _convert(convert: Convert, column: pa.Array, field: pa.Field, place: str) -> pa.Array:
    try:
        return convert(column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TypeNotKept(field.name, type_text(field), place, str(error)) from error


class WatchedRows:
    """Rows for an engine's own code, which reports a failed source in its own words; this keeps the original error."""

    def __init__(self, rows: pa.RecordBatchReader) -> None:
        self._source = rows
        self._failure: DagscopeError | None = None
        self.reader = pa.RecordBatchReader.from_batches(rows.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._source
        except DagscopeError as error:
            self._failure = error
            raise

    @contextmanager
    def raising_cause(self) -> Iterator[None]:
        """Raises the source's error instead of the one that the engine raised because of it."""
        try:
            yield
        except Exception as error:
            if self._failure is not None:
                raise self._failure from error
            raise


def type_text(field: pa.Field) -> str:
    """The field's type as its own database names it, or Arrow's name."""
    noted = noted_type(field)
    return noted.own if noted else str(field.type)


def from_python(rows: Any) -> pa.RecordBatchReader:
    """Plain rows from an object with `__arrow_c_stream__`, without the unnamed index of a pandas frame.

    Such an index holds the rows' original numbers: pandas passes it as a column after a sort, but not before.
    Reading raises `TypeNotKept` for values that no database holds, and `RawAssetFailed` if the object's code raises.
    """
    reader = _checked(pa.RecordBatchReader.from_stream(rows))
    unnamed = _unnamed_index(reader.schema)
    if unnamed:
        kept = [place for place, name in enumerate(reader.schema.names) if name not in unnamed]
        schema = pa.schema([reader.schema.field(place) for place in kept])
        reader = pa.RecordBatchReader.from_batches(schema, (batch.select(kept) for batch in reader))
    return plain(reader)


def _checked(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The same rows; Arrow itself does not check what other code puts into its buffers."""
    checks: list[Convert | None] = [_check for _ in rows.schema]
    return converted(_in_own_words(rows), rows.schema, checks, "a frame")


def _check(column: pa.Array) -> pa.Array:
    column.validate(full=True)
    if pa.types.is_timestamp(column.type) and column.type.unit in ("s", "ms"):
        column.cast(pa.timestamp("us", column.type.tz))  # databases count microseconds
    return column


def _in_own_words(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The same rows; an exception of a Python generator is told by its last line, without its traceback."""

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from rows
        except (pa.ArrowException, OSError) as error:
            _, is_of_python, stack = str(error).partition(". Detail: Python exception: ")
            if not is_of_python:
                raise
            raise RawAssetFailed(stack.strip().rpartition("\n")[2]) from None

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def _unnamed_index(schema: pa.Schema) -> set[str]:
    """The columns of an unnamed index, as pandas records them in a schema."""
    noted = (schema.metadata or {}).get(b"pandas")
    try:
        index = json.loads(noted)["index_columns"] if noted else []
    except (ValueError, KeyError, TypeError):  # not written by pandas
        return set()
    return {name for name in index if isinstance(name, str) and _UNNAMED_INDEX.fullmatch(name)} & set(schema.names)


_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


def plain(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The rows without Arrow types that engines cannot read: views, dictionaries, run ends, halves, wide decimals.

    Values do not change. Reading raises `TypeNotKept` for a decimal of more than 38 digits.
    """
    fields = [_plain_field(field) for field in rows.schema]
    if all(new.type == old.type for new, old in zip(fields, rows.schema, strict=True)):
        return rows
    converts = [
        None if new.type == old.type else _to_plain(new.type) for new, old in zip(fields, rows.schema, strict=True)
    ]
    return converted(rows, pa.schema(fields), converts, "a frame")


def _plain_field(field: pa.Field) -> pa.Field:
    try:
        return field.with_type(_plain_type(field.type))
    except _NoPlainType as error:
        raise TypeNotKept(field.name, type_text(field), "a frame", str(error)) from error


class _NoPlainType(Exception):
    """The message says what to do."""


def _plain_type(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type_) or pa.types.is_run_end_encoded(type_):
        return _plain_type(type_.value_type)
    if pa.types.is_string_view(type_):
        return pa.string()
    if pa.types.is_binary_view(type_):
        return pa.binary()
    if pa.types.is_float16(type_):
        return pa.float32()
    if pa.types.is_decimal256(type_):
        if type_.scale > WIDEST_DECIMAL:
            raise _NoPlainType(f"cast it to at most {WIDEST_DECIMAL} digits")
        return pa.decimal128(min(type_.precision, WIDEST_DECIMAL), type_.scale)
    if pa.types.is_decimal32(type_) or pa.types.is_decimal64(type_):
        return pa.decimal128(type_.precision, type_.scale)
    return _plain_nested(type_)


def _plain_nested(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_fixed_size_list(type_):
        return pa.list_(_child(type_), type_.list_size)
    if pa.types.is_large_list(type_):
        return pa.large_list(_child(type_))
    if pa.types.is_list(type_) or pa.types.is_list_view(type_) or pa.types.is_large_list_view(type_):
        return pa.list_(_child(type_))
    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in type_])
    if pa.types.is_map(type_):
        return pa.map_(_plain_type(type_.key_type), _plain_type(type_.item_type))
    return type_


def _child(type_: pa.DataType) -> pa.Field:
    return type_.value_field.with_type(_plain_type(type_.value_type))


def _to_plain(type_: pa.DataType) -> Convert:
    def convert(column: pa.Array) -> pa.Array:
        if pa.types.is_run_end_encoded(column.type):
            column = pc.run_end_decode(column)
        if pa.types.is_list_view(column.type) or pa.types.is_large_list_view(column.type):
            column = _list_of_view(column)
        return column.cast(type_)

    return convert


def _list_of_view(column: pa.Array) -> pa.ListArray:
    """Arrow's own cast of a list view creates an array that lacks an offset."""
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))])
    return pa.ListArray.from_arrays(offsets.cast(pa.int32()), column.flatten(), mask=column.is_null())
