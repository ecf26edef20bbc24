"""SQL without comments and with single spaces."""

import pytest

from dagscope.server.workspace.compare.plain_sql import plain_sql


@pytest.mark.parametrize(
    ("sql", "plain"),
    [
        ("SELECT a,\n    b  FROM t", "SELECT a, b FROM t"),
        ("SELECT 1 -- one\n, 2", "SELECT 1 , 2"),
        ("SELECT /* a /* nested */ comment */ 1", "SELECT 1"),
        ("SELECT '--  no comment', \"a  b\"", "SELECT '--  no comment', \"a  b\""),
        ("SELECT $$ /* text  */ $$", "SELECT $$ /* text  */ $$"),
        ("SELECT 'not closed  ", "SELECT 'not closed"),
        ("", ""),
    ],
)
def test_plain_sql(sql: str, plain: str) -> None:
    """Comments and stretches of space become one space, except inside of literals and quoted names."""
    assert plain_sql(sql) == plain
