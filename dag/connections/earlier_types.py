"""Reads frames that earlier versions stored, where `dagscope:type` was `<engine>:<type as that engine writes it>`."""

import re

from dagscope.dag.connections.neutral_types import (
    BITS,
    DECIMAL,
    INTEGER,
    JSON,
    LIST,
    MAP,
    OTHER,
    PLAIN,
    SIGNED_128,
    STRUCT,
    TIME_WITH_ZONE,
    UNSIGNED_128,
    UUID,
    NeutralType,
)

_NOTED = re.compile(r"(duckdb|postgres):(.*)", re.DOTALL)

_DUCKDB = {
    "UUID": UUID,
    "JSON": JSON,
    "HUGEINT": SIGNED_128,
    "UHUGEINT": UNSIGNED_128,
    "BIGNUM": INTEGER,
    "TIME WITH TIME ZONE": TIME_WITH_ZONE,
    "BIT": BITS,
}

_POSTGRES = {
    "uuid": UUID,
    "json": JSON,
    "jsonb": JSON,
    "numeric": DECIMAL,
    "time with time zone": TIME_WITH_ZONE,
    "bit": BITS,
    '"bit"': BITS,
    "bit varying": BITS,
}

_MODIFIER = re.compile(r"\(([-\d,]*)\)")
_LIST = re.compile(r"(.*)\[\d*\]", re.DOTALL)
_NESTED = re.compile(r"(STRUCT|MAP)\((.*)\)", re.DOTALL)
_FIELD_NAME = re.compile(r'\s*"(?:[^"]|"")*"\s+|\s*')


def translated(noted: str) -> tuple[NeutralType, str] | None:
    """The neutral type and today's form of the engine's own type; None for text that no earlier version wrote."""
    match = _NOTED.fullmatch(noted)
    if match is None:
        return None
    engine, type_ = match.groups()
    return (_of_duckdb(type_) if engine == "duckdb" else _of_postgres(type_)), noted


def _of_postgres(type_: str) -> NeutralType:
    element = type_.removesuffix("[]")
    modifier = _MODIFIER.search(element)
    name = _POSTGRES.get(_MODIFIER.sub("", element), OTHER)
    sizes = tuple(map(int, modifier[1].split(","))) if modifier and name == DECIMAL else ()
    item = NeutralType(name, sizes)
    return item.as_list() if element != type_ else item


def _of_duckdb(type_: str) -> NeutralType:
    if match := _LIST.fullmatch(type_):
        return NeutralType(LIST, parts=(_of_duckdb(match[1]),))
    if match := _NESTED.fullmatch(type_):
        parts = tuple(_of_duckdb(part) for part in _parts(match[2], named=match[1] == "STRUCT"))
        return NeutralType(STRUCT if match[1] == "STRUCT" else MAP, parts=parts)
    return NeutralType(_DUCKDB.get(type_, PLAIN))


def _parts(text: str, named: bool) -> list[str]:
    """The types in `"name" TYPE, "name" TYPE`, or `TYPE, TYPE`; commas in parentheses and quotes do not separate."""
    parts, depth, start, quoted = [], 0, 0, False
    for index, character in enumerate(text + ","):
        quoted ^= character == '"'
        if quoted:
            continue
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            part = text[start:index]
            parts.append(_FIELD_NAME.sub("", part, count=1) if named else part.strip())
            start = index + 1
    return parts
