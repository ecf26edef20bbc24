"""The graph of names."""

from itertools import pairwise

import pytest

from dagscope.dag.model.graph import Graph

DIAMOND = Graph({"d": ("b", "c"), "c": ("a",), "b": ("a",), "a": (), "alone": ()})


def test_order_has_upstreams_first_and_ties_by_name() -> None:
    """The order never varies: upstreams first, and ties in the order of names."""
    assert DIAMOND.order == ("a", "alone", "b", "c", "d")
    assert Graph({"b": (), "a": ("b",), "c": ()}).order == ("b", "a", "c")


def test_order_is_free_of_how_the_graph_was_written() -> None:
    """The same graph has the same order, however its names are listed."""
    backwards = Graph({name: DIAMOND.upstreams[name][::-1] for name in reversed(list(DIAMOND.upstreams))})
    assert backwards.order == DIAMOND.order


def test_downstreams() -> None:
    """Direct downstreams are sorted, and every name has an entry."""
    assert DIAMOND.downstreams == {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": (), "alone": ()}


def test_ancestors_and_descendants() -> None:
    """Both reach any distance, and do not contain the name itself."""
    assert DIAMOND.ancestors(["d"]) == {"a", "b", "c"}
    assert DIAMOND.descendants(["a"]) == {"b", "c", "d"}
    assert DIAMOND.ancestors(["alone"]) == DIAMOND.descendants(["alone"]) == set()


def test_graph_without_a_cycle() -> None:
    """Reaching a name by two paths is not a cycle."""
    assert DIAMOND.cycle() is None
    assert Graph({}).order == ()


@pytest.mark.parametrize(
    ("upstreams", "cycle"),
    [
        ({"a": ("a",)}, "a -> a"),
        ({"a": ("b",), "b": ("a",)}, "a -> b -> a"),
        ({"x": (), "a": ("x", "c"), "b": ("a",), "c": ("b",), "z": ("c",)}, "a -> b -> c -> a"),
    ],
)
def test_cycle_is_told_as_its_path(upstreams: dict[str, tuple[str, ...]], cycle: str) -> None:
    """A cycle is a path from upstream to downstream that ends where it starts."""
    graph = Graph(upstreams)
    assert " -> ".join(graph.cycle() or ()) == cycle
    with pytest.raises(ValueError, match=f"^the graph has a cycle: {cycle}$"):
        _ = graph.order


def test_long_chain() -> None:
    """A chain much longer than Python's recursion limit works like any other."""
    names = [f"n{place:05}" for place in range(20_000)]
    graph = Graph({"n00000": (), **{name: (before,) for before, name in pairwise(names)}})
    assert list(graph.order) == names
    assert graph.cycle() is None
    assert len(graph.ancestors([names[-1]])) == 19_999
