"""The text of one query: if there is one, and where it ends."""

import re


def _block_comment(depth: int) -> str:
    """A comment that may hold others, so many deep, as SQL's do."""
    inner = rf"|{_block_comment(depth - 1)}" if depth else ""
    return rf"/\*(?:(?!/\*|\*/).{inner})*\*/"


_COMMENT = rf"--[^\n]*|{_block_comment(3)}"
_TOKEN = re.compile(
    r"""(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|"""
    rf"(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$|{_COMMENT}|(?P<end>;)",
    re.DOTALL,
)
_NOTHING = re.compile(rf"(?:[\s;]|{_COMMENT})*", re.DOTALL)


class NotOneQuery(Exception):
    """There is no query at all, or another statement after it; `offset` is the place in the text."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset, self.reason = offset, reason
        super().__init__(reason)


def single_query(sql: str) -> str:
    """The query without the semicolon that ends it and the comments after that. Raises `NotOneQuery`.

    >>> single_query("SELECT ';' AS mark; -- the end")
    "SELECT ';' AS mark"
    """
    if _after_nothing(sql, 0) == len(sql):
        raise NotOneQuery(0, "no SQL; write a query")
    end = next((token.start() for token in _TOKEN.finditer(sql) if token["end"]), None) if ";" in sql else None
    if end is None:
        return sql.rstrip()
    second = _after_nothing(sql, end)
    if second < len(sql):
        reason = "a second statement follows the query; only a model of materialization custom may hold several"
        raise NotOneQuery(second, reason)
    return sql[:end].rstrip()


def _after_nothing(sql: str, start: int) -> int:
    """Where something begins that is no space, semicolon or comment."""
    match = _NOTHING.match(sql, start)
    return match.end() if match else start
