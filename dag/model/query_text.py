"""The text of one query: whether there is one, and where it ends. Also the places of several statements in a text."""

import re
from collections.abc import Iterator

from dagscope.dag.ground.sql_lexing import DOLLAR, ESCAPED, LINE_COMMENT, NAME, SINGLE, block_comment_end

_MARK = re.compile(
    rf"{SINGLE}|(?<!\w){ESCAPED}|{NAME}|(?<![\w$]){DOLLAR}|{LINE_COMMENT}|(?P<block>/\*)|(?P<end>;)", re.DOTALL
)
_ATOMIC = re.compile(r"\bBEGIN\s++ATOMIC\b", re.IGNORECASE)
_NOTHING = re.compile(rf"(?:[\s;]++|{LINE_COMMENT})*+")


class NotOneQuery(Exception):
    """There is no query, or another statement follows it; `offset` is the place in the text."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset, self.reason = offset, reason
        super().__init__(reason)


def single_query(sql: str) -> str:
    """The query without its final semicolon and the comments after it. Raises `NotOneQuery`.

    An unclosed literal, name or comment reaches to the end of the text: the database reports it.

    >>> single_query("SELECT ';' AS mark; -- the end")
    "SELECT ';' AS mark"
    """
    if _after_nothing(sql, 0) == len(sql):
        raise NotOneQuery(0, "no SQL; write a query")
    end = _first_semicolon(sql) if ";" in sql else None
    if end is None:
        return sql.rstrip()
    second = _after_nothing(sql, end)
    if second < len(sql):
        reason = "a second statement follows the query; only a model with materialization custom may contain several"
        raise NotOneQuery(second, reason)
    return sql[:end].rstrip()


def statement_spans(sql: str) -> list[tuple[int, int]]:
    """The start and end of each statement, without the comments before it and its semicolon.

    Empty if semicolons may be inside a statement, as between `BEGIN ATOMIC` and `END`.

    >>> statement_spans("SELECT 1; -- two\\n SELECT ';'")
    [(0, 8), (18, 28)]
    """
    if _ATOMIC.search(sql):
        return []
    spans, start = [], 0
    for end in (*_semicolons(sql), len(sql)):
        start = _after_nothing(sql, start)
        if start < end:
            spans.append((start, end))
            start = end
    return spans


def _first_semicolon(sql: str) -> int | None:
    return next(_semicolons(sql), None)


def _semicolons(sql: str) -> Iterator[int]:
    """The semicolons outside string literals, quoted names and comments."""
    position = 0
    while mark := _MARK.search(sql, position):
        if mark["end"]:
            yield mark.start()
        position = block_comment_end(sql, mark.start()) if mark["block"] else mark.end()


def _after_nothing(sql: str, start: int) -> int:
    """The first place that is not a space, a semicolon or a comment."""
    while match := _NOTHING.match(sql, start):
        start = match.end()
        if not sql.startswith("/*", start):
            break
        start = block_comment_end(sql, start)
    return start
