"""SQL string literals, quoted names and comments, as DuckDB and PostgreSQL read them.

sqlglot's tokenizer reads them too, but takes 1 to 2 s for 1 MB while it holds the interpreter lock, and refuses a
literal that is not closed. These expressions take a tenth of that time, and read such a literal to the end of the
input. Nothing is read twice, so the time grows linearly with the length.
"""

import re

SINGLE = r"'(?P<single>[^']*+(?:''[^']*+)*+)(?:'|\Z)"
ESCAPED = r"[eE]'(?P<escaped>[^'\\]*+(?:(?:\\.?+|'')[^'\\]*+)*+)(?:'|\Z)"
DOLLAR = r"\$(?P<tag>(?:[^\W\d]\w*+)?+)\$(?P<dollar>.*?)(?:\$(?P=tag)\$|\Z)"
TEXT = rf"(?:{SINGLE}|{ESCAPED}|{DOLLAR})"
"""A string literal, its characters in the group `single`, `escaped` or `dollar`; compile it with `re.DOTALL`."""

NAME = r"\"(?P<name>[^\"]*+(?:\"\"[^\"]*+)*+)(?:\"|\Z)"
LINE_COMMENT = r"--[^\r\n]*+"

_BLOCK_COMMENT_MARK = re.compile(r"/\*|\*/")


def block_comment_end(sql: str, start: int) -> int:
    """The end of the comment whose `/*` is at `start`; comments nest to any depth.

    >>> block_comment_end("/* a /* b */ c */ d", 0)
    17
    """
    depth = 0
    for mark in _BLOCK_COMMENT_MARK.finditer(sql, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(sql)
