"""SQL without what changes nothing about it: comments, and how much space is between words."""

import re

from dagscope.dag.ground.sql_lexing import LINE_COMMENT, NAME, TEXT, block_comment_end

_PART = re.compile(rf"(?P<kept>{TEXT}|{NAME})|(?P<line>{LINE_COMMENT})|(?P<block>/\*)|\s++", re.DOTALL)


def plain_sql(sql: str) -> str:
    """The text with one space for each comment and each stretch of space outside of literals and quoted names.

    >>> plain_sql("SELECT 1 -- one\\n  ,'a  -- b' /* two */ ")
    "SELECT 1 ,'a  -- b'"
    """
    parts: list[str] = []
    place = 0
    while (found := _PART.search(sql, place)) is not None:
        parts.append(sql[place : found.start()])
        parts.append(found["kept"] or " ")
        place = block_comment_end(sql, found.start()) if found["block"] else found.end()
    parts.append(sql[place:])
    return _single_spaces(parts)


def _single_spaces(parts: list[str]) -> str:
    """Joined, with one space where several meet; literals are parts of their own, and stay as they are."""
    joined: list[str] = []
    for part in parts:
        if part and not (part == " " and (not joined or joined[-1] == " ")):
            joined.append(part)
    return "".join(joined).strip()
