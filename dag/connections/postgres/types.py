"""Moving columns between PostgreSQL and Arrow without loss (docs/connections.md, Types).

ADBC moves the bytes. It turns infinite times into wrong ones, flattens arrays of several dimensions, wraps large
UBIGINTs and returns unknown types as their internal bytes; such columns are cast before, or converted after.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dagscope.dag.connections.arrow_types import (
    WIDEST_DECIMAL,
    Convert,
    NotedType,
    noted_type,
    type_text,
    with_type,
)
from dagscope.dag.connections.neutral_types import (
    BITS,
    DECIMAL,
    INTEGER,
    JSON,
    LIST,
    OTHER,
    SIGNED_128,
    TIME_WITH_ZONE,
    UNSIGNED_128,
    UUID,
    NeutralType,
)
from dagscope.dag.connections.postgres.dialect import DIALECT
from dagscope.dag.ground.errors import TypeNotKept

ENGINE = "postgres"

_INFINITY, _MINUS_INFINITY = 2**63 - 1, -(2**63) + 1  # their values in Arrow timestamps
_INFINITE_DAY, _MINUS_INFINITE_DAY = 2**31 - 1, -(2**31) + 1
_EPOCH_US, _EPOCH_DAYS = 946_684_800_000_000, 10_957  # PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01
_MICRO_UTC = pa.timestamp("us", "UTC")


# -- reading


@dataclass(frozen=True)
class ReadColumn:
    """How one column of a query is read: the type to cast it to in SQL, and the conversion of its Arrow array."""

    name: str
    type: str
    cast: str | None
    field: pa.Field
    convert: Convert | None = None

    @property
    def is_array(self) -> bool:
        return self.type.endswith("[]")

    def expression(self, reference: str) -> str:
        return f"{reference}::{self.cast}" if self.cast else reference


_PLAIN = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "text": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time without time zone": pa.time64("us"),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": _MICRO_UTC,
    "interval": pa.month_day_nano_interval(),
}

_TEXTS = {"character varying", "character", "name", '"char"', "unknown", "citext"}

_MODIFIER = re.compile(r"\(([^)]*)\)")


def read_column(name: str, type_: str, is_enum: bool, to_show: bool) -> ReadColumn:
    """How a column of the type (as `format_type` writes it) is read; with `to_show`, numerics are read as text."""
    is_array = type_.endswith("[]")
    element = type_.removesuffix("[]")
    bare = _MODIFIER.sub("", element)
    bare = "interval" if bare.startswith("interval ") else bare  # `interval year to month`
    brackets = "[]" if is_array else ""
    if bare in _PLAIN:
        return ReadColumn(
            name, type_, None, _field(name, _PLAIN[bare], is_array), _reading(bare, name, type_, is_array)
        )
    if bare == "numeric":
        return _numeric(name, type_, element, brackets, to_show)
    if bare in ("oid", "xid", "cid"):
        return ReadColumn(name, type_, f"text{brackets}::bigint{brackets}", _field(name, pa.int64(), is_array))
    if bare in _TEXTS or is_enum:
        # A cast would strip the blanks that pad a character(n); ADBC reads it unchanged.
        cast = None if bare in ("character", "character varying", "name") else "text" + brackets
        return ReadColumn(name, type_, cast, _field(name, pa.string(), is_array))
    return ReadColumn(name, type_, "text" + brackets, _text_field(name, type_))


_NEUTRAL = {
    "uuid": UUID,
    "json": JSON,
    "jsonb": JSON,
    "numeric": DECIMAL,
    "time with time zone": TIME_WITH_ZONE,
    "bit": BITS,
    '"bit"': BITS,  # of unknown length
    "bit varying": BITS,
}


def _text_field(name: str, type_: str) -> pa.Field:
    """The field of a column that travels as text, with its type recorded."""
    element = type_.removesuffix("[]")
    is_array = element != type_
    modifier = _MODIFIER.search(element)
    known = _NEUTRAL.get(_MODIFIER.sub("", element), OTHER)
    sizes = tuple(map(int, modifier[1].split(","))) if modifier and known == DECIMAL else ()
    item = NeutralType(known, sizes)
    noted = NotedType(item.as_list() if is_array else item, ENGINE, type_)
    return with_type(_field(name, pa.string(), is_array), noted)


def _field(name: str, type_: pa.DataType, is_array: bool) -> pa.Field:
    return pa.field(name, pa.list_(type_) if is_array else type_)


def _numeric(name: str, type_: str, element: str, brackets: str, to_show: bool) -> ReadColumn:
    modifier = _MODIFIER.search(element)
    precision, scale = (int(part) for part in modifier[1].split(",")) if modifier else (0, 0)
    is_array = bool(brackets)
    if modifier is None or precision > WIDEST_DECIMAL or not 0 <= scale <= precision or to_show:
        return ReadColumn(name, type_, "text" + brackets, _text_field(name, type_))
    field = _field(name, pa.decimal128(precision, scale), is_array)

    def parse(column: pa.Array) -> pa.Array:
        try:
            return column.cast(field.type)
        except pa.ArrowInvalid as error:
            values = column.flatten() if is_array else column
            infinite = pc.any(pc.is_in(values, pa.array(["NaN", "Infinity", "-Infinity"]))).as_py()
            hint = "a decimal cannot be NaN; cast it to double precision or make it null" if infinite else str(error)
            raise TypeNotKept(name, type_, "Arrow", hint) from error

    return ReadColumn(name, type_, "text" + brackets, field, parse)


def _reading(bare: str, name: str, type_: str, is_array: bool) -> Convert | None:
    change: Callable[[pa.Array], pa.Array] | None = None
    if bare.startswith("timestamp"):
        arrow = _PLAIN[bare]

        def change(values: pa.Array) -> pa.Array:
            return _read_timestamps(values, name, type_).view(arrow)

    elif bare == "date":
        change = _read_dates
    if change is None:
        return None
    return _in_list(change) if is_array else change


def _in_list(change: Convert) -> Convert:
    """The same conversion for the items of lists."""

    def convert(column: pa.Array) -> pa.Array:
        start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
        offsets = pc.subtract(column.offsets, pa.scalar(start, pa.int32()))
        return pa.ListArray.from_arrays(offsets, change(column.values.slice(start, end - start)), mask=column.is_null())

    return convert


def _read_timestamps(values: pa.Array, name: str, type_: str) -> pa.Array:
    """ADBC adds the difference of the epochs without an overflow check: two values mean infinity, others are lost."""
    numbers = values.view(pa.int64())
    infinity, minus_infinity = 2**63 - 1 + _EPOCH_US - 2**64, -(2**63) + _EPOCH_US
    lowest = pc.min(numbers).as_py()
    if lowest is None or lowest > -(2**62):
        return numbers
    numbers = _replaced(numbers, {infinity: _INFINITY, minus_infinity: _MINUS_INFINITY})
    lost = pc.and_(pc.less(numbers, -(2**62)), pc.not_equal(numbers, _MINUS_INFINITY))
    if pc.any(lost).as_py():
        raise TypeNotKept(name, type_, "Arrow", "it holds a time after the year 294247")
    return numbers


def _read_dates(values: pa.Array) -> pa.Array:
    days = values.view(pa.int32())
    lowest = pc.min(days).as_py()
    if lowest is None or lowest > -(2**30):
        return values
    infinity, minus_infinity = 2**31 - 1 + _EPOCH_DAYS - 2**32, -(2**31) + _EPOCH_DAYS
    return _replaced(days, {infinity: _INFINITE_DAY, minus_infinity: _MINUS_INFINITE_DAY}).view(pa.date32())


def _replaced(numbers: pa.Array, by: dict[int, int]) -> pa.Array:
    for old, new in by.items():
        numbers = pc.if_else(pc.equal(numbers, old), pa.scalar(new, numbers.type), numbers)
    return numbers


# -- writing


@dataclass(frozen=True)
class WriteColumn:
    """How an Arrow column is written: its PostgreSQL type, the field that ADBC writes, and the conversion to it.

    `staged` is the type that it arrives with if that is not `type`; it is then cast in the database.
    """

    name: str
    type: str
    source: str
    field: pa.Field
    convert: Convert | None = None
    staged: str | None = None


_WIDEST_INTEGER = "numeric(39,0)"  # of 128 bits

_FROM_NEUTRAL = {
    UUID: "uuid",
    JSON: "json",
    SIGNED_128: _WIDEST_INTEGER,
    UNSIGNED_128: _WIDEST_INTEGER,
    INTEGER: "numeric",
    DECIMAL: "numeric",
    TIME_WITH_ZONE: "time with time zone",
    BITS: "bit varying",
}


def write_column(field: pa.Field, name: str) -> WriteColumn:
    """How an Arrow column is written. Raises `TypeNotKept`."""
    if DIALECT.cuts(name):
        hint = f"its name has more than {DIALECT.longest_name} bytes; give it a shorter one with AS"
        raise TypeNotKept(name, type_text(field), "PostgreSQL", hint)
    is_list = pa.types.is_list(field.type) or pa.types.is_large_list(field.type)
    is_list = is_list or pa.types.is_fixed_size_list(field.type)
    item = field.type.value_type if is_list else field.type
    brackets = "[]" if is_list else ""
    noted, source = _noted_text(field), type_text(field)
    if noted and (pa.types.is_string(item) or noted.startswith(_WIDEST_INTEGER)):
        if pa.types.is_string(item):
            arrives = pa.field(name, pa.list_(item) if is_list else item)
            return WriteColumn(name, noted, source, arrives, _cast_to(arrives.type, field), staged="text" + brackets)
        return WriteColumn(name, noted, source, pa.field(name, field.type))
    wire = _wire(item)
    if wire is None:
        raise TypeNotKept(name, type_text(field), "PostgreSQL", _hint(item, name))
    if is_list:
        return _write_list(field, name, wire)
    return WriteColumn(name, wire.type, source, pa.field(name, wire.arrives), wire.convert(field))


def _write_list(field: pa.Field, name: str, wire: "_Wire") -> WriteColumn:
    item = pa.field("item", field.type.value_type, metadata=field.metadata)
    change = wire.convert(item) if wire.list_arrives == wire.arrives else wire.check(item)
    arrives = pa.list_(wire.list_arrives)
    as_list = _cast_to(pa.list_(field.type.value_type), field)

    def convert(column: pa.Array) -> pa.Array:
        column = as_list(column) if as_list else column
        return _in_list(change)(column).cast(arrives) if change else column.cast(arrives)

    return WriteColumn(name, wire.type + "[]", type_text(field), pa.field(name, arrives), convert)


def _noted_text(field: pa.Field) -> str | None:
    """The column's recorded type as PostgreSQL writes it. Raises `TypeNotKept` if PostgreSQL has no such type."""
    noted = noted_type(field)
    if noted is None:
        return None
    if noted.engine == ENGINE:
        return noted.own
    is_list = noted.neutral.name == LIST
    item, brackets = (noted.neutral.parts[0], "[]") if is_list else (noted.neutral, "")
    if item.name == OTHER:
        raise TypeNotKept(field.name, noted.own, "PostgreSQL", "PostgreSQL has no such type; cast it to text")
    if item.name not in _FROM_NEUTRAL:
        return None
    sizes = f"({','.join(map(str, item.sizes))})" if item.sizes else ""
    return _FROM_NEUTRAL[item.name] + sizes + brackets


