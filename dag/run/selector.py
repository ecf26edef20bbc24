"""Selectors: which assets a task executes, in the words that users of dbt know (docs/cli.md, Selecting assets)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate

from dagscope.dag.events.status import NodeState, NodeStatus
from dagscope.dag.ground.errors import SelectorInvalid
from dagscope.dag.ground.problems import did_you_mean
from dagscope.dag.model.graph import Graph

LONGEST = 10_000  # characters
_MOST_SEARCHES = 200  # parts that are more than a name: each is looked up in the whole graph

_ALL = -1  # steps
_PART = re.compile(r"(?:(?P<up>[0-9]*)\+)?(?:(?P<method>[^+:]*):)?(?P<value>[^+:]+)(?:\+(?P<down>[0-9]*))?")
_VALUE = re.compile(r"[A-Za-z0-9_.*]+")
_MOST_STEPS = 9  # digits
_FORMS = "write stage.model, with + or 2+ in front for upstreams, and + or +2 behind for downstreams"


class LastState(StrEnum):
    """The state in which the newest task left an asset: a node's, or skipped."""

    INITIAL = "initial"
    IN_PROGRESS = "in_progress"
    TESTING = "testing"
    FAILED = "failed"
    SUCCESS = "success"
    SKIPPED = "skipped"

    @classmethod
    def of_node(cls, node: NodeStatus) -> "LastState":
        """A node that was not executed has a message that says why."""
        if node.state is NodeState.INITIAL and node.message:
            return cls.SKIPPED
        return cls(node.state.lower())


class Method(StrEnum):
    """What a part looks at."""

    NAME = "name"
    STAGE = "stage"
    STATE = "state"


@dataclass(frozen=True)
class Part:
    """One part, such as `2+stage:dds+1`. Steps are counted along the edges; -1 is any number."""

    text: str
    method: Method
    value: str
    upstream_steps: int
    downstream_steps: int

    @property
    def is_search(self) -> bool:
        """Whether it is more than a name."""
        return self.text != self.value or "*" in self.value


@dataclass(frozen=True)
class Selector:
    """A union of intersections of parts: `dds.a+,stage:mart state:failed`."""

    text: str
    terms: tuple[tuple[Part, ...], ...]

    @classmethod
    def parse(cls, text: str) -> "Selector":
        """The selector that a text means. Raises `SelectorInvalid`."""
        if len(text) > LONGEST:
            raise SelectorInvalid(f"it has {len(text):,} characters; at most {LONGEST:,} are allowed")
        words = text.split()
        if not words:
            raise SelectorInvalid("it is empty; leave it out to run all assets")
        terms = tuple(map(_term, words))
        searches = len({part for term in terms for part in term if part.is_search})
        if searches > _MOST_SEARCHES:
            message = f"it has {searches:,} different parts with +, * or a colon; at most {_MOST_SEARCHES} are allowed"
            raise SelectorInvalid(message)
        return cls(text, terms)

    @property
    def needs_states(self) -> bool:
        return any(part.method is Method.STATE for term in self.terms for part in term)

    def assets(self, graph: Graph, states: Mapping[str, LastState]) -> frozenset[str]:
        """The selected assets; those that are not in `states` are INITIAL. Raises `SelectorInvalid` if there are none.

        The time is linear in the length of the selector, for a given graph.
        """
        choice = _Choice(graph, states)
        found: set[str] = set()
        for term in self.terms:
            found |= set.intersection(*map(choice.of_part, term))
        if not found:
            raise SelectorInvalid(f'"{_shown(self.text)}" selects no assets')
        return frozenset(found)


def _term(word: str) -> tuple[Part, ...]:
    parts = word.split(",")
    if not all(parts):
        raise SelectorInvalid(f'a comma without an asset beside it in "{_shown(word)}"; write a,b without a space')
    return tuple(map(_part, parts))


