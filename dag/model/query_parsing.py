"""Parses a query with sqlglot, and keeps where each of its parts is in the text.

sqlglot is imported when the first query is parsed: that takes a tenth of a second, which a start does not have.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from dagscope.dag.ground.errors import DagscopeError

if TYPE_CHECKING:
    from sqlglot import Token, exp

LONGEST_CHARACTERS = 250_000  # of a query: sqlglot needs 4 s for 1 MB
_NODES_PER_TOKEN = 40  # of the tree; a query of joins without conditions would be read again and again
_SPAN, _LIST = "dagscope_span", "dagscope_list"

_FROM = re.compile(r" from \d+:(\d+)$")
_SHOWN = 40  # characters
_REASONS = {
    "Maximum number of AST nodes": "from {near} on, it takes too long to read",
    "Required keyword": "something is missing after {near}",
    "Unexpected token": "{near} is unexpected",
}

Span = tuple[int, int]
"""The start and the end of a part, as offsets in the text."""


@dataclass(frozen=True, order=True)
class Place:
    """A line and a column, both counted from 1."""

    line: int
    column: int


class QueryNotParsed(DagscopeError):
    """A query that sqlglot cannot read; `place` is where it stops, None if that is not known."""

    def __init__(self, reason: str, place: Place | None = None) -> None:
        self.reason, self.place = reason, place
        super().__init__(reason)


class Lines:
    """The lines of a text.

    >>> Lines("a\\nbc").place(3)
    Place(line=2, column=2)
    """

    def __init__(self, text: str) -> None:
        self.texts = text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self.texts[:-1])]

    def place(self, offset: int) -> Place:
        """Where an offset is."""
        line = bisect_right(self._starts, offset)
        return Place(line, offset - self._starts[line - 1] + 1)


@dataclass(frozen=True)
class ParsedQuery:
    """The tree of a query's text, and where its parts are."""

    text: str
    grammar: str
    tree: "exp.Query"
    tokens: "list[Token]"

    def part(self, span: Span) -> str:
        return self.text[span[0] : span[1]]

    def in_one_line(self, span: Span) -> str:
        """A part without its comments and line breaks."""
        words, last = [], span[0]
        first = bisect_left(self.tokens, span[0], key=lambda token: token.start)
        for token in self.tokens[first:]:
            if token.start >= span[1]:
                break
            words.append((" " if token.start > last else "") + self.text[token.start : token.end + 1])
            last = token.end + 1
        return " ".join("".join(words).split("\n"))


def span_of(node: "exp.Expr | None") -> Span | None:
    """Where a part of the tree is; None if that is not known."""
    return node.meta.get(_SPAN) if node is not None else None


def list_of(select: "exp.Select") -> tuple[Span, Span] | None:
    """Where a SELECT begins with what it selects, and the list alone; None if it has no list."""
    return select.meta.get(_LIST)


def parse(text: str, grammar: str) -> ParsedQuery:
    """Parse one query, in sqlglot's dialect of that name; the time grows linearly. Raises `QueryNotParsed`."""
    if len(text) > LONGEST_CHARACTERS:
        reason = f"it has {len(text):,} characters; queries of at most {LONGEST_CHARACTERS:,} are taken apart"
        raise QueryNotParsed(reason)
    from sqlglot import exp
    from sqlglot.errors import ParseError, TokenError

    dialect = _dialect_of(grammar)
    try:
        tokens = dialect.tokenize(text)
    except TokenError as error:
        reason = "a literal, a name or a comment is not closed"
        raise QueryNotParsed(reason, Lines(text).place(_unclosed(error))) from error
    parser = _parser_of(grammar)(dialect=dialect, max_nodes=_NODES_PER_TOKEN * len(tokens) + 1000)
    try:
        trees = parser.parse(tokens, text)
    except ParseError as error:
        raise _not_parsed(error) from error
    except RecursionError:
        place = Lines(text).place(parser.reached)
        raise QueryNotParsed("it is nested too deeply from here on", place) from None
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Query):
        raise QueryNotParsed("it is not a query with SELECT or FROM", Place(1, 1))
    return ParsedQuery(text, grammar, tree, tokens)


def _unclosed(error: Any) -> int:
    """The offset of the literal that ends nowhere, which only the cause's message has."""
    found = _FROM.search(str(error.__cause__))
    return int(found[1]) if found else int(error.start or 0)


def _not_parsed(error: Any) -> QueryNotParsed:
    facts = error.errors[0] if error.errors else {}
    line, end, marked = facts.get("line"), facts.get("col"), facts.get("highlight") or ""
    near = f'"{marked[:_SHOWN]}"' if marked else "the end"
    reason = next((words for start, words in _REASONS.items() if start in str(error)), "it cannot be read at {near}")
    place = Place(line, max(1, end - len(marked) + 1)) if line and end else None
    return QueryNotParsed(reason.format(near=near), place)