@dataclass(frozen=True)
class _Wire:
    """A scalar in transit: PostgreSQL's type, the Arrow type that ADBC writes the same bytes for, and the conversion.

    Arrays carry their items' type, so an item needs its true type: `list_arrives`, after `check`.
    """

    type: str
    arrives: pa.DataType
    change: Convert | None = None
    list_arrives: pa.DataType | None = None
    list_check: Convert | None = None

    def __post_init__(self) -> None:
        if self.list_arrives is None:
            object.__setattr__(self, "list_arrives", self.arrives)

    def convert(self, field: pa.Field) -> Convert | None:
        return self.change or _cast_to(self.arrives, field)

    def check(self, field: pa.Field) -> Convert | None:
        return self.list_check or _cast_to(self.list_arrives, field)


def _cast_to(type_: pa.DataType, field: pa.Field) -> Convert | None:
    return None if field.type == type_ else lambda column: column.cast(type_)


_WIRES: tuple[tuple[Callable[[pa.DataType], bool], _Wire], ...] = (
    (pa.types.is_boolean, _Wire("boolean", pa.bool_())),
    (pa.types.is_uint64, _Wire("numeric(20,0)", pa.decimal128(20, 0))),
    (lambda t: t in (pa.int8(), pa.uint8(), pa.int16()), _Wire("smallint", pa.int16())),
    (lambda t: t in (pa.uint16(), pa.int32()), _Wire("integer", pa.int32())),
    (lambda t: t in (pa.uint32(), pa.int64()), _Wire("bigint", pa.int64())),
    (lambda t: t in (pa.float16(), pa.float32()), _Wire("real", pa.float32())),
    (pa.types.is_float64, _Wire("double precision", pa.float64())),
    (lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_null(t), _Wire("text", pa.string())),
    (
        lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t),
        _Wire("bytea", pa.binary()),
    ),
    (pa.types.is_time, _Wire("time without time zone", pa.time64("us"))),
    (lambda t: t == pa.uuid(), _Wire("uuid", pa.uuid())),
    (lambda t: isinstance(t, pa.JsonType), _Wire("json", pa.string())),
)


