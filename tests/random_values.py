"""Random values of the types that events and plans consist of, for property tests."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import EnumType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from dagscope.dag.events.events import NodeFacts

TEXTS = st.text(st.characters())  # unpaired surrogates too
NUMBERS = st.integers() | st.integers(-(2**70), 2**70)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
EXACT_JSON = JSON.filter(lambda value: value == value) | st.decimals(allow_nan=False, allow_infinity=False)

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {str: TEXTS, int: NUMBERS, bool: st.booleans(), type(None): st.none()}


def values(of: Any) -> st.SearchStrategy[Any]:
    """Values of a type; of an unexpected error, which is another after it was sent, none."""
    arguments = get_args(of)
    if of in _SIMPLE:
        return _SIMPLE[of]
    if of is BaseException:
        return st.nothing()
    if of is Any:
        return JSON
    if isinstance(of, EnumType):
        return st.sampled_from(list(of))
    if get_origin(of) is tuple and arguments[-1] is ...:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if get_origin(of) is tuple:
        return st.tuples(*map(values, arguments))
    if get_origin(of) is frozenset:
        return st.frozensets(values(arguments[0]), max_size=2)
    if get_origin(of) is Mapping:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if isinstance(of, type) and (issubclass(of, msgspec.Struct) or is_dataclass(of)):
        return st.deferred(lambda: _built(of))
    return st.one_of(*map(values, arguments))


def _built(of: type) -> st.SearchStrategy[Any]:
    fields = {name: values(type_) for name, type_ in get_type_hints(of).items() if get_origin(type_) is not ClassVar}
    if "data" in fields:  # what a task is started with
        fields["data"] = st.dictionaries(TEXTS, EXACT_JSON, max_size=2)
    if of is NodeFacts:
        fields["rows"] = st.none() | st.integers(0, 2**63 - 1)
    return st.builds(of, **fields)
