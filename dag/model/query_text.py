"""The text of one query: if there is one, and where it ends."""

import re

from dagscope.dag.ground.sql_lexing import DOLLAR, ESCAPED, LINE_COMMENT, NAME, SINGLE, block_comment_end

_MARK = re.compile(
    rf"{SINGLE}|(?<!\w){ESCAPED}|{NAME}|(?<![\w$]){DOLLAR}|{LINE_COMMENT}|(?P<block>/\*)|(?P<end>;)", re.DOTALL
)
_NOTHING = re.compile(rf"(?:[\s;]++|{LINE_COMMENT})*+")


class NotOneQuery(Exception):
    """There is no query at all, or another statement after it; `offset` is the place in the text."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset, self.reason = offset, reason
        super().__init__(reason)


def single_query(sql: str) -> str:
    """The query without the semicolon that ends it and the comments after that. Raises `NotOneQuery`.

    What is not closed reaches to the end of the text: the database reports it.

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
        reason = "a second statement follows the query; only a model of materialization custom may hold several"
        raise NotOneQuery(second, reason)
    return sql[:end].rstrip()


def _first_semicolon(sql: str) -> int | None:
    """The first that stands in no text, quoted name or comment."""
    position = 0
    while mark := _MARK.search(sql, position):
        if mark["end"]:
            return mark.start()
        position = block_comment_end(sql, mark.start()) if mark["block"] else mark.end()
    return None


def _after_nothing(sql: str, start: int) -> int:
    """Where something begins that is no space, semicolon or comment."""
    while match := _NOTHING.match(sql, start):
        start = match.end()
        if not sql.startswith("/*", start):
            break
        start = block_comment_end(sql, start)
    return start
