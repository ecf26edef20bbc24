"""How an engine's SQL writes names and values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from dagscope.dag.ground.json_text import json_text

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Dialect:
    """The SQL of one engine. `reserved` are the words, in lower case, that the engine refuses as bare names.

    `longest_name` is how many bytes of a name the engine keeps, if it truncates longer names silently.
    `default_schema` is the schema of names without one.

    >>> sql = Dialect(frozenset({"order"}))
    >>> sql.identifier("hello"), sql.identifier("order"), sql.identifier("Total $")
    ('hello', '"order"', '"Total $"')
    >>> sql.literal("it's"), sql.literal(None), sql.literal([1, True])
    ("'it''s'", 'NULL', '(1, TRUE)')
    """

    reserved: frozenset[str] = frozenset()
    longest_name: int | None = None
    default_schema: str = "main"
    text_collation: str = ""
    """What makes the engine compare text by its code points."""
    text_type: str = "VARCHAR"
    """The type of text of any length."""
    starts_with: str = "starts_with"
    """The function of a text and of its possible beginning."""
    row_order: str = ""
    """A column of every table that keeps the order of rows which are equal otherwise."""
    quotes_numbers: bool = True
    """Whether a number in quotes gets the type of the column that it is compared with. If not, it is written bare."""
    grammar: str | None = None
    """The name that sqlglot has for this SQL; None if it cannot be taken apart."""

    def cuts(self, name: str) -> bool:
        """Whether the engine would truncate this name."""
        return self.longest_name is not None and len(name.encode()) > self.longest_name

    def identifier(self, name: str) -> str:
        """The name as SQL, in double quotes only if it needs them."""
        if _PLAIN.fullmatch(name) and name not in self.reserved:
            return name
        return quoted(name)

    def identifiers(self, names: Iterable[str]) -> str:
        """The names as a list of columns."""
        return ", ".join(map(self.identifier, names))

    def relation(self, asset: str) -> str:
        """The relation of an asset named `stage.model`: schema and table as SQL."""
        stage, model = asset.split(".", 1)
        return f"{self.identifier(stage)}.{self.identifier(model)}"

    def input_relation(self, asset: str) -> str:
        """The table that an upstream's frame is written to for an asset with `persist_inputs`."""
        return self.identifier(input_table(asset))

    def literal(self, value: Any) -> str:
        """The value as a literal; lists in parentheses for IN, other structures as JSON text."""
        match value:
            case None:
                return "NULL"
            case bool():
                return "TRUE" if value else "FALSE"
            case int() | float():
                return str(value)
            case Decimal():
                return f"{value:f}"
            case list() | tuple():
                return "(" + ", ".join(map(self.literal, value)) + ")"
            case dict():
                return self.literal(json_text(value, comma=", ", colon=": "))
            case date():
                return self.literal(value.isoformat())
            case _:
                return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """The name in double quotes, as every engine reads it."""
    return '"' + name.replace('"', '""') + '"'


def input_table(asset: str) -> str:
    """The name of the table that holds an upstream's frame in its reader's database."""
    return "tmp_" + asset.replace(".", "_")
