"""Arrow rows as exact JSON objects, a few thousand rows at a time (contract, Data).

A DuckDB builds the texts: the project's own, for many rows of a relation, else one that belongs to this module.
Its JSON writer writes `NaN`, `1.1` for the decimal 1.10, `\\xAA` for bytes, and a space in timestamps, so each
column is first converted to JSON text by an expression for its type.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import sqltypes

from dagscope.dag.connections.arrow_types import noted_type, plain
from dagscope.dag.connections.neutral_types import NUMBERS, PLAIN, NeutralType
from dagscope.server.api.row_query import OWN, RowQuery

_CHUNK_ROWS = 262_144
_CHUNK_CELLS = 800_000
_CHUNK_BYTES = 16_000_000  # of Arrow; the text is up to a few times that
_PIECES = 4  # batches per chunk: DuckDB converts each batch in one thread
_VECTOR_ROWS = 2_048  # DuckDB's own batch size: for fewer rows of a wide table, planning takes longer than converting

Type = sqltypes.DuckDBPyType

Values: TypeAlias = "pa.ChunkedArray | None"
"""Those of a column, which show whether it has special ones; None for values that nobody has looked at."""

Rows = Iterable[pa.RecordBatch]
"""Batches; those of a `RowQuery` are only read if it cannot write the text itself."""


def row_chunks(rows: Rows, columns: tuple[str, ...]) -> Iterator[bytes]:
    """The rows as JSON objects separated by commas, in chunks; no chunk for no rows. The caller adds the brackets.

    Raises `TypeNotKept` for a column of a type that has no exact text.
    """
    return _separated(rows, _Objects(columns))


def array_chunks(rows: Rows) -> Iterator[bytes]:
    """The same as arrays. What JavaScript's numbers cannot hold is text: decimals, integers of 64 bits, NaN."""
    return _separated(rows, _Arrays())


def line_chunks(rows: Rows, columns: tuple[str, ...]) -> Iterator[bytes]:
    """The rows as objects, each on a line of its own."""
    return _texts(rows, _Objects(columns, before="", after="\n"))


def parsed_rows(rows: Rows) -> list[list[Any]]:
    """A few rows as `array_chunks` writes them, parsed."""
    parsed: list[list[Any]] = json.loads(b"[" + b"".join(array_chunks(rows)) + b"]")
    return parsed


def cells(field: pa.Field, values: pa.Array) -> list[Any]:
    """A few values of one column as `array_chunks` writes them, parsed."""
    batch = pa.RecordBatch.from_arrays([values], schema=pa.schema([field.with_type(values.type)]))
    return [row[0] for row in parsed_rows(iter([batch]))]


def cell_text(name: str, field: pa.Field, type_: Type) -> str:
    """An expression for a cell's JSON text, whose numbers have all their digits; NULL for NULL, NaN and infinities."""
    noted = noted_type(field)
    return _text(name, type_, noted.neutral if noted else _PLAIN, 0)


def bare_text(name: str, field: pa.Field, type_: Type, values: pa.ChunkedArray) -> str | None:
    """The same without quotes, for columns whose values need no case distinctions; None for others."""
    noted = noted_type(field)
    easy = _easy_text(name, type_, noted.neutral if noted else _PLAIN, values)
    return easy[1] if easy is not None else None


def _separated(rows: Rows, style: "_Style") -> Iterator[bytes]:
    skip = 1  # every row starts with a comma; the first comma is left out
    for text in _texts(rows, style):
        yield text[skip:]
        skip = 0


def _texts(rows: Rows, style: "_Style") -> Iterator[bytes]:
    """The texts of the rows, joined: written by their own query if it can, else converted here."""
    if isinstance(rows, RowQuery) and rows.can_write(types := _types_of(rows.schema)):
        yield from _queried_texts(rows, types, style)
        return
    for chunk in chunked(rows):
        yield from _row_texts(chunk, style)


def _queried_texts(rows: RowQuery, types: list[Type], style: "_Style") -> Iterator[bytes]:
    parts = _row_parts(style, rows.schema, types, [None] * len(types))
    for texts in rows.texts(types, f"{OWN}concat({parts})"):
        yield _joined_values(texts.cast(pa.large_string()))


class _Style(Protocol):
    """How a row is written: the constants around its cells, and the columns whose numbers are text."""

    def start(self) -> str: ...
    def key(self, place: int) -> str: ...
    def end(self) -> str: ...
    def column(self, name: str, field: pa.Field, type_: Type, values: Values) -> tuple[str, str]: ...


