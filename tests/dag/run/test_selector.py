"""Selectors: `+mart.x stage:dds,state:failed`."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagscope.dag.events.status import NodeState, NodeStatus
from dagscope.dag.ground.errors import SelectorInvalid
from dagscope.dag.model.graph import Graph
from dagscope.dag.run.selector import LONGEST, LastState, Selector

GRAPH = Graph(
    {
        "staging.a": (),
        "staging.b": (),
        "dds.c": ("staging.a", "staging.b"),
        "dds.d": ("dds.c",),
        "mart.d": ("dds.d",),
        "mart.e": ("mart.d", "staging.b"),
    }
)
STATES = {"dds.d": LastState.FAILED, "mart.d": LastState.SKIPPED, "mart.e": LastState.SKIPPED}


def chosen(text: str) -> str:
    return " ".join(sorted(Selector.parse(text).assets(GRAPH, STATES)))


@pytest.mark.parametrize(
    ("text", "assets"),
    [
        ("dds.c", "dds.c"),
        ("c", "dds.c"),
        ("+c", "dds.c staging.a staging.b"),
        ("c+", "dds.c dds.d mart.d mart.e"),
        ("1+dds.d+1", "dds.c dds.d mart.d"),
        ("0+c+0", "dds.c"),
        ("stage:staging", "staging.a staging.b"),
        ("stage:m*", "mart.d mart.e"),
        ("1+stage:mart,stage:staging", "staging.b"),
        ("state:failed+1", "dds.d mart.d"),
        ("state:initial", "dds.c staging.a staging.b"),
        ("state:failed state:skipped", "dds.d mart.d mart.e"),
        ("*.d", "dds.d mart.d"),
        ("d*", "dds.d mart.d"),
        ("*", "dds.c dds.d mart.d mart.e staging.a staging.b"),
        (" a  b\n", "staging.a staging.b"),
        ("+mart.d,dds.c+,dds.*", "dds.c dds.d"),
    ],
)
def test_what_is_selected(text: str, assets: str) -> None:
    """Names, stages, states, patterns, steps, unions and intersections select what they do in dbt."""
    assert chosen(text) == assets


FORMS = "write stage.model, with + or 2+ in front for upstreams, and + or +2 behind for downstreams"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty; leave it out to run all assets"),
        ("k", 'there is no asset "k"; known: dds.c, dds.d, mart.d, mart.e, staging.a, staging.b'),
        ("staging.aa", 'there is no asset "staging.aa"; did you mean "staging.a"?'),
        ("staging", 'there is no asset "staging", but a stage; write stage:staging'),
        ("stage:stagin", 'there is no stage "stagin"; did you mean "staging"?'),
        ("d", '"d" is the name of several assets; write one of dds.d, mart.d'),
        ("state:faild", 'unknown state "faild"; did you mean "failed"?'),
        ("stat:failed", 'unknown method "stat:"; did you mean "state"?'),
        ("@dds.c", f'"@dds.c" cannot be read; {FORMS}'),
        ("a+b", f'"a+b" cannot be read; {FORMS}'),
        ("+", f'"+" cannot be read; {FORMS}'),
        ("a, b", 'a comma without an asset beside it in "a,"; write a,b without a space'),
        ("9999999999+a", 'the number of steps in "9999999999+a" is too large; write + alone for all'),
        ("stage:mart,stage:dds", '"stage:mart,stage:dds" selects no assets'),
        ("state:success x*", '"state:success x*" selects no assets'),
        (
            " ".join(f"*{place}" for place in range(201)),
            "it has 201 different parts with +, * or a colon; at most 200 are allowed",
        ),
        ("a" * (LONGEST + 1), "it has 10,001 characters; at most 10,000 are allowed"),
    ],
)
def test_what_cannot_be_selected(text: str, message: str) -> None:
    """What cannot be read, does not exist or selects nothing is refused, with what would be right."""
    with pytest.raises(SelectorInvalid) as refused:
        chosen(text)
    assert str(refused.value) == message


def test_skipped() -> None:
    """A node that was not executed is skipped if it has a message that says why."""
    node = NodeStatus(name="Executing a.b", asset_name="a.b", order=1)
    assert LastState.of_node(node) is LastState.INITIAL
    assert LastState.of_node(node.changed(message="skipped: cancelled")) is LastState.SKIPPED
    assert [LastState.of_node(node.changed(state=state)) for state in NodeState] == list(LastState)[:5]


# -- against sets of paths

NAMES = [f"{stage}.{model}" for stage in ("s", "t") for model in ("a", "b", "c")]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph in which every edge leads to a later name."""
    order = draw(st.permutations(NAMES))
    edges = {
        name: draw(st.sets(st.sampled_from(order[:place]))) if place else set() for place, name in enumerate(order)
    }
    return Graph({name: tuple(sorted(upstreams)) for name, upstreams in edges.items()})


STEPS = st.sampled_from(["", "+", "1+", "2+"])
PARTS = st.tuples(STEPS, st.sampled_from([*NAMES, "stage:s", "state:failed", "*.a", "a*"]), STEPS)
TERMS = st.lists(st.lists(PARTS, min_size=1, max_size=3), min_size=1, max_size=3)


def near(name: str, steps: str, neighbours: dict[str, set[str]]) -> set[str]:
    """What is at most so many steps away, found step by step."""
    found = {name}
    for _ in range({"": 0, "+": len(NAMES), "1+": 1, "2+": 2}[steps]):
        found |= {other for one in found for other in neighbours[one]}
    return found


def naive(graph: Graph, states: dict[str, LastState], part: tuple[str, str, str]) -> set[str]:
    up, value, down = part
    named = {
        "stage:s": lambda name: name.startswith("s."),
        "state:failed": lambda name: states.get(name) is LastState.FAILED,
        "*.a": lambda name: name.endswith(".a"),
        "a*": lambda name: name.endswith(".a"),
    }.get(value, lambda name: name == value)
    upstreams = {name: set(others) for name, others in graph.upstreams.items()}
    downstreams = {name: {other for other in NAMES if name in upstreams[other]} for name in NAMES}
    return {x for name in NAMES if named(name) for x in near(name, up, upstreams) | near(name, down, downstreams)}


@given(graphs(), st.dictionaries(st.sampled_from(NAMES), st.sampled_from(LastState)), TERMS)
def test_as_sets(graph: Graph, states: dict[str, LastState], terms: list[list[tuple[str, str, str]]]) -> None:
    """Any selector selects the union of the intersections of what its parts reach."""
    text = " ".join(",".join(f"{up}{value}{down[::-1]}" for up, value, down in term) for term in terms)
    wanted = set().union(*(set.intersection(*(naive(graph, states, part) for part in term)) for term in terms))
    selector = Selector.parse(text)
    if wanted:
        assert selector.assets(graph, states) == wanted
    else:
        with pytest.raises(SelectorInvalid):
            selector.assets(graph, states)


def test_a_long_chain() -> None:
    """A chain of many assets is selected as fast as others, and the same part is looked up once."""
    names = [f"s.n{place}" for place in range(5_000)]
    graph = Graph({names[0]: (), **{name: (before,) for before, name in pairwise(names)}})
    assert len(Selector.parse(f"{names[-1]} " + "+s.n4999 " * 1_000).assets(graph, {})) == 5_000
