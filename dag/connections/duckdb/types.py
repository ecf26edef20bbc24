"""Moving columns between DuckDB and Arrow without loss (docs/connections.md, Types).

DuckDB's Arrow export turns some types into others (UUID into text), some into wrong values (UHUGEINT, TIME WITH TIME
ZONE). Such a column travels as text, or as the nearest type, with its own type recorded, and is restored exactly.
"""

from collections.abc import Callable

import pyarrow as pa
from duckdb import sqltypes

from dagscope.dag.connections.arrow_types import WIDEST_DECIMAL, NotedType, noted_type, with_type
from dagscope.dag.connections.duckdb.dialect import DIALECT
from dagscope.dag.connections.neutral_types import (
    BITS,
    DECIMAL,
    INTEGER,
    JSON,
    LIST,
    MAP,
    PLAIN,
    SIGNED_128,
    STRUCT,
    TIME_WITH_ZONE,
    UNSIGNED_128,
    UUID,
    NeutralType,
)
from dagscope.dag.ground.errors import TypeNotKept
from dagscope.dag.model.dialect import quoted

ENGINE = "duckdb"

Type = sqltypes.DuckDBPyType

# Exported wrongly, or as bytes that nothing can read: they travel as text.
_AS_TEXT = {"uhugeint", "time with time zone", "bit", "bignum", "enum"}

# An enum's own type is not recorded: it becomes text.
_NEUTRAL = {
    "uuid": UUID,
    "hugeint": SIGNED_128,
    "uhugeint": UNSIGNED_128,
    "bignum": INTEGER,
    "time with time zone": TIME_WITH_ZONE,
    "bit": BITS,
}
_NESTED = {"list": LIST, "array": LIST, "struct": STRUCT, "map": MAP}


def export_projection(columns: list[str], types: list[Type]) -> str | None:
    """The select list that makes every column exportable; None if every column is."""
    if not any(_contains(type_, _AS_TEXT) for type_ in types):
        return None
    return ", ".join(
        f"CAST(#{index} AS {_rebuilt(type_, _export_leaf)}) AS {quoted(name)}"
        if _contains(type_, _AS_TEXT)
        else f"#{index} AS {quoted(name)}"
        for index, (name, type_) in enumerate(zip(columns, types, strict=True), start=1)
    )


def is_nested(type_: Type) -> bool:
    """Whether the type has parts."""
    return str(type_.id) in _NESTED or str(type_.id) == "union"


def described(schema: pa.Schema, types: list[Type]) -> pa.Schema:
    """The exported schema with the types that Arrow cannot express."""
    return pa.schema(
        [
            with_type(field, NotedType(neutral, ENGINE, _rebuilt(type_, _kept_leaf))) if not neutral.is_plain else field
            for field, type_, neutral in zip(schema, types, map(_neutral, types), strict=True)
        ]
    )


def _neutral(type_: Type) -> NeutralType:
    kind = str(type_.id)
    if kind in _NESTED:
        return NeutralType(_NESTED[kind], parts=tuple(map(_neutral, _parts(type_).values())))
    return NeutralType(JSON if str(type_) == "JSON" else _NEUTRAL.get(kind, PLAIN))


def import_projection(schema: pa.Schema, columns: tuple[str, ...]) -> str:
    """The select list that restores an Arrow relation's columns to their types in their own database.

    Raises `TypeNotKept` for a type that DuckDB does not have.
    """
    return ", ".join(
        f"CAST(#{index} AS {type_}) AS {quoted(name)}" if type_ else f"#{index} AS {quoted(name)}"
        for index, (name, type_) in enumerate(zip(columns, map(_import_type, schema), strict=True), start=1)
    )


def _import_type(field: pa.Field) -> str | None:
    noted = noted_type(field)
    if noted is None:
        return None
    return noted.own if noted.engine == ENGINE else _from_neutral(field.name, noted)


_FROM_NEUTRAL = {
    UUID: "UUID",
    JSON: "JSON",
    SIGNED_128: "HUGEINT",
    UNSIGNED_128: "UHUGEINT",
    INTEGER: "BIGNUM",
    TIME_WITH_ZONE: "TIME WITH TIME ZONE",
    BITS: "BIT",
}

_HUGEINT_SIZES = (39, 0)  # a 128-bit integer as a decimal; most such values fit


def _from_neutral(column: str, noted: NotedType) -> str | None:
    is_list = noted.neutral.name == LIST
    item, brackets = (noted.neutral.parts[0], "[]") if is_list else (noted.neutral, "")
    if item.name in _FROM_NEUTRAL:
        return _FROM_NEUTRAL[item.name] + brackets
    if item.name == DECIMAL:
        return _decimal(column, noted, item.sizes) + brackets
    if item.is_plain:
        return None
    hint = f"DuckDB has no such type; cast it, for example {DIALECT.identifier(column)}::text{brackets}"
    raise TypeNotKept(column, noted.own, "DuckDB", hint)


def _decimal(column: str, noted: NotedType, sizes: tuple[int, ...]) -> str:
    if sizes == _HUGEINT_SIZES:
        return "HUGEINT"
    if sizes:
        hint = f"DuckDB's DECIMAL has at most {WIDEST_DECIMAL} digits; cast it to fewer"
        raise TypeNotKept(column, noted.own, "DuckDB", hint)
    element = noted.own.removesuffix("[]")
    brackets = noted.own.removeprefix(element)
    example = f"{DIALECT.identifier(column)}::{element}({WIDEST_DECIMAL}, 10){brackets}"
    hint = f"it has no fixed precision; cast it, for example {example}"
    raise TypeNotKept(column, f"{element} without precision{brackets}", "DuckDB", hint)


def _rebuilt(type_: Type, leaf: Callable[[Type], str]) -> str:
    """The type as SQL, with its innermost types as `leaf` writes them."""
    kind = str(type_.id)
    if kind not in _NESTED:
        return leaf(type_)
    parts = {name: _rebuilt(child, leaf) for name, child in _parts(type_).items()}
    if kind == "list":
        return parts["child"] + "[]"
    if kind == "array":
        size = dict(type_.children)["size"]
        return f"{parts['child']}[{size}]"
    if kind == "struct":
        return "STRUCT(" + ", ".join(f"{quoted(name)} {part}" for name, part in parts.items()) + ")"
    return f"MAP({parts['key']}, {parts['value']})"


def _export_leaf(type_: Type) -> str:
    return "VARCHAR" if str(type_.id) in _AS_TEXT else str(type_)


def _kept_leaf(type_: Type) -> str:
    return "VARCHAR" if str(type_.id) == "enum" else str(type_)


def _contains(type_: Type, kinds: set[str]) -> bool:
    if str(type_.id) in _NESTED:
        return any(_contains(part, kinds) for part in _parts(type_).values())
    return str(type_.id) in kinds


def _parts(type_: Type) -> dict[str, Type]:
    """The parts of a nested type, by name."""
    return {name: child for name, child in type_.children if isinstance(child, Type)}