@dataclass(frozen=True)
class _Objects:
    columns: tuple[str, ...]
    before: str = ","
    after: str = ""

    def start(self) -> str:
        return self.before + "{"

    def key(self, place: int) -> str:
        return json.dumps(self.columns[place], ensure_ascii=False) + ":"

    def end(self) -> str:
        return "}" + self.after

    def column(self, name: str, field: pa.Field, type_: Type, values: Values) -> tuple[str, str]:
        return _column(name, field, type_, values)


class _Arrays:
    def start(self) -> str:
        return ",["

    def key(self, _: int) -> str:
        return ""

    def end(self) -> str:
        return "]"

    def column(self, name: str, field: pa.Field, type_: Type, values: Values) -> tuple[str, str]:
        text = _text_of_number(name, field, type_)
        if text is not None:
            return _coalesced('"', text, values)
        if str(type_.id) in _FLOATS:
            return "", _any_float(name)
        return _column(name, field, type_, values)


def _text_of_number(name: str, field: pa.Field, type_: Type) -> str | None:
    """The digits of a number that JavaScript would round; None for other columns."""
    noted = noted_type(field)
    if noted is not None and noted.neutral.name in NUMBERS:
        return name if str(type_.id) == "varchar" else _widest(name)
    if _lacks_zero(type_):
        return _with_zero(name)
    return f"{name}::VARCHAR" if str(type_.id) in _WIDE_NUMBERS else None


def _any_float(name: str) -> str:
    beyond = f"CASE WHEN {OWN}isnan({name}) THEN '\"NaN\"' WHEN {name} > 0 THEN '\"Infinity\"' ELSE '\"-Infinity\"' END"
    return f"coalesce(CASE WHEN {OWN}isfinite({name}) THEN {name}::VARCHAR ELSE {beyond} END, 'null')"


