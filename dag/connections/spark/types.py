"""Moving columns between Spark and Arrow without loss (docs/connections.md, Types)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dagscope.dag.connections.arrow_types import Convert, WatchedRows, converted, noted_type, type_text, unique_names
from dagscope.dag.connections.neutral_types import JSON, SIGNED_128, UUID, NeutralType
from dagscope.dag.ground.errors import TypeNotKept

PLACE = "Spark"

_ONLY_SPARKS = re.compile(r"\b(?:variant|interval(?! day| hour| minute| second))\b")
_INFINITIES = (2**63 - 1, -(2**63) + 1)
_INFINITE_DAYS = (2**31 - 1, -(2**31) + 1)
_AS_TEXT = frozenset({UUID, JSON})  # their text is exact


# -- reading


def read_schema(schema: pa.Schema, types: tuple[str, ...]) -> pa.Schema:
    """The columns of Spark's rows: without `not null`, which is no part of a value. Raises `TypeNotKept`."""
    for field, type_ in zip(schema, types, strict=True):
        if _ONLY_SPARKS.search(type_):
            raise TypeNotKept(field.name, type_, "Arrow", "cast it to string")
    return pa.schema([pa.field(field.name, field.type) for field in schema])


# -- writing


@dataclass(frozen=True)
class Arriving:
    """Rows in the form that Spark accepts, and their columns."""

    schema: pa.Schema
    watched: WatchedRows


def arriving(rows: pa.RecordBatchReader) -> Arriving:
    """The rows with columns that Spark holds exactly. Raises `TypeNotKept`, also while they are read."""
    names = unique_names(rows.schema.names)
    types = [_written(field) for field in rows.schema]
    schema = pa.schema([pa.field(name, type_) for name, type_ in zip(names, types, strict=True)])
    converts = [_converting(field.type, type_) for field, type_ in zip(rows.schema, types, strict=True)]
    return Arriving(schema, WatchedRows(converted(rows, schema, converts, PLACE)))


def _written(field: pa.Field) -> pa.DataType:
    """The Arrow type that Spark reads as its own counterpart of the column's type."""
    noted = noted_type(field)
    if noted is not None and not noted.neutral.is_plain:
        return _written_noted(field, noted.neutral)
    try:
        return _written_type(field.type)
    except _Unknown as error:
        raise TypeNotKept(field.name, type_text(field), PLACE, str(error)) from error


def _written_noted(field: pa.Field, neutral: NeutralType) -> pa.DataType:
    if neutral.name in _AS_TEXT and pa.types.is_string(field.type):
        return pa.string()
    if neutral.name == SIGNED_128 and pa.types.is_decimal(field.type):
        return pa.decimal128(38, 0)
    raise TypeNotKept(field.name, type_text(field), PLACE, f"{PLACE} has no such type; cast it to text")


class _Unknown(Exception):
    """Spark has no counterpart; the message says what to do."""


_SCALARS: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (pa.types.is_null, pa.string()),
    (pa.types.is_uint8, pa.int16()),
    (pa.types.is_uint16, pa.int32()),
    (pa.types.is_uint32, pa.int64()),
    (pa.types.is_uint64, pa.decimal128(20, 0)),
    (pa.types.is_float16, pa.float32()),
    (lambda t: pa.types.is_string(t) or pa.types.is_large_string(t), pa.string()),
    (lambda t: isinstance(t, pa.JsonType), pa.string()),
    (
        lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t),
        pa.binary(),
    ),
    (pa.types.is_date, pa.date32()),
)


def _written_type(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type_):
        return _written_type(type_.value_type)
    if pa.types.is_timestamp(type_):
        return pa.timestamp("us", "UTC" if type_.tz else None)
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(field.name, _written_type(field.type)) for field in type_])
    if pa.types.is_map(type_):
        return pa.map_(_written_type(type_.key_type), _written_type(type_.item_type))
    if pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
        return pa.list_(_written_type(type_.value_type))
    if pa.types.is_decimal128(type_) and 0 <= type_.scale <= type_.precision:
        return type_
    if pa.types.is_boolean(type_) or pa.types.is_signed_integer(type_) or pa.types.is_floating(type_):
        return pa.float32() if pa.types.is_float16(type_) else type_
    found = next((arrow for fits, arrow in _SCALARS if fits(type_)), None)
    if found is None:
        raise _Unknown(f"{PLACE} has no such type; cast it to text")
    return found


def _converting(source: pa.DataType, target: pa.DataType) -> Convert | None:
    checks = pa.types.is_timestamp(target) or pa.types.is_date(target)
    if source == target and not checks:
        return None

    def convert(column: pa.Array) -> pa.Array:
        if checks:
            _refuse_infinite(column)
        return column.cast(target)

    return convert


def _refuse_infinite(column: pa.Array) -> None:
    """An infinite date or time would be an ordinary one in Spark, of a distant year."""
    is_short = column.type.bit_width == 32
    numbers = column.view(pa.int32() if is_short else pa.int64())
    infinite = pa.array(_INFINITE_DAYS if is_short else _INFINITIES, numbers.type)
    if pc.any(pc.is_in(numbers, infinite)).as_py():
        raise pa.ArrowInvalid("it holds an infinite date or time")