def _part(text: str) -> Part:
    found = _PART.fullmatch(text)
    if found is None or not _VALUE.fullmatch(found["value"]):
        raise SelectorInvalid(f'"{_shown(text)}" cannot be read; {_FORMS}')
    method = found["method"]
    if method is not None and method not in (Method.STAGE, Method.STATE):
        raise SelectorInvalid(f'unknown method "{_shown(method)}:"' + did_you_mean(method[:100], ("stage", "state")))
    if method == Method.STATE and found["value"] not in set(LastState):
        raise SelectorInvalid(
            f'unknown state "{_shown(found["value"])}"' + did_you_mean(found["value"][:100], LastState)
        )
    steps = _steps(text, found["up"]), _steps(text, found["down"])
    return Part(text, Method(method or Method.NAME), found["value"], *steps)


def _steps(text: str, digits: str | None) -> int:
    if digits is None:
        return 0
    if len(digits) > _MOST_STEPS:
        raise SelectorInvalid(f'the number of steps in "{_shown(text)}" is too large; write + alone for all')
    return int(digits) if digits else _ALL


def _shown(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}…"


class _Choice:
    """Looks up parts, each once, in one graph."""

    def __init__(self, graph: Graph, states: Mapping[str, LastState]) -> None:
        self._graph, self._states = graph, states
        self._found: dict[Part, set[str]] = {}
        self._by_model: dict[str, list[str]] = {}
        self._by_stage: dict[str, list[str]] = {}
        for name in graph.upstreams:
            stage, _, model = name.partition(".")
            self._by_model.setdefault(model, []).append(name)
            self._by_stage.setdefault(stage, []).append(name)

    def of_part(self, part: Part) -> set[str]:
        if part not in self._found:
            start = self._start(part)
            up = _reach(start, self._graph.upstreams, part.upstream_steps)
            self._found[part] = up | _reach(start, self._graph.downstreams, part.downstream_steps)
        return self._found[part]

    def _start(self, part: Part) -> set[str]:
        """The assets that the part names, without those that its + adds."""
        match part.method:
            case Method.STATE:
                initial = LastState.INITIAL
                return {name for name in self._graph.upstreams if self._states.get(name, initial) == part.value}
            case Method.STAGE:
                return self._of_key(part.value, self._by_stage, "stage")
            case Method.NAME if "." in part.value:
                return self._of_key(part.value, {name: [name] for name in self._matching(part.value)}, "asset")
            case Method.NAME:
                return self._of_model(part.value)

    def _of_model(self, value: str) -> set[str]:
        if value not in self._by_model and value in self._by_stage:
            raise SelectorInvalid(f'there is no asset "{value}", but a stage; write stage:{value}')
        found = self._of_key(value, self._by_model, "asset")
        if len(found) > 1 and "*" not in value:
            several = ", ".join(sorted(found))
            raise SelectorInvalid(f'"{value}" is the name of several assets; write one of {several}')
        return found

    def _matching(self, value: str) -> Iterable[str]:
        """The keys to look a full name up in: that name alone, or all names for a pattern."""
        return self._graph.upstreams if "*" in value or value not in self._graph.upstreams else (value,)

    def _of_key(self, value: str, by_key: Mapping[str, list[str]], kind: str) -> set[str]:
        """The assets under a key, or under all keys that a pattern fits. A key that is not there is an error."""
        if "*" in value:
            fits = re.compile(translate(value)).match
            return {name for key, names in by_key.items() if fits(key) for name in names}
        if value not in by_key:
            known = by_key if kind == "stage" else self._graph.upstreams
            raise SelectorInvalid(f'there is no {kind} "{_shown(value)}"' + did_you_mean(value[:100], known))
        return set(by_key[value])


def _reach(start: set[str], neighbours: Mapping[str, tuple[str, ...]], steps: int) -> set[str]:
    """The names and what is at most `steps` away from one of them; -1 is any number."""
    found, edge = set(start), set(start)
    while edge and steps != 0:
        edge = {other for name in edge for other in neighbours[name]} - found
        found |= edge
        steps -= 1
    return found
