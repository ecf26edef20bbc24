"""Rows as text for a terminal: a table whose long values are cut."""

import json
from collections.abc import Sequence
from typing import Any

import click

from dagscope.dag.ground.terminal_text import shown

_WIDEST_CELL = 40  # characters


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], indent: str = "") -> None:
    """Print the rows below their columns, with nothing in them that a terminal acts on."""
    table = [columns, *([cell(value) for value in row] for row in rows)]
    cells = [[cut(shown(text), _WIDEST_CELL) for text in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo(indent + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def cell(value: Any) -> str:
    """A value of a row."""
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cut(text: str, width: int) -> str:
    """At most that many characters of the text."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
