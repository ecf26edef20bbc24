"""Rows as Python reads them from a frame: dictionaries by column."""

from typing import Any

Row = dict[str, Any]


def pick(rows: list[Row], *columns: str) -> list[Row]:
    """These columns of the rows, as plain JSON."""
    return [{column: plain(row[column]) for column in columns} for row in rows]


def plain(value: Any) -> Any:
    """A date as text and a decimal as a number."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "as_integer_ratio") and not isinstance(value, int):
        return float(value)
    return value
