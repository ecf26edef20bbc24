"""The text of one query: where it ends."""

import re

_TOKEN = re.compile(
    r"""(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|"""
    r"(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$|--[^\n]*|/\*.*?\*/|(?P<end>;)",
    re.DOTALL,
)
_NOTHING = re.compile(r"(?:[\s;]|--[^\n]*|/\*.*?\*/)*", re.DOTALL)


class SecondStatement(Exception):
    """There is another statement after the query; it begins at `offset` of the text."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__(offset)


def single_query(sql: str) -> str:
    """The query without the semicolon that ends it and the comments after that. Raises `SecondStatement`.

    >>> single_query("SELECT ';' AS mark; -- the end")
    "SELECT ';' AS mark"
    """
    end = next((token.start() for token in _TOKEN.finditer(sql) if token["end"]), None) if ";" in sql else None
    if end is None:
        return sql.rstrip()
    after = _NOTHING.match(sql, end)
    assert after is not None, "the pattern matches nothing as well"
    if after.end() < len(sql):
        raise SecondStatement(after.end())
    return sql[:end].rstrip()
