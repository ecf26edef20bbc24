"""Columns between DuckDB and Arrow without loss (docs/connections.md, Types).

DuckDB's Arrow export turns some types into others (UUID into text), some into wrong values (UHUGEINT, TIME WITH TIME
ZONE). Here such a column goes as text, or as the nearest type, with its own type beside it, and comes back as it was.
"""

from collections.abc import Callable

import pyarrow as pa
from duckdb import sqltypes

from dagscope.dag.connections.arrow_types import WIDEST_DECIMAL, source_type, with_source_type
from dagscope.dag.ground.errors import TypeNotKept
from dagscope.dag.model.relation_names import identifier

ENGINE = "duckdb"

Type = sqltypes.DuckDBPyType

# Exported wrongly, or as bytes that nobody reads: they go as text.
_AS_TEXT = {"uhugeint", "time with time zone", "bit", "bignum", "enum"}

# An enum's own type is not kept: it is text wherever it goes.
_KEPT = {"hugeint", "uhugeint", "uuid", "time with time zone", "bit", "bignum"}


def export_projection(columns: list[str], types: list[Type]) -> str | None:
    """The select list that makes every column exportable; None if all are."""
    if not any(_contains(type_, _AS_TEXT) for type_ in types):
        return None
    return ", ".join(
        f"CAST(#{index} AS {rebuilt(type_, _export_leaf)}) AS {_quoted(name)}"
        if _contains(type_, _AS_TEXT)
        else f"#{index} AS {_quoted(name)}"
        for index, (name, type_) in enumerate(zip(columns, types, strict=True), start=1)
    )


def described(schema: pa.Schema, types: list[Type]) -> pa.Schema:
    """The exported schema with the types that Arrow could not tell."""
    return pa.schema(
        [
            with_source_type(field, ENGINE, rebuilt(type_, _kept_leaf)) if _is_kept(type_) else field
            for field, type_ in zip(schema, types, strict=True)
        ]
    )


def import_projection(schema: pa.Schema, columns: tuple[str, ...]) -> str:
    """The select list that makes an Arrow relation's columns what they were in their own database.

    Raises `TypeNotKept` for a type that DuckDB does not have.
    """
    return ", ".join(
        f"CAST(#{index} AS {type_}) AS {_quoted(name)}" if type_ else f"#{index} AS {_quoted(name)}"
        for index, (name, type_) in enumerate(zip(columns, map(_import_type, schema), strict=True), start=1)
    )


def _import_type(field: pa.Field) -> str | None:
    noted = source_type(field)
    if noted is None:
        return None
    engine, type_ = noted
    return type_ if engine == ENGINE else _from_postgres(field.name, type_)


_POSTGRES_TYPES = {
    "uuid": "UUID",
    "json": "JSON",
    "jsonb": "JSON",
    "time with time zone": "TIME WITH TIME ZONE",
    "bit": "BIT",
    '"bit"': "BIT",  # of unknown length
    "bit varying": "BIT",
}


_POSTGRES_HUGEINT = "numeric(39,0)"  # what a HUGEINT is in PostgreSQL


def _from_postgres(column: str, type_: str) -> str:
    element, brackets = (type_[:-2], "[]") if type_.endswith("[]") else (type_, "")
    name, _, modifier = element.partition("(")
    rest = modifier.partition(")")[2]  # `time(3) with time zone`
    if name + rest in _POSTGRES_TYPES:
        return _POSTGRES_TYPES[name + rest] + brackets
    if element == _POSTGRES_HUGEINT:
        return "HUGEINT" + brackets
    if name == "numeric" and modifier:
        hint = f"DuckDB's DECIMAL has at most {WIDEST_DECIMAL} digits; cast it to fewer"
        raise TypeNotKept(column, type_, "DuckDB", hint)
    if name == "numeric":
        hint = f"it has no fixed precision; cast it, for example {identifier(column)}::numeric(38, 10){brackets}"
        raise TypeNotKept(column, "numeric without precision" + brackets, "DuckDB", hint)
    hint = f"DuckDB has no such type; cast it, for example {identifier(column)}::text{brackets}"
    raise TypeNotKept(column, type_, "DuckDB", hint)


def rebuilt(type_: Type, leaf: Callable[[Type], str]) -> str:
    """The type as SQL, its innermost types as `leaf` writes them."""
    kind = str(type_.id)
    if kind not in ("list", "array", "struct", "map"):
        return leaf(type_)
    parts = {name: rebuilt(child, leaf) for name, child in type_.children if isinstance(child, Type)}
    if kind == "list":
        return parts["child"] + "[]"
    if kind == "array":
        size = dict(type_.children)["size"]
        return f"{parts['child']}[{size}]"
    if kind == "struct":
        return "STRUCT(" + ", ".join(f"{_quoted(name)} {part}" for name, part in parts.items()) + ")"
    return f"MAP({parts['key']}, {parts['value']})"


def _export_leaf(type_: Type) -> str:
    return "VARCHAR" if str(type_.id) in _AS_TEXT else str(type_)


def _kept_leaf(type_: Type) -> str:
    return "VARCHAR" if str(type_.id) == "enum" else str(type_)


def _is_kept(type_: Type) -> bool:
    return _contains(type_, _KEPT) or "JSON" in str(type_)


def _contains(type_: Type, kinds: set[str]) -> bool:
    if str(type_.id) in kinds:
        return True
    if str(type_.id) not in ("list", "array", "struct", "map"):
        return False
    return any(_contains(child, kinds) for _, child in type_.children if isinstance(child, Type))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