def _wire(type_: pa.DataType) -> _Wire | None:
    if pa.types.is_decimal128(type_) and 0 <= type_.scale <= type_.precision:
        return _Wire(f"numeric({type_.precision},{type_.scale})", type_)
    if pa.types.is_timestamp(type_):
        zoned = f"timestamp {'with' if type_.tz else 'without'} time zone"
        finite = pa.timestamp("us", "UTC" if type_.tz else None)
        return _Wire(zoned, pa.int64(), _written_timestamps, finite, lambda items: _finite(items, finite))
    if pa.types.is_date(type_):
        return _Wire("date", pa.int32(), _written_dates, pa.date32(), _finite_dates)
    if pa.types.is_interval(type_) or pa.types.is_duration(type_):
        interval = pa.month_day_nano_interval()
        return _Wire("interval", interval if pa.types.is_interval(type_) else pa.duration("us"), _checked_intervals)
    return next((wire for fits, wire in _WIRES if fits(type_)), None)


def _hint(type_: pa.DataType, name: str) -> str:
    if pa.types.is_struct(type_) or pa.types.is_map(type_) or pa.types.is_list(type_):
        return f'PostgreSQL has no such type; turn it into JSON, for example to_json("{name}")'
    return "PostgreSQL has no such type; cast it to text"


