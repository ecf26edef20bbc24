"""Arrow rows as exact JSON objects, a few thousand rows at a time (contract, Data).

An embedded DuckDB builds the texts. It belongs to this module, wherever the rows come from.
Its JSON writer writes `NaN`, `1.1` for the decimal 1.10, `\\xAA` for bytes, and a space in timestamps, so each
column is first converted to JSON text by an expression for its type.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import sqltypes

from dagscope.dag.connections.arrow_types import noted_type, plain
from dagscope.dag.connections.neutral_types import NUMBERS, PLAIN, NeutralType

_CHUNK_ROWS = 262_144
_CHUNK_CELLS = 800_000
_CHUNK_BYTES = 16_000_000  # of Arrow; the text is up to a few times that
_PIECES = 4  # batches per chunk: DuckDB converts each batch in one thread
_VECTOR_ROWS = 2_048  # DuckDB's own batch size: for fewer rows of a wide table, planning takes longer than converting

Type = sqltypes.DuckDBPyType


def row_chunks(batches: Iterator[pa.RecordBatch], columns: tuple[str, ...]) -> Iterator[bytes]:
    """The rows as JSON objects separated by commas, in chunks; no chunk for no rows. The caller adds the brackets.

    Raises `TypeNotKept` for a column of a type that has no exact text.
    """
    skip = 1  # every row starts with a comma; the first comma is left out
    for chunk in _chunks(batches):
        for text in _row_texts(chunk, columns):
            yield text[skip:]
            skip = 0


def _chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
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


def _row_texts(batches: list[pa.RecordBatch], columns: tuple[str, ...]) -> Iterator[bytes]:
    """The rows, each as `,{...}`, joined. The values of an Arrow string array are already contiguous."""
    fields = batches[0].schema
    if not len(fields):
        yield b",{}" * sum(batch.num_rows for batch in batches)
        return
    names = tuple(f"c{index}" for index in range(len(fields)))
    table = plain(pa.Table.from_batches(batches).rename_columns(names).to_reader()).read_all()
    with _writer().cursor() as cursor:
        rows = cursor.from_arrow(table)
        texts = rows.project(f"concat({_row_parts(columns, fields, rows.types, table)}) AS text").to_arrow_table()
    for chunk in texts.column(0).chunks:
        yield _joined_values(chunk.cast(pa.large_string()))


def _row_parts(keys: tuple[str, ...], fields: pa.Schema, types: list[Type], table: pa.Table) -> str:
    """The parts of a row's text: constants, alternating with an expression for each column."""
    parts, constant = [], ",{"
    for key, name, field, type_ in zip(keys, table.schema.names, fields, types, strict=True):
        quote, expression = _column(name, field, type_, table.column(name))
        parts += [_quoted(constant + json.dumps(key, ensure_ascii=False) + ":" + quote), expression]
        constant = quote + ","
    return ", ".join([*parts, _quoted(constant[:-1] + "}")])


def _column(name: str, field: pa.Field, type_: Type, values: pa.ChunkedArray) -> tuple[str, str]:
    """The quote around all of the column's values, and an expression for the text inside."""
    noted = noted_type(field)
    neutral = noted.neutral if noted else _PLAIN
    easy = _easy_text(name, type_, neutral, values)
    if easy is None:
        return "", _json(name, type_, neutral)
    quote, text = easy
    if not values.null_count:
        return quote, text
    return "", f"coalesce({_quoted(quote)} || {text} || {_quoted(quote)}, 'null')"


def _easy_text(name: str, type_: Type, noted: NeutralType, values: pa.ChunkedArray) -> tuple[str, str] | None:
    """As `_column`, for the many columns without special values: checking this once in Arrow is cheaper."""
    kind = str(type_.id)
    if noted.name in NUMBERS and kind == "varchar":
        return None
    if noted.name in NUMBERS and str(type_) == _WIDEST:
        return "", _widest(name)
    if _lacks_zero(type_):
        return "", _with_zero(name)
    if kind in _BARE or (kind in _FLOATS and pc.all(pc.is_finite(values)).as_py() is not False):
        return "", f"{name}::VARCHAR"
    if kind in _QUOTED:
        return '"', f"{name}::VARCHAR"
    if str(type_) == "VARCHAR" and not _needs_escapes(values):
        return '"', name
    if kind in _TIME_TEXTS and not _has_years_before_1(values):
        return '"', _TIME_TEXTS[kind].format(name)
    return None


