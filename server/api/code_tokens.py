"""SQL templates and Python as lines of classified tokens, for display. The time grows linearly with the text."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pygments.lexer import inherit
from pygments.lexers.python import PythonLexer
from pygments.lexers.sql import SqlLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text, _TokenType

from dagscope.dag.ground.sql_lexing import TEXT
from dagscope.dag.model.dialect import input_table
from dagscope.dag.model.template_tags import Tag, Token, tag_after, tokens

Line = list[tuple[str, ...]]
"""`(class, text)`, or `("r", text, asset)` for a reference; adjacent texts of one class are one."""

_CLASSES = ((Keyword, "k"), (Operator.Word, "k"), (String, "s"), (Number, "m"), (Comment, "c"))

_TAG = "\ufdd0"  # a noncharacter stands for each character of a tag while the SQL around it is read
_WORD = r"[^\W\d][\w$]*+"
_QUOTED = r'"[^"]*+(?:""[^"]*+)*+(?:"|\Z)'
_PART = rf"(?:{_WORD}|{_QUOTED})"
_FIRST_TWO = re.compile(rf"({_PART})\.({_PART})", re.DOTALL)

_TEMPLATE_WORDS = frozenset(
    "and block call define do elif else elseif end endblock endfor endif endset endmacro endwith false filter for from "
    "if import in include is macro none not or range set true with".split()
)
_REFERENCES = frozenset({"Ref", "ref"})


class Span(NamedTuple):
    """A stretch of text of one class; `asset` is the one that it refers to."""

    start: int
    end: int
    kind: str
    asset: str = ""


class _Sql(SqlLexer):  # type: ignore[misc]  # Pygments ships no types for its lexers
    """Pygments' keywords; literals, names and numbers as DuckDB and PostgreSQL read them."""

    flags = re.IGNORECASE | re.DOTALL
    tokens = {
        "root": [
            (rf"{_TAG}++", Text),
            (r"--[^\r\n]*+", Comment.Single),
            (TEXT, String),
            (rf"{_PART}(?:\.{_PART})++", Name.Namespace),
            (_QUOTED, Name),
            (r"\d[\d_]*+(?:\.\d++)?(?:e[+-]?\d++)?", Number),
            (rf"\.{_WORD}", Name),  # a column named like a keyword
            (r"[^\x00-\x7f\W\d][\w$]*+", Name),
            (r"tmp_[\w$]*+", Name.Namespace),  # an input that `persist_inputs` keeps
            inherit,
        ]
    }


_SQL, _PYTHON = _Sql(), PythonLexer()


def sql_spans(text: str, assets: Iterable[str]) -> Iterator[Span]:
    """The spans of a SQL template, or of SQL that it made, without gaps.

    A `Ref` of one of these assets is a reference to it, and so is the name of its relation.
    """
    referable = {asset.lower(): asset for asset in assets}
    tags = list(_tags(text))
    relations = {**referable, **{input_table(asset).lower(): asset for asset in referable.values()}}
    code = _sql_code(_without(text, tags), relations)
    return _overlaid(code, tags, referable)


def python_spans(text: str) -> Iterator[Span]:
    """The spans of Python code, whose lines have no space at their ends: reading that takes Pygments long."""
    return (Span(start, start + len(value), _class(kind)) for start, kind, value in _tokens(_PYTHON, text))


def lines_of(text: str, spans: Iterable[Span]) -> Iterator[Line]:
    """The text's lines in classified pieces. A line break ends a line, whatever the span that it is in."""
    line: Line = []
    for span in _merged(spans):
        first, *others = text[span.start : span.end].split("\n")
        _append(line, first, span)
        for piece in others:
            yield line
            line = []
            _append(line, piece, span)
    yield line


def plain_lines(text: str) -> Iterator[Line]:
    """The text's lines, unclassified."""
    return ([("", line)] if line else [] for line in text.split("\n"))


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """The same with neighbours of one class as one span, unless they are references."""
    last = Span(0, 0, "")
    for span in spans:
        if span.kind == last.kind and not span.asset and not last.asset:
            last = Span(last.start, span.end, last.kind)
        else:
            yield last
            last = span
    yield last


def _append(line: Line, piece: str, span: Span) -> None:
    piece = piece.removesuffix("\r")
    if piece:
        line.append((span.kind, piece, span.asset) if span.asset else (span.kind, piece))


def _tokens(lexer: SqlLexer | PythonLexer, text: str) -> Iterator[tuple[int, _TokenType, str]]:
    found: Iterator[tuple[int, _TokenType, str]] = lexer.get_tokens_unprocessed(text)
    return found


def _class(kind: _TokenType) -> str:
    return next((name for group, name in _CLASSES if kind in group), "")


def _sql_code(text: str, relations: Mapping[str, str]) -> Iterator[Span]:
    for start, kind, value in _tokens(_SQL, text):
        end = start + len(value)
        if kind is not Name.Namespace:
            yield Span(start, end, _class(kind))
            continue
        length, asset = _relation(value, relations)
        if asset:
            yield Span(start, start + length, "r", asset)
        if start + length < end:
            yield Span(start + length, end, "")


def _relation(name: str, relations: Mapping[str, str]) -> tuple[int, str]:
    """How much of a name is an asset's relation, and which asset's; a column's name may follow it."""
    found = _FIRST_TWO.match(name)
    first_two = f"{_plain(found[1])}.{_plain(found[2])}" if found else name
    asset = relations.get(first_two.lower(), "")
    return (found.end() if found else len(name), asset) if asset else (0, "")


def _plain(name: str) -> str:
    return name.strip('"').replace('""', '"')


def _tags(text: str) -> Iterator[Tag]:
    tag = tag_after(text, 0)
    while tag is not None:
        yield tag
        tag = tag_after(text, tag.end)


def _without(text: str, tags: Iterable[Tag]) -> str:
    parts: list[str] = []
    position = 0
    for tag in tags:
        parts += text[position : tag.start], _TAG * (tag.end - tag.start)
        position = tag.end
    return "".join([*parts, text[position:]])


def _overlaid(code: Iterable[Span], tags: list[Tag], referable: Mapping[str, str]) -> Iterator[Span]:
    """The spans of the code with those of the tags in their places, also in the middle of a literal."""
    place = 0
    for span in code:
        start = span.start
        while place < len(tags) and tags[place].start < span.end:
            tag = tags[place]
            if start < tag.start:
                yield span._replace(start=start, end=tag.start)
            yield from _tag_spans(tag, referable)
            start, place = tag.end, place + 1
        if start < span.end:
            yield span._replace(start=start)


def _tag_spans(tag: Tag, referable: Mapping[str, str]) -> Iterator[Span]:
    if tag.is_comment:
        yield Span(tag.start, tag.end, "c")
        return
    position = tag.start + len(tag.opening) + len(tag.left)
    yield Span(tag.start, position, "")
    is_referring = False
    for token in tokens(tag.body):
        end = position + len(token.text)
        asset = referable.get(token.text[1:-1].lower(), "") if is_referring and token.kind == "string" else ""
        yield Span(position, end, "r" if asset else _tag_class(token), asset)
        is_referring = token.text in _REFERENCES or (is_referring and (token.kind == "space" or token.text == "("))
        position = end
    yield Span(position, tag.end, "")


def _tag_class(token: Token) -> str:
    if token.kind == "word":
        return "k" if token.text in _TEMPLATE_WORDS else ""
    return {"string": "s", "number": "m"}.get(token.kind, "")
