"""The layout of graphs of all shapes."""

import itertools
import random
from collections import defaultdict
from collections.abc import Mapping

import pytest

from dagscope.dag.model.graph import Graph
from dagscope.server.page.graph_layout import HEAD, MARGIN, NODE_HEIGHT, NODE_WIDTH, ROW_STEP, GraphLayout, layout_of
from dagscope.server.page.graph_rows import isotonic


def chain(length: int) -> Graph:
    return Graph({f"s.m{n:03}": (f"s.m{n - 1:03}",) if n else () for n in range(length)})


def layer(width: int) -> Graph:
    """One source, many that read it, one that reads them all."""
    middle = tuple(f"b.m{n:04}" for n in range(width))
    return Graph({"a.first": (), **dict.fromkeys(middle, ("a.first",)), "c.last": middle})


def drawn_at_random(assets: int, edges: int) -> Graph:
    draw = random.Random(12)
    names = [f"s{n * 4 // assets}.m{n:04}" for n in range(assets)]
    upstreams: Mapping[str, set[str]] = {name: set() for name in names}
    for _ in range(edges):
        first, last = sorted(draw.sample(range(assets), 2))
        upstreams[names[last]].add(names[first])
    return Graph({name: tuple(sorted(found)) for name, found in upstreams.items()})


CYCLIC_STAGES = Graph({"a.one": (), "b.two": ("a.one",), "a.three": ("b.two",), "a.four": ("a.one",)})
"""Each stage reads the other, but no asset reads itself."""

GRAPHS = {
    "empty": Graph({}),
    "one": Graph({"s.a": ()}),
    "chain": chain(500),
    "layer": layer(1_000),
    "unconnected": Graph({f"s.m{n:04}": () for n in range(1_000)}),
    "random": drawn_at_random(300, 600),
    "cyclic stages": CYCLIC_STAGES,
}
each_graph = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)


def laid_out(graph: Graph) -> GraphLayout:
    return layout_of(graph, {name: name.split(".")[0] for name in graph.upstreams})


@each_graph
def test_no_overlaps(graph: Graph) -> None:
    """All assets are inside the drawing, and those above each other are at least a row apart."""
    layout = laid_out(graph)
    columns = defaultdict(list)
    for node in layout.nodes:
        columns[node.x].append(node.y)
        assert MARGIN < node.x <= layout.width - NODE_WIDTH - MARGIN
        assert MARGIN + HEAD <= node.y <= layout.height - NODE_HEIGHT - MARGIN
    assert sorted(node.name for node in layout.nodes) == sorted(graph.upstreams)
    for rows in map(sorted, columns.values()):
        assert all(below - above >= ROW_STEP for above, below in itertools.pairwise(rows))
    edges = sorted(columns)
    assert all(right - left > NODE_WIDTH for left, right in itertools.pairwise(edges))


@each_graph
def test_edges(graph: Graph) -> None:
    """Each edge leads from the right of its upstream to the left of its downstream, and never to the left."""
    layout = laid_out(graph)
    at = {node.name: node for node in layout.nodes}
    assert [(edge.upstream, edge.downstream) for edge in layout.edges if edge.upstream != edge.downstream] == [
        (upstream, node.name) for node in layout.nodes for upstream in graph.upstreams[node.name]
    ]
    for edge in layout.edges:
        upstream, downstream = at[edge.upstream], at[edge.downstream]
        assert edge.points[:2] == (upstream.x + NODE_WIDTH, upstream.y + NODE_HEIGHT // 2)
        assert edge.points[-2:] == (downstream.x, downstream.y + NODE_HEIGHT // 2)
        assert list(edge.points[::2]) == sorted(set(edge.points[::2]))


@pytest.mark.parametrize("graph", [layer(100), drawn_at_random(60, 120)])
def test_short_edges_pass_no_asset(graph: Graph) -> None:
    """An edge that passes a column goes straight through it, without touching an asset."""
    layout = laid_out(graph)
    rows = defaultdict(list)
    for node in layout.nodes:
        rows[node.x].append(node.y)
    passed = 0
    for edge in layout.edges:
        at = list(zip(edge.points[::2], edge.points[1::2], strict=True))
        for (left, y), (right, end) in itertools.pairwise(at):
            for x in [x for x in rows if left <= x < right and right - left >= NODE_WIDTH and y == end]:
                passed += 1
                assert not any(top <= y <= top + NODE_HEIGHT for top in rows[x])
    assert passed


@each_graph
def test_stages(graph: Graph) -> None:
    """Stages stand side by side, upstream stages first, and contain exactly their own assets."""
    layout = laid_out(graph)
    for left, right in zip(layout.stages, layout.stages[1:], strict=False):
        assert left.x + left.width < right.x
    for stage in layout.stages:
        inside = {
            node.name for node in layout.nodes if stage.x < node.x and node.x + NODE_WIDTH < stage.x + stage.width
        }
        assert inside == {name for name in graph.upstreams if name.startswith(f"{stage.name}.")}


def test_stages_in_a_cycle() -> None:
    """Stages that read each other have no boxes, and assets are in the columns of the longest path to them."""
    layout = laid_out(CYCLIC_STAGES)
    assert layout.stages == ()
    assert {node.name: (node.x - 2 * MARGIN) // 172 for node in layout.nodes} == {
        "a.one": 0,
        "a.four": 1,
        "b.two": 1,
        "a.three": 2,
    }


def test_upstream_stages_first() -> None:
    """Stages are in the order in which they read each other, whatever their names."""
    graph = Graph({"z.a": (), "m.b": ("z.a",), "a.c": ("m.b",), "b.d": ()})
    assert [stage.name for stage in laid_out(graph).stages] == ["b", "z", "m", "a"]


def test_a_wide_layer_is_wrapped() -> None:
    """A thousand assets in one layer are about as wide as they are high, so that they can be looked at."""
    layout = laid_out(GRAPHS["unconnected"])
    assert (layout.width, layout.height) == (3964, 4012)


def test_a_chain_is_straight() -> None:
    """A chain is one straight line."""
    layout = laid_out(chain(500))
    assert {node.y for node in layout.nodes} == {MARGIN + HEAD + MARGIN}


@each_graph
def test_deterministic(graph: Graph) -> None:
    """The order in which a graph is given does not change its layout."""
    given = {name: tuple(reversed(upstreams)) for name, upstreams in reversed(graph.upstreams.items())}
    again = laid_out(Graph(given))
    assert again.nodes == laid_out(graph).nodes
    assert sorted(again.edges, key=str) == sorted(laid_out(graph).edges, key=str)


def test_isotonic() -> None:
    """Values that decrease are replaced by their weighted mean, and others stay."""
    assert isotonic([1, 5, 2, 2, 7], [1, 1, 1, 1, 1]) == [1, 3, 3, 3, 7]
    assert isotonic([4, 0], [3, 1]) == [3, 3]
    assert isotonic([], []) == []
