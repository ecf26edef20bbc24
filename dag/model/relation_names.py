"""Names of schemas, relations and columns as they are written in SQL."""

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

# Words that DuckDB or PostgreSQL refuse as a bare name (the union of both reserved lists).
_RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable desc describe distinct do
    else end except false fetch for foreign freeze from full grant group having ilike in initially inner
    intersect into is isnull join lambda lateral leading left like limit localtime localtimestamp natural not
    notnull null offset on only or order outer overlaps pivot pivot_longer pivot_wider placing primary qualify
    references returning right select session_user show similar some summarize symmetric system_user table
    tablesample then to trailing true union unique unpivot user using variadic verbose when where window with
    """.split()
)


def identifier(name: str) -> str:
    """The name as SQL, in double quotes only where a bare one would not do.

    >>> identifier("hello"), identifier("order"), identifier("Total $")
    ('hello', '"order"', '"Total $"')
    """
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def identifiers(names: Iterable[str]) -> str:
    """The names as a list of columns."""
    return ", ".join(map(identifier, names))


def relation(asset: str) -> str:
    """The relation of an asset named `stage.model`: schema and table as SQL."""
    stage, model = asset.split(".", 1)
    return f"{identifier(stage)}.{identifier(model)}"


def input_relation(asset: str) -> str:
    """The relation an upstream's frame is written into for an asset with `persist_inputs` (contract, Projects)."""
    return identifier("tmp_" + asset.replace(".", "_"))
