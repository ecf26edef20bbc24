"""Limits on what a GraphQL query may cost, checked before any expensive work.

Each step bounds the next: characters bound lexing, tokens and nesting bound parsing, the number of fields and fragments
bounds validation (which compares fields pairwise), and the cost bounds execution. Every step is linear in what the one
before admitted, so that a malicious query is refused within milliseconds.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    Lexer,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    VariableNode,
    parse,
)

MAX_CHARACTERS = 20_000
MAX_TOKENS = 1_000
MAX_DEPTH = 20  # open brackets of any kind; the published introspection query has 13
MAX_FIELDS = 150  # fields and spreads in the text
MAX_ALIKE = 20  # fields of one response name that have fields of their own
MAX_FRAGMENTS = 40
MAX_COST = 100_000  # values in an answer
QUERY_COST = 4_000  # the cost of a database query, in values

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000
"""Events or runs in a page."""

_PAGED = frozenset({"logsForRun", "runsOrError"})
_QUERIES = _PAGED | {"runOrError"}
_USUAL_LENGTHS = {  # of lists in these schemas
    "types": 40,
    "fields": 6,
    "args": 2,
    "inputFields": 5,
    "enumValues": 6,
    "interfaces": 2,
    "possibleTypes": 3,
    "directives": 6,
    "tags": 2,
}

_OPENING = frozenset({TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L})
_CLOSING = frozenset({TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R})


def parse_within_limits(query: str) -> DocumentNode:
    """The parsed query. Raises `GraphQLError` if it cannot be parsed, or is too large."""
    if len(query) > MAX_CHARACTERS:
        raise _too_much("characters", MAX_CHARACTERS)
    _check_tokens(query)
    document = parse(query)
    _check_fields(document)
    return document


def check_cost(document: DocumentNode, variables: Mapping[str, Any]) -> None:
    """Raises `GraphQLError` if an operation of the document could give an answer that is too large."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            cost = _Cost(fragments, _with_defaults(definition, variables)).of(definition.selection_set)
            if cost > MAX_COST:
                raise GraphQLError(f"The query asks for too much: an answer has at most {MAX_COST} values.")


def _check_tokens(query: str) -> None:
    lexer = Lexer(Source(query))
    depth = 0
    for _ in range(MAX_TOKENS):
        kind = lexer.advance().kind
        if kind is TokenKind.EOF:
            return
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth > MAX_DEPTH:
            raise GraphQLError(f"The query is nested too deeply: at most {MAX_DEPTH} levels are allowed.")
    raise _too_much("tokens", MAX_TOKENS)


def _check_fields(document: DocumentNode) -> None:
    alike: Counter[str] = Counter()
    fields = fragments = 0
    waiting: list[SelectionSetNode] = []
    for definition in document.definitions:
        fragments += isinstance(definition, FragmentDefinitionNode)
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            waiting.append(definition.selection_set)
    while waiting:
        for node in waiting.pop().selections:
            fields += not isinstance(node, InlineFragmentNode)
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                waiting.append(node.selection_set)
            if isinstance(node, FieldNode) and node.selection_set is not None:
                alike[(node.alias or node.name).value] += 1
    if fields > MAX_FIELDS:
        raise _too_much("fields", MAX_FIELDS)
    if fragments > MAX_FRAGMENTS:
        raise _too_much("fragments", MAX_FRAGMENTS)
    if alike and max(alike.values()) > MAX_ALIKE:
        raise _too_much("fields with the same name", MAX_ALIKE)


def _too_much(what: str, most: int) -> GraphQLError:
    return GraphQLError(f"The query has too many {what}: at most {most} are allowed.")


def _with_defaults(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables' values, with the operation's defaults for numbers that are not given."""
    values: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        if isinstance(definition.default_value, IntValueNode):
            values[definition.variable.name.value] = int(definition.default_value.value)
    return values | dict(variables)


class _Cost:
    """How many values a selection can yield. A fragment is counted once and remembered, however often it is spread."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self._fragments, self._variables = fragments, variables
        self._of_fragment: dict[str, int | None] = {}

    def of(self, selections: SelectionSetNode | None) -> int:
        if selections is None:
            return 0
        cost = 0
        for node in selections.selections:
            match node:
                case FieldNode():
                    name = node.name.value
                    cost += 1 + (QUERY_COST if name in _QUERIES else 0)
                    cost += self._length(node) * self.of(node.selection_set)
                case InlineFragmentNode():
                    cost += self.of(node.selection_set)
                case FragmentSpreadNode():
                    cost += self._fragment(node.name.value)
        return cost

    def _fragment(self, name: str) -> int:
        if name not in self._of_fragment:
            self._of_fragment[name] = None
            definition = self._fragments.get(name)
            self._of_fragment[name] = self.of(definition.selection_set) if definition else 0
        cost = self._of_fragment[name]
        if cost is None:
            raise GraphQLError(f"Cannot spread fragment '{name}' within itself.")
        return cost

    def _length(self, node: FieldNode) -> int:
        name = node.name.value
        if name not in _PAGED:
            return _USUAL_LENGTHS.get(name, 1)
        for argument in node.arguments or ():
            if argument.name.value == "limit":
                return self._limit(argument.value)
        return DEFAULT_LIMIT

    def _limit(self, value: Any) -> int:
        if isinstance(value, IntValueNode):
            given: Any = int(value.value) if len(value.value) < 6 else MAX_LIMIT
        else:
            given = self._variables.get(value.name.value, DEFAULT_LIMIT) if isinstance(value, VariableNode) else None
        if given is None:
            return DEFAULT_LIMIT
        return min(max(given, 1), MAX_LIMIT) if isinstance(given, int) else MAX_LIMIT