def _needs_escapes(texts: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(texts.type):
        return True
    return bool(pc.any(pc.match_substring_regex(texts, r'["\\\x00-\x1f]')).as_py())


_YEAR_1 = datetime(1, 1, 1)  # noqa: DTZ001  a bound for times without a zone


def _has_years_before_1(times: pa.ChunkedArray) -> bool:
    """Few columns do, and checking once is cheaper than checking every value."""
    if pa.types.is_timestamp(times.type) and times.type.unit == "ns":
        return False
    bound = pa.scalar(_YEAR_1).cast(times.type if times.type != pa.date64() else pa.date32())
    integer = pa.int32() if pa.types.is_date32(times.type) else pa.int64()
    lowest = pc.min(times.cast(integer)).as_py()
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
    # Without the extension ICU, which some machines have, the text of a time with a zone is always in UTC.
    return duckdb.connect(":memory:", config={"autoload_known_extensions": False})


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
_LOCAL = "replace({0}::VARCHAR, ' ', 'T')"
_TIME_TEXTS = {
    "date": "{0}::VARCHAR",
    **dict.fromkeys(("timestamp", "timestamp_s", "timestamp_ms", "timestamp_us", "timestamp_ns"), _LOCAL),
    "timestamp with time zone": f"replace({_LOCAL}, '+00', 'Z')",
}
_BOUND_TYPES = {"date": "DATE", "timestamp with time zone": "TIMESTAMPTZ"}
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
        return f"CASE WHEN isfinite({value}) THEN {value}::VARCHAR END"
    if kind == "blob":
        return f"'\"' || to_base64({value}) || '\"'"
    if kind in _QUOTED:
        return f"'\"' || {value}::VARCHAR || '\"'"
    if kind == "timestamp_ns":  # of the years 1678 to 2262
        return f"'\"' || {_TIME_TEXTS[kind].format(value)} || '\"'"
    if kind in _TIME_TEXTS:
        return _iso(value, _TIME_TEXTS[kind].format(value), _BOUND_TYPES.get(kind, "TIMESTAMP"))
    if kind in ("list", "array"):
        (item,) = _parts(noted, 1)
        return _list_text(value, _children(type_)["child"], item, depth)
    if kind == "struct":
        return _struct_text(value, type_, noted, depth)
    if kind == "map":
        return _map_text(value, _children(type_), noted, depth)
    return f"to_json({value}::VARCHAR)::VARCHAR"


_WIDEST = "DECIMAL(38,0)"


def _widest(value: str) -> str:
    """A 128-bit integer arrives as a decimal of the same size; DuckDB cannot write the lowest one as a decimal."""
    return f"{value}::HUGEINT::VARCHAR"


def _lacks_zero(type_: Type) -> bool:
    """Whether DuckDB writes it as `.05`: decimals that have all their digits after the point."""
    sizes = dict(type_.children) if str(type_.id) == "decimal" else {}
    return bool(sizes) and sizes["precision"] == sizes["scale"]


def _with_zero(value: str) -> str:
    return f"replace({value}::VARCHAR, '.', '0.')"


def _iso(value: str, text: str, kind: str) -> str:
    """The text in quotes; DuckDB writes years before 1 as `0044-03-15 (BC)`, ISO 8601 as -0043."""
    year = f"year({value}::TIMESTAMP)"
    before = (
        f"CASE WHEN isfinite({value}) THEN CASE WHEN {year} < 0 THEN '-' ELSE '' END || printf('%04d', -{year}) "
        f"|| regexp_replace({text}, '^[0-9]+|.\\(BC\\)', '', 'g') ELSE {text} END"
    )
    return f"'\"' || CASE WHEN {value} >= {kind} '0001-01-01' THEN {text} ELSE {before} END || '\"'"


def _children(type_: Type) -> dict[str, Type]:
    return {name: child for name, child in type_.children if isinstance(child, Type)}


def _parts(noted: NeutralType, count: int) -> tuple[NeutralType, ...]:
    return noted.parts if len(noted.parts) == count else (_PLAIN,) * count


def _list_text(value: str, item_type: Type, noted: NeutralType, depth: int) -> str:
    item = f"e{depth}"
    items = f"list_transform({value}::{item_type}[], lambda {item}: {_json(item, item_type, noted, depth + 1)})"
    return f"'[' || array_to_string({items}, ',') || ']'"


def _struct_text(value: str, type_: Type, noted: NeutralType, depth: int) -> str:
    children = [(name, child) for name, child in type_.children if isinstance(child, Type)]
    if not children:
        return f"CASE WHEN {value} IS NOT NULL THEN '{{}}' END"
    fields = " || ',' || ".join(
        f"{_quoted(json.dumps(name, ensure_ascii=False) + ':')} || "
        + _json(f"struct_extract_at({value}, {place})", child, part, depth)
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
        text = f"to_json({key}::VARCHAR)::VARCHAR"
    pair = f"{text} || ':' || {_json(f'{entry}.value', children['value'], value_noted, depth + 1)}"
    return f"'{{' || array_to_string(list_transform(map_entries({value}), lambda {entry}: {pair}), ',') || '}}'"