def chunked(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """The same rows, in lists of batches that together take little memory."""
    chunk: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        most = _chunk_rows(batch)
        piece = max(min(_VECTOR_ROWS, most), most // _PIECES)
        for start in range(0, batch.num_rows, piece):
            chunk.append(batch.slice(start, piece))
            rows += chunk[-1].num_rows
            if rows + piece > most:
                yield chunk
                chunk, rows = [], 0
    if chunk:
        yield chunk


def _chunk_rows(batch: pa.RecordBatch) -> int:
    by_bytes = _CHUNK_BYTES * batch.num_rows // max(1, batch.nbytes)
    by_cells = max(_VECTOR_ROWS, _CHUNK_CELLS // max(1, batch.num_columns))
    return int(max(1, min(_CHUNK_ROWS, by_cells, by_bytes)))


def _row_texts(batches: list[pa.RecordBatch], style: _Style) -> Iterator[bytes]:
    """The rows, each as `,{...}`, joined."""
    fields = batches[0].schema
    if not len(fields):
        yield (style.start() + style.end()).encode() * sum(batch.num_rows for batch in batches)
        return
    yield from row_texts(batches, lambda table, types: _row_parts(style, fields, types, table.columns))


def row_texts(batches: list[pa.RecordBatch], parts: Callable[[pa.Table, list[Type]], str]) -> Iterator[bytes]:
    """The rows as text, joined. A row is the concatenation of SQL expressions, made for the types that DuckDB reads.

    The values of an Arrow string array are already contiguous.
    """
    table = _named(pa.Table.from_batches(batches))
    with _writer().cursor() as cursor:
        rows = cursor.from_arrow(table)
        found = rows.project(f"{OWN}concat({parts(table, rows.types)}) AS text").to_arrow_table()
    for chunk in found.column(0).chunks:
        yield _joined_values(chunk.cast(pa.large_string()))


def _named(table: pa.Table) -> pa.Table:
    """With columns c0, c1, ..., of types that DuckDB reads."""
    return plain(table.rename_columns([f"c{place}" for place in range(table.num_columns)]).to_reader()).read_all()


def _types_of(schema: pa.Schema) -> list[Type]:
    with _writer().cursor() as cursor:
        return cursor.from_arrow(_named(pa.Table.from_batches([], schema))).types


def _row_parts(style: _Style, fields: pa.Schema, types: list[Type], columns: Sequence[Values]) -> str:
    """The parts of a row's text: constants, alternating with an expression for each of the columns c0, c1, ..."""
    parts, constant = [], style.start()
    for place, (field, type_, values) in enumerate(zip(fields, types, columns, strict=True)):
        quote, expression = style.column(f"c{place}", field, type_, values)
        parts += [_quoted(constant + style.key(place) + quote), expression]
        constant = quote + ","
    return ", ".join([*parts, _quoted(constant[:-1] + style.end())])


def _column(name: str, field: pa.Field, type_: Type, values: Values) -> tuple[str, str]:
    """The quote around all of the column's values, and an expression for the text inside."""
    noted = noted_type(field)
    neutral = noted.neutral if noted else _PLAIN
    easy = _easy_text(name, type_, neutral, values)
    if easy is None:
        return "", _json(name, type_, neutral)
    return _coalesced(*easy, values)


def _coalesced(quote: str, text: str, values: Values) -> tuple[str, str]:
    if values is not None and not values.null_count:
        return quote, text
    return "", f"coalesce({_quoted(quote)} || {text} || {_quoted(quote)}, 'null')"


def _easy_text(name: str, type_: Type, noted: NeutralType, values: Values) -> tuple[str, str] | None:
    """As `_column`, for the many columns without special values: checking this once is cheaper."""
    kind = str(type_.id)
    if noted.name in NUMBERS and kind == "varchar":
        return None
    if noted.name in NUMBERS and str(type_) == _WIDEST:
        return "", _widest(name)
    if _lacks_zero(type_):
        return "", _with_zero(name)
    if kind in _BARE or (kind in _FLOATS and _are_finite(values)):
        return "", f"{name}::VARCHAR"
    if kind in _QUOTED:
        return '"', f"{name}::VARCHAR"
    if kind in _TIME_TEXTS and not _have_years_before_1(values):
        return '"', _TIME_TEXTS[kind].format(name)
    return None


def _are_finite(values: Values) -> bool:
    return values is not None and pc.all(pc.is_finite(values)).as_py() is not False


_YEAR_1 = datetime(1, 1, 1)  # noqa: DTZ001  a bound for times without a zone


def _have_years_before_1(values: Values) -> bool:
    """Few columns do, and checking once is cheaper than checking every value."""
    if values is None:
        return True
    if pa.types.is_timestamp(values.type) and values.type.unit == "ns":
        return False
    bound = pa.scalar(_YEAR_1).cast(values.type if values.type != pa.date64() else pa.date32())
    integer = pa.int32() if pa.types.is_date32(values.type) else pa.int64()
    lowest = pc.min(values.cast(integer)).as_py()
    return lowest is not None and lowest < bound.cast(integer).as_py()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _joined_values(texts: pa.LargeStringArray) -> bytes:
    _, offsets, values = texts.buffers()
    first, last = (
        int.from_bytes(offsets[8 * index : 8 * index + 8].to_pybytes(), "little")
        for index in (texts.offset, texts.offset + len(texts))
    )
    return bytes(memoryview(values)[first:last])


@cache
def _writer() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(":memory:", config={"autoload_known_extensions": False})
    with suppress(duckdb.CatalogException):  # without the extension ICU, there is no other zone
        database.execute("SET GLOBAL TimeZone = 'UTC'").complete()
    return database


_BARE = {
    "boolean",
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "hugeint",
    "utinyint",
    "usmallint",
    "uinteger",
    "ubigint",
    "decimal",
}
_FLOATS = {"float", "double"}
_WIDE_NUMBERS = {"bigint", "hugeint", "ubigint", "decimal"}
_LOCAL = f"{OWN}replace({{0}}::VARCHAR, ' ', 'T')"
_ZONED = "timestamp with time zone"
_IN_UTC = f"{OWN}make_timestamp({OWN}epoch_us({{0}}))"  # whatever zone the database shows; NULL if it is infinite
_TIME_TEXTS = {
    "date": "{0}::VARCHAR",
    **dict.fromkeys(("timestamp", "timestamp_s", "timestamp_ms", "timestamp_us", "timestamp_ns"), _LOCAL),
    _ZONED: f"coalesce({_LOCAL.format(_IN_UTC)} || 'Z', {{0}}::VARCHAR)",
}
_QUOTED = {"uuid", "interval", "time", "time_ns"}  # nothing in them needs an escape

_PLAIN = NeutralType(PLAIN)


def _json(value: str, type_: Type, noted: NeutralType, depth: int = 0) -> str:
    """An expression for the JSON text of a value; the JSON null for NULL."""
    return f"coalesce({_text(value, type_, noted, depth)}, 'null')"


def _text(value: str, type_: Type, noted: NeutralType, depth: int) -> str:
    kind = str(type_.id)
    if noted.name in NUMBERS and kind == "varchar":  # a number too long for Arrow, or NaN or an infinity
        return f"CASE WHEN {value} NOT IN ('NaN', 'Infinity', '-Infinity') THEN {value} END"
    if noted.name in NUMBERS and str(type_) == _WIDEST:
        return _widest(value)
    if _lacks_zero(type_):
        return _with_zero(value)
    if kind in _BARE:
        return f"{value}::VARCHAR"
    if kind in _FLOATS:
        return f"CASE WHEN {OWN}isfinite({value}) THEN {value}::VARCHAR END"
    if kind == "blob":
        return f"'\"' || {OWN}to_base64({value}) || '\"'"
    if kind in _QUOTED:
        return f"'\"' || {value}::VARCHAR || '\"'"
    if kind == "timestamp_ns":  # of the years 1678 to 2262
        return f"'\"' || {_TIME_TEXTS[kind].format(value)} || '\"'"
    if kind in _TIME_TEXTS:
        moment = _IN_UTC.format(value) if kind == _ZONED else value
        return _iso(moment, _TIME_TEXTS[kind].format(value), "DATE" if kind == "date" else "TIMESTAMP")
    if kind in ("list", "array"):
        (item,) = _parts(noted, 1)
        return _list_text(value, _children(type_)["child"], item, depth)
    if kind == "struct":
        return _struct_text(value, type_, noted, depth)
    if kind == "map":
        return _map_text(value, _children(type_), noted, depth)
    return f"{OWN}to_json({value}::VARCHAR)::VARCHAR"


_WIDEST = "DECIMAL(38,0)"


def _widest(value: str) -> str:
    """A 128-bit integer arrives as a decimal of the same size; DuckDB cannot write the lowest one as a decimal."""
    return f"{value}::HUGEINT::VARCHAR"


def _lacks_zero(type_: Type) -> bool:
    """Whether DuckDB writes it as `.05`: decimals that have all their digits after the point."""
    sizes = dict(type_.children) if str(type_.id) == "decimal" else {}
    return bool(sizes) and sizes["precision"] == sizes["scale"]


def _with_zero(value: str) -> str:
    return f"{OWN}replace({value}::VARCHAR, '.', '0.')"


def _iso(value: str, text: str, kind: str) -> str:
    """The text in quotes; DuckDB writes years before 1 as `0044-03-15 (BC)`, ISO 8601 as -0043."""
    year = f"{OWN}year({value}::{kind})"
    digits = f"CASE WHEN {year} < 0 THEN '-' ELSE '' END || {OWN}printf('%04d', -{year})"
    rest = f"{OWN}regexp_replace({text}, '^[0-9]+|.\\(BC\\)', '', 'g')"
    before = f"CASE WHEN {OWN}isfinite({value}) THEN {digits} || {rest} ELSE {text} END"
    return f"'\"' || CASE WHEN {value} >= {kind} '0001-01-01' THEN {text} ELSE {before} END || '\"'"


def _children(type_: Type) -> dict[str, Type]:
    return {name: child for name, child in type_.children if isinstance(child, Type)}


def _parts(noted: NeutralType, count: int) -> tuple[NeutralType, ...]:
    return noted.parts if len(noted.parts) == count else (_PLAIN,) * count


def _list_text(value: str, item_type: Type, noted: NeutralType, depth: int) -> str:
    item = f"e{depth}"
    items = f"{OWN}list_transform({value}::{item_type}[], lambda {item}: {_json(item, item_type, noted, depth + 1)})"
    return f"'[' || {OWN}array_to_string({items}, ',') || ']'"


def _struct_text(value: str, type_: Type, noted: NeutralType, depth: int) -> str:
    children = [(name, child) for name, child in type_.children if isinstance(child, Type)]
    if not children:
        return f"CASE WHEN {value} IS NOT NULL THEN '{{}}' END"
    fields = " || ',' || ".join(
        f"{_quoted(json.dumps(name, ensure_ascii=False) + ':')} || "
        + _json(f"{OWN}struct_extract_at({value}, {place})", child, part, depth)
        for place, ((name, child), part) in enumerate(zip(children, _parts(noted, len(children)), strict=True), start=1)
    )
    return f"CASE WHEN {value} IS NOT NULL THEN '{{' || {fields} || '}}' END"


def _map_text(value: str, children: dict[str, Type], noted: NeutralType, depth: int) -> str:
    entry = f"e{depth}"
    key, key_type = f"{entry}.key", children["key"]
    key_noted, value_noted = _parts(noted, 2)
    text = _text(key, key_type, key_noted, depth + 1)
    if key_noted.name in NUMBERS:  # keys are strings, even numbers
        text = f"'\"' || {text} || '\"'"
    elif str(key_type.id) in _BARE | _FLOATS:
        text = f"'\"' || {key}::VARCHAR || '\"'"
    elif str(key_type.id) in ("list", "array", "struct", "map"):
        text = f"{OWN}to_json({key}::VARCHAR)::VARCHAR"
    pair = f"{text} || ':' || {_json(f'{entry}.value', children['value'], value_noted, depth + 1)}"
    pairs = f"{OWN}list_transform({OWN}map_entries({value}), lambda {entry}: {pair})"
    return f"'{{' || {OWN}array_to_string({pairs}, ',') || '}}'"
