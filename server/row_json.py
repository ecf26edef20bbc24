"""Arrow rows as exact JSON objects, converted by DuckDB a batch at a time (contract, Data).

DuckDB's own JSON writer gives `NaN`, `1.1` for the decimal 1.10, `\\xAA` for bytes, and a space in timestamps, so each
column is first turned into the text of its JSON by an expression for its type.
"""

import json
from collections.abc import Iterator
from functools import cache

import duckdb
import pyarrow as pa
from duckdb import sqltypes

from dag.templates import sql_literal


def row_chunks(batches: Iterator[pa.RecordBatch], columns: tuple[str, ...]) -> Iterator[bytes]:
    """The rows as JSON objects parted by commas, in chunks; nothing for no rows. Brackets are the caller's."""
    skip = 1  # every row begins with a comma; the very first one's is left out
    for batch in batches:
        if batch.num_rows:
            for text in _row_texts(batch, columns):
                yield text[skip:]
                skip = 0


def _row_texts(batch: pa.RecordBatch, columns: tuple[str, ...]) -> Iterator[bytes]:
    """The batch's rows, each as `,{...}`, joined. The values of an Arrow string array stand joined already."""
    plain = [f"c{index}" for index in range(batch.num_columns)]
    with _converter().cursor() as cursor:
        relation = cursor.from_arrow(pa.Table.from_batches([batch.rename_columns(plain)]))
        types = relation.types
        pairs = [
            f"{sql_literal(comma + json.dumps(key, ensure_ascii=False) + ':')}, {_json(name, type_)}"
            for comma, key, name, type_ in zip([",{"] + [","] * len(plain), columns, plain, types, strict=False)
        ]
        texts = relation.project(f"concat({', '.join(pairs)}, '}}') AS text").to_arrow_table().column(0)
    for chunk in texts.chunks:
        yield _joined_values(chunk.cast(pa.large_string()))


def _joined_values(texts: pa.LargeStringArray) -> bytes:
    _, offsets, values = texts.buffers()
    first, last = (
        int.from_bytes(offsets[8 * index : 8 * index + 8].to_pybytes(), "little")
        for index in (texts.offset, texts.offset + len(texts))
    )
    return bytes(memoryview(values)[first:last])


@cache
def _converter() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


_BARE = {
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "hugeint",
    "utinyint",
    "usmallint",
    "uinteger",
    "ubigint",
    "uhugeint",
    "decimal",
}
_FLOATS = {"float", "double"}
_TIMESTAMPS = {"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp_us"}


def _json(value: str, type_: sqltypes.DuckDBPyType, depth: int = 0) -> str:
    """An expression for the JSON text of a value; the JSON null for NULL."""
    return f"coalesce({_text(value, type_, depth)}, 'null')"


def _text(value: str, type_: sqltypes.DuckDBPyType, depth: int) -> str:
    kind = str(type_.id)
    if kind == "boolean" or kind in _BARE:
        return f"{value}::VARCHAR"
    if kind in _FLOATS:
        return f"CASE WHEN isfinite({value}) THEN {value}::VARCHAR END"
    if kind == "blob":
        return f"'\"' || to_base64({value}) || '\"'"
    if kind in _TIMESTAMPS:
        return f"'\"' || replace({value}::VARCHAR, ' ', 'T') || '\"'"
    if kind == "timestamp with time zone":
        return f"'\"' || replace(({value} AT TIME ZONE 'UTC')::VARCHAR, ' ', 'T') || 'Z\"'"
    if kind in ("list", "array"):
        return _list_text(value, _children(type_)["child"], depth)
    if kind == "struct":
        fields = " || ',' || ".join(
            f"{sql_literal(json.dumps(name, ensure_ascii=False) + ':')} || "
            + _json(f"struct_extract({value}, {sql_literal(name)})", child, depth)
            for name, child in _children(type_).items()
        )
        return f"CASE WHEN {value} IS NOT NULL THEN '{{' || {fields} || '}}' END"
    if kind == "map":
        return _map_text(value, _children(type_)["value"], depth)
    return f"to_json({value}::VARCHAR)::VARCHAR"


def _children(type_: sqltypes.DuckDBPyType) -> dict[str, sqltypes.DuckDBPyType]:
    return {name: child for name, child in type_.children if isinstance(child, sqltypes.DuckDBPyType)}


def _list_text(value: str, item_type: sqltypes.DuckDBPyType, depth: int) -> str:
    item = f"e{depth}"
    items = f"list_transform({value}::{item_type}[], lambda {item}: {_json(item, item_type, depth + 1)})"
    return f"'[' || array_to_string({items}, ',') || ']'"


def _map_text(value: str, value_type: sqltypes.DuckDBPyType, depth: int) -> str:
    entry = f"e{depth}"
    pair = f"to_json({entry}.key::VARCHAR)::VARCHAR || ':' || {_json(f'{entry}.value', value_type, depth + 1)}"
    return f"'{{' || array_to_string(list_transform(map_entries({value}), lambda {entry}: {pair}), ',') || '}}'"
