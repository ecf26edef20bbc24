"""The columns of kept rows and of relations, as people sort and filter them: SQL's word for the type, and its kind."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from dagscope.dag.connections.arrow_types import noted_type, unique_names
from dagscope.dag.connections.neutral_types import (
    BITS,
    DECIMAL,
    INTEGER,
    JSON,
    LIST,
    MAP,
    NUMBERS,
    PLAIN,
    SIGNED_128,
    STRUCT,
    TIME_WITH_ZONE,
    UNSIGNED_128,
    UUID,
    NeutralType,
)
from dagscope.dag.model.dialect import Dialect

NUMBER_KEY = "dagscope_number_key"
"""A macro that turns a number written as text into a value that compares as the number does; see `NUMBER_KEY_SQL`."""


class Kind(StrEnum):
    """What the values of a column are compared as."""

    BOOLEAN = "boolean"
    EXACT = "exact number"
    FLOAT = "number"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    ZONED = "timestamp with a zone"
    UUID = "uuid"
    OTHER = "other"
    """Compared as text: JSON, bits, and types that only their own engine knows."""
    BYTES = "bytes"
    INTERVAL = "interval"
    NESTED = "nested"

    @property
    def is_number(self) -> bool:
        return self in (Kind.EXACT, Kind.FLOAT)

    @property
    def is_text(self) -> bool:
        return self in (Kind.TEXT, Kind.OTHER)

    @property
    def is_compared(self) -> bool:
        """Whether its values can be compared with one that a user writes."""
        return self not in (Kind.BYTES, Kind.INTERVAL, Kind.NESTED)


@dataclass(frozen=True)
class ExactNumbers:
    """Numbers with `scale` digits after the point, between two bounds that count the last of these digits."""

    scale: int
    least: int | None = None
    most: int | None = None


_DUCKDBS = Dialect()


@dataclass(frozen=True)
class RowColumn:
    """A column: its unique name, its type in SQL's words, and the SQL expressions of its value.

    `compared` is what conditions and sorting use. `numbers` is given for whole numbers and decimals whose values SQL
    would round. `has_key` says that the values are numbers as text, which compare by their key. `dialect` is
    that of these expressions.
    """

    name: str
    type: str
    kind: Kind
    value: str
    compared: str
    numbers: ExactNumbers | None = None
    has_key: bool = False
    dialect: Dialect = _DUCKDBS


def columns_of_relation(schema: pa.Schema, dialect: Dialect) -> tuple[RowColumn, ...]:
    """The columns of a relation that has the schema, for SQL of its own engine."""
    return tuple(_relation_column(field, dialect) for field in schema)


def _relation_column(field: pa.Field, dialect: Dialect) -> RowColumn:
    kind, value = kind_of(field), dialect.identifier(field.name)
    compared = value
    if kind.is_text or kind is Kind.NESTED:
        compared = f"CAST({value} AS {dialect.text_type}){dialect.text_collation}"
    numbers = _exact_numbers(field, of_relation=True)
    return RowColumn(field.name, sql_type(field), kind, value, compared, numbers, dialect=dialect)


def columns_of_frame(schema: pa.Schema) -> tuple[RowColumn, ...]:
    """The columns of a frame whose Arrow types are plain, for DuckDB, which knows them as c0, c1, …"""
    names = unique_names(schema.names)
    return tuple(
        _frame_column(field, name, f"c{index}") for index, (name, field) in enumerate(zip(names, schema, strict=True))
    )


def _frame_column(field: pa.Field, name: str, value: str) -> RowColumn:
    kind, compared, has_key = kind_of(field), value, False
    noted = noted_type(field)
    if kind is Kind.NESTED or (kind is Kind.OTHER and not _is_string(field.type)):
        compared = f"CAST({value} AS VARCHAR)"
    elif noted and noted.neutral.name in NUMBERS:
        has_key = _is_string(field.type)
        compared = f"{NUMBER_KEY}({value})" if has_key else f"CAST({value} AS HUGEINT)"
    return RowColumn(name, sql_type(field), kind, value, compared, _exact_numbers(field, of_relation=False), has_key)


def _is_string(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


NUMBER_KEY_SQL = f"""
CREATE MACRO {NUMBER_KEY}_parts(t, i, f) AS CASE
    WHEN t IS NULL THEN NULL
    WHEN t IN ('NaN', 'Infinity', '-Infinity') THEN
        {{'sign': CASE t WHEN 'NaN' THEN 3 WHEN 'Infinity' THEN 2 ELSE -2 END, 'size': 0, 'digits': ''}}
    WHEN i = '' AND f = '' THEN {{'sign': 0, 'size': 0, 'digits': ''}}
    WHEN starts_with(t, '-') THEN
        {{'sign': -1, 'size': -length(i), 'digits': translate(i || f, '0123456789', '9876543210') || ':'}}
    ELSE {{'sign': 1, 'size': length(i), 'digits': i || f}}
END;
CREATE MACRO {NUMBER_KEY}(t) AS {NUMBER_KEY}_parts(
    t, ltrim(split_part(t, '.', 1), '-0'), rtrim(split_part(t, '.', 2), '0')
)
"""
"""Numbers of any length compare by their sign, then by the length of their whole part, then by their digits.

