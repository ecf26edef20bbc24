"""How many rows a statement wrote: of CREATE TABLE AS and INSERT, only the table's commits say so."""

import re

import pyarrow as pa

_NAME = r"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|\w+)"
_RELATION = rf"(?P<relation>{_NAME}(?:\s*\.\s*{_NAME})*)"
_SPACE = r"(?:\s+|--[^\n]*\n|/\*.*?\*/)"
_WRITING = re.compile(
    rf"{_SPACE}*(?:insert{_SPACE}+(?:into|overwrite)(?:{_SPACE}+table\b)?|"
    rf"(?:create(?:{_SPACE}+or{_SPACE}+replace)?|replace){_SPACE}+table(?:{_SPACE}+if{_SPACE}+not{_SPACE}+exists)?)"
    rf"{_SPACE}+{_RELATION}",
    re.IGNORECASE | re.DOTALL,
)
_COUNTS = ("num_affected_rows", "count")


def written_relation(sql: str) -> str | None:
    """The table that the statement writes, if its rows have to be looked up.

    >>> written_relation("INSERT INTO dds.orders SELECT 1"), written_relation("SELECT 1")
    ('dds.orders', None)
    """
    found = _WRITING.match(sql)
    return found["relation"] if found else None


def affected_rows(answer: pa.Table | None) -> int | None:
    """The rows that UPDATE, DELETE or MERGE report."""
    if answer is None or not answer.num_rows or not answer.num_columns or answer.schema.names[0] not in _COUNTS:
        return None
    rows = int(answer.column(0)[0].as_py())
    return rows if rows >= 0 else None  # a table whose files were deleted without reading them