@cache
def _dialect_of(grammar: str) -> Any:
    """The dialect, in which names can be in double quotes and a quote in a string is doubled.

    Spark reads its SQL so only where a session is told to, as those of dagscope are.
    """
    from sqlglot.dialects.dialect import Dialect

    base = Dialect.get_or_raise(grammar)
    tokenizer: Any = base.tokenizer_class
    if '"' not in tokenizer.QUOTES:
        return base
    marks = {"QUOTES": ["'"], "IDENTIFIERS": [*tokenizer.IDENTIFIERS, '"']}
    escapes = {"STRING_ESCAPES": [*tokenizer.STRING_ESCAPES, "'"], "IDENTIFIER_ESCAPES": ["`", '"']}
    named = f"{type(base).__name__}WithQuotedNames"
    return type(named, (type(base),), {"Tokenizer": type("Tokenizer", (tokenizer,), marks | escapes)})()


@cache
def _parser_of(grammar: str) -> Any:
    """The parser of a dialect that keeps the places."""
    from sqlglot.dialects.dialect import Dialect

    base = Dialect.get_or_raise(grammar).parser_class
    modifiers = {token: _spanning(parse_one) for token, parse_one in base.QUERY_MODIFIER_PARSERS.items()}
    return type("Parser", (_Spans, base), {"QUERY_MODIFIER_PARSERS": modifiers})


def _spanning(parse_one: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def spanned(parser: "_Spans") -> Any:
        start = parser._index  # noqa: SLF001  of the parser that this is a part of
        key, found = parse_one(parser)
        parser.note(found[0] if isinstance(found, list) and found else found, start)
        return key, found

    return spanned


class _Spans:
    """What the parser of each dialect gets in addition: after each rule, it notes the tokens that the rule has used.

    A node that several rules return, such as a query with its WITH around it, keeps the innermost place.
    """

    _index: int
    _tokens: "list[Token]"
    _listed: tuple[int, int]

    @property
    def reached(self) -> int:
        """The offset of the token that is being read."""
        return self._tokens[min(self._index, len(self._tokens) - 1)].start

    def note(self, node: Any, start: int) -> Any:
        if hasattr(node, "meta") and self._index > start:
            node.meta.setdefault(_SPAN, self._span(start, self._index))
        return node

    def _span(self, start: int, end: int) -> Span:
        return self._tokens[start].start, self._tokens[end - 1].end + 1

    def _ruled(self, rule: Callable[[], Any]) -> Any:
        start = self._index
        return self.note(rule(), start)

    def _parse_with(self, *args: Any, **named: Any) -> Any:
        return self._ruled(lambda: super(_Spans, self)._parse_with(*args, **named))  # type: ignore[misc]  # of the parser that this is mixed into

    def _parse_cte(self, *args: Any, **named: Any) -> Any:
        return self._ruled(lambda: super(_Spans, self)._parse_cte(*args, **named))  # type: ignore[misc]  # as above

    def _parse_select_query(self, *args: Any, **named: Any) -> Any:
        return self._ruled(lambda: super(_Spans, self)._parse_select_query(*args, **named))  # type: ignore[misc]  # as above

    def _parse_wrapped_select(self, *args: Any, **named: Any) -> Any:
        return self._ruled(lambda: super(_Spans, self)._parse_wrapped_select(*args, **named))  # type: ignore[misc]  # as above

    def _parse_from(self, *args: Any, **named: Any) -> Any:
        return self._ruled(lambda: super(_Spans, self)._parse_from(*args, **named))  # type: ignore[misc]  # as above

    def _parse_join(self, *args: Any, **named: Any) -> Any:
        return self._ruled(lambda: super(_Spans, self)._parse_join(*args, **named))  # type: ignore[misc]  # as above

    def _parse_table(self, *args: Any, **named: Any) -> Any:
        return self._ruled(lambda: super(_Spans, self)._parse_table(*args, **named))  # type: ignore[misc]  # as above

    def _parse_paren(self, *args: Any, **named: Any) -> Any:
        return self._ruled(lambda: super(_Spans, self)._parse_paren(*args, **named))  # type: ignore[misc]  # as above

    def _parse_projections(self, *args: Any, **named: Any) -> Any:
        start = self._index
        found = super()._parse_projections(*args, **named)  # type: ignore[misc]  # as above
        self._listed = start, self._index
        return found

    def expression(self, instance: Any, *args: Any, **named: Any) -> Any:
        from sqlglot import exp

        made = super().expression(instance, *args, **named)  # type: ignore[misc]  # as above
        if type(made) is exp.Select and made.expressions:
            start, end = self._listed
            made.meta[_LIST] = self._span(self._select_before(start), end), self._span(start, end)
        return made

    def _select_before(self, start: int) -> int:
        """The token SELECT that begins a list; `DISTINCT ON (...)` can be between them."""
        from sqlglot import TokenType

        depth = 0
        for index in range(start - 1, -1, -1):
            kind = self._tokens[index].token_type
            if kind is TokenType.SELECT and not depth:
                return index
            depth += (kind is TokenType.R_PAREN) - (kind is TokenType.L_PAREN)
        return start
