"""Arrow rows as CSV (RFC 4180) without loss: NULL is nothing between two commas, an empty text is `\"\"`.

Text is written as it is, also where a spreadsheet would run it as a formula: whoever reads the file gets what the
database holds (docs/http-api/assets.md, GET /api/dag/asset/{name}/data/download).
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from dagscope.server.api.row_json import Type, bare_text, cell_text, chunked, row_texts

_ENDS = "\r\n"
_SPECIAL = '[",\\r\\n]|^ | $'


def csv_chunks(batches: Iterable[pa.RecordBatch], columns: tuple[str, ...]) -> Iterator[bytes]:
    """The head, then the rows in chunks."""
    yield (",".join(map(_in_quotes, columns)) + _ENDS).encode()
    for chunk in chunked(batches):
        if not columns:
            yield _ENDS.encode() * sum(batch.num_rows for batch in chunk)
        else:
            fields = chunk[0].schema
            yield from row_texts(chunk, lambda table, types: _row(fields, types, table))  # noqa: B023  used at once


def _in_quotes(name: str) -> str:
    is_plain = name and not any(character in name for character in '",\r\n') and name.strip() == name
    return name if is_plain else '"' + name.replace('"', '""') + '"'


def _row(fields: pa.Schema, types: list[Type], table: pa.Table) -> str:
    cells = (
        _cell(f"c{index}", field, type_, table.column(index))
        for index, (field, type_) in enumerate(zip(fields, types, strict=True))
    )
    return ", ',', ".join(cells) + ", chr(13) || chr(10)"


def _cell(name: str, field: pa.Field, type_: Type, values: pa.ChunkedArray) -> str:
    kind = str(type_.id)
    if kind in ("float", "double"):
        beyond = f"CASE WHEN isnan({name}) THEN 'NaN' WHEN {name} > 0 THEN 'Infinity' ELSE '-Infinity' END"
        return f"coalesce(CASE WHEN isfinite({name}) THEN {name}::VARCHAR ELSE {beyond} END, '')"
    if kind == "varchar":
        return _quoted_if_needed(name) if _needs_quotes(values) else f"coalesce({name}, '')"
    if kind in ("list", "array", "struct", "map"):
        return _quoted_if_needed(f"({cell_text(name, field, type_)})")
    bare = bare_text(name, field, type_, values)
    if bare is not None:
        return f"coalesce({bare}, '')"
    return f"coalesce(trim({cell_text(name, field, type_)}, '\"'), '')"  # a JSON string there needs no escapes


def _needs_quotes(texts: pa.ChunkedArray) -> bool:
    """Few columns do, and checking once in Arrow is cheaper than checking every value in SQL."""
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        return True
    return bool(pc.any(pc.match_substring_regex(texts, f"{_SPECIAL}|^$")).as_py())


def _quoted_if_needed(text: str) -> str:
    quoted = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
    return (
        f"CASE WHEN {text} IS NULL THEN '' WHEN {text} = '' OR regexp_matches({text}, '{_SPECIAL}') "
        f"THEN {quoted} ELSE {text} END"
    )