The digits of negative ones are inverted, with a last one above 9: of -1.2 and -1.25, the shorter is greater.
"""

_INTEGERS = {
    pa.int8(): ("TINYINT", -(2**7), 2**7 - 1),
    pa.int16(): ("SMALLINT", -(2**15), 2**15 - 1),
    pa.int32(): ("INTEGER", -(2**31), 2**31 - 1),
    pa.int64(): ("BIGINT", -(2**63), 2**63 - 1),
    pa.uint8(): ("UTINYINT", 0, 2**8 - 1),
    pa.uint16(): ("USMALLINT", 0, 2**16 - 1),
    pa.uint32(): ("UINTEGER", 0, 2**32 - 1),
    pa.uint64(): ("UBIGINT", 0, 2**64 - 1),
}

_NOTED_INTEGERS = {
    SIGNED_128: ExactNumbers(0, -(2**127), 2**127 - 1),
    UNSIGNED_128: ExactNumbers(0, 0, 2**128 - 1),
    INTEGER: ExactNumbers(0),
}


def _exact_numbers(field: pa.Field, of_relation: bool) -> ExactNumbers | None:
    """None for other types, and for decimals that travel as text: their own engine compares these exactly."""
    noted = noted_type(field)
    if noted is not None and noted.neutral.name in NUMBERS:
        return _NOTED_INTEGERS.get(noted.neutral.name) if of_relation or not _is_string(field.type) else None
    if field.type in _INTEGERS:
        _, least, most = _INTEGERS[field.type]
        return ExactNumbers(0, least, most)
    if pa.types.is_decimal(field.type):
        most = 10**field.type.precision - 1
        return ExactNumbers(field.type.scale, -most, most)
    return None


_NOTED_KINDS = {
    UUID: Kind.UUID,
    LIST: Kind.NESTED,
    STRUCT: Kind.NESTED,
    MAP: Kind.NESTED,
    **dict.fromkeys(NUMBERS, Kind.EXACT),
}

_KINDS = (
    (pa.types.is_boolean, Kind.BOOLEAN),
    (pa.types.is_floating, Kind.FLOAT),
    (lambda type_: pa.types.is_integer(type_) or pa.types.is_decimal(type_), Kind.EXACT),
    (lambda type_: _is_string(type_) or pa.types.is_null(type_), Kind.TEXT),
    (pa.types.is_date, Kind.DATE),
    (pa.types.is_time, Kind.TIME),
    (lambda type_: pa.types.is_timestamp(type_) and type_.tz is None, Kind.TIMESTAMP),
    (pa.types.is_timestamp, Kind.ZONED),
    (lambda type_: pa.types.is_interval(type_) or pa.types.is_duration(type_), Kind.INTERVAL),
    (
        lambda type_: (
            pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_)
        ),
        Kind.BYTES,
    ),
    (pa.types.is_nested, Kind.NESTED),
)


def kind_of(field: pa.Field) -> Kind:
    """What the values of a column with a plain Arrow type are compared as."""
    noted = noted_type(field)
    if noted is not None and noted.neutral.name != PLAIN:
        return _NOTED_KINDS.get(noted.neutral.name, Kind.OTHER)
    return next((kind for fits, kind in _KINDS if fits(field.type)), Kind.OTHER)


_WORDS: tuple[tuple[object, str], ...] = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_float64, "DOUBLE"),
    (pa.types.is_floating, "FLOAT"),
    (lambda type_: _is_string(type_) or pa.types.is_null(type_), "VARCHAR"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME"),
    (lambda type_: pa.types.is_timestamp(type_) and type_.tz is None, "TIMESTAMP"),
    (pa.types.is_timestamp, "TIMESTAMPTZ"),
    (lambda type_: pa.types.is_interval(type_) or pa.types.is_duration(type_), "INTERVAL"),
    (
        lambda type_: (
            pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_)
        ),
        "BLOB",
    ),
)

_NOTED_WORDS = {
    UUID: "UUID",
    JSON: "JSON",
    DECIMAL: "DECIMAL",
    INTEGER: "BIGNUM",
    SIGNED_128: "HUGEINT",
    UNSIGNED_128: "UHUGEINT",
    TIME_WITH_ZONE: "TIMETZ",
    BITS: "BIT",
}


def sql_type(field: pa.Field) -> str:
    """A column's type in SQL's own words: `DECIMAL(5,1)`, `TIMESTAMPTZ`, `STRUCT(a INTEGER, b VARCHAR)[]`."""
    noted = noted_type(field)
    if noted is None:
        return _written(field.type, NeutralType(PLAIN))
    is_unknown = noted.neutral.name not in (*_NOTED_WORDS, PLAIN, LIST, STRUCT, MAP)
    return noted.own.upper() if is_unknown else _written(field.type, noted.neutral)


def _written(type_: pa.DataType, noted: NeutralType) -> str:
    if noted.name in _NOTED_WORDS:
        sizes = f"({','.join(map(str, noted.sizes))})" if noted.sizes else ""
        return _NOTED_WORDS[noted.name] + sizes
    if type_ in _INTEGERS:
        return _INTEGERS[type_][0]
    if pa.types.is_decimal(type_):
        return f"DECIMAL({type_.precision},{type_.scale})"
    if pa.types.is_struct(type_):
        parts = _parts(noted, type_.num_fields)
        fields = (f"{field.name} {_written(field.type, part)}" for field, part in zip(type_, parts, strict=True))
        return f"STRUCT({', '.join(fields)})"
    if pa.types.is_map(type_):
        key, item = _parts(noted, 2)
        return f"MAP({_written(type_.key_type, key)}, {_written(type_.item_type, item)})"
    if pa.types.is_nested(type_) and type_.num_fields == 1:
        (item,) = _parts(noted, 1)
        return _written(type_.value_type, item) + "[]"
    return next((word for fits, word in _WORDS if fits(type_)), str(type_).upper())  # type: ignore[operator]


def _parts(noted: NeutralType, count: int) -> Iterable[NeutralType]:
    return noted.parts if len(noted.parts) == count else (NeutralType(PLAIN),) * count