def _written_timestamps(column: pa.Array) -> pa.Array:
    """Microseconds since 2000, as PostgreSQL stores them, including infinities."""
    numbers = column.view(pa.int64())
    infinite = pc.or_(pc.equal(numbers, _INFINITY), pc.equal(numbers, _MINUS_INFINITY))
    if not pc.any(infinite).as_py():
        return pc.subtract_checked(_micros(column), _EPOCH_US)
    finite = pc.subtract_checked(_micros(pc.if_else(infinite, pa.scalar(None, column.type), column)), _EPOCH_US)
    bounds = pc.if_else(pc.greater(numbers, 0), pa.scalar(2**63 - 1), pa.scalar(-(2**63)))
    return pc.if_else(pc.fill_null(infinite, False), bounds, finite)


def _micros(column: pa.Array) -> pa.Array:
    return column.cast(pa.timestamp("us", column.type.tz)).view(pa.int64())


def _finite(items: pa.Array, type_: pa.DataType) -> pa.Array:
    numbers = items.view(pa.int64())
    if pc.any(pc.or_(pc.equal(numbers, _INFINITY), pc.equal(numbers, _MINUS_INFINITY))).as_py():
        raise pa.ArrowInvalid("it holds an infinite time inside a list")
    return items.cast(type_)


def _written_dates(column: pa.Array) -> pa.Array:
    days = column.cast(pa.date32()).view(pa.int32())
    infinite = pc.or_(pc.equal(days, _INFINITE_DAY), pc.equal(days, _MINUS_INFINITE_DAY))
    finite = pc.subtract_checked(
        pc.if_else(infinite, pa.scalar(None, pa.int32()), days), pa.scalar(_EPOCH_DAYS, pa.int32())
    )
    if not pc.any(infinite).as_py():
        return finite
    bounds = pc.if_else(pc.greater(days, 0), pa.scalar(2**31 - 1, pa.int32()), pa.scalar(-(2**31), pa.int32()))
    return pc.if_else(pc.fill_null(infinite, False), bounds, finite)


def _finite_dates(items: pa.Array) -> pa.Array:
    days = items.cast(pa.date32()).view(pa.int32())
    if pc.any(pc.or_(pc.equal(days, _INFINITE_DAY), pc.equal(days, _MINUS_INFINITE_DAY))).as_py():
        raise pa.ArrowInvalid("it holds an infinite date inside a list")
    return items.cast(pa.date32())


def _checked_intervals(column: pa.Array) -> pa.Array:
    """Refuses fractions of a microsecond, the unit of PostgreSQL's intervals: ADBC would truncate them."""
    if pa.types.is_duration(column.type):
        return column.cast(pa.duration("us"))
    if not len(column):
        return column
    _, data = column.buffers()
    halves = pa.Array.from_buffers(pa.int64(), 2 * (column.offset + len(column)), [None, data])
    nanos = halves.take(pa.array(range(2 * column.offset + 1, len(halves), 2)))
    if pc.any(pc.and_(pc.not_equal(nanos, pc.multiply(pc.divide(nanos, 1000), 1000)), column.is_valid())).as_py():
        raise pa.ArrowInvalid("it holds a value finer than a microsecond")
    return column
