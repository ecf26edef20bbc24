"""The layout of the graph on the page, in CSS pixels: where assets, stages and edges are. Pure and deterministic."""

from collections.abc import Mapping
from dataclasses import dataclass

from dagscope.dag.model.graph import Graph
from dagscope.server.page.graph_columns import Columns, columns_of
from dagscope.server.page.graph_rows import Items, heights

NODE_WIDTH, NODE_HEIGHT = 132, 64
COLUMN_STEP = 172
ROW_STEP = 88
LANE_STEP = 8
MARGIN = 12
"""Around the graph, and between an asset and the border of its stage."""
HEAD = 28
"""Above the assets of a stage, for its name."""
LONGEST_LANE = 12
"""An edge over more columns is drawn as one curve: lanes for all of them would be most of the work."""


@dataclass(frozen=True)
class PlacedNode:
    """An asset by its top left corner."""

    name: str
    x: int
    y: int


@dataclass(frozen=True)
class PlacedStage:
    """A stage, which is as high as the graph."""

    name: str
    x: int
    width: int


@dataclass(frozen=True)
class PlacedEdge:
    """From the right of the upstream to the left of the downstream: x0, y0, x1, y1, ...

    The line between two points of the same y is straight, and otherwise a cubic curve with level ends.
    """

    upstream: str
    downstream: str
    points: tuple[int, ...]


@dataclass(frozen=True)
class GraphLayout:
    """Everything that is drawn, in `width` times `height`."""

    width: int
    height: int
    stages: tuple[PlacedStage, ...]
    nodes: tuple[PlacedNode, ...]
    edges: tuple[PlacedEdge, ...]


def layout_of(graph: Graph, stage_of: Mapping[str, str]) -> GraphLayout:
    """The layout of a graph. The time it takes grows linearly with the assets and edges."""
    columns = columns_of(graph, stage_of)
    lines = _Lines(graph, columns)
    top = MARGIN + HEAD + MARGIN + NODE_HEIGHT // 2
    middle = [top + height for height in heights(lines.items())]
    bottom = max(middle, default=0) + NODE_HEIGHT // 2 + 2 * MARGIN
    nodes = tuple(
        PlacedNode(name, _left(columns.of[name]), middle[number] - NODE_HEIGHT // 2)
        for name, number in lines.number.items()
    )
    stages = tuple(
        PlacedStage(
            stage.name,
            _left(stage.first) - MARGIN,
            (stage.last - stage.first) * COLUMN_STEP + NODE_WIDTH + 2 * MARGIN,
        )
        for stage in columns.stages
    )
    edges = tuple(
        PlacedEdge(upstream, name, lines.points(upstream, name, middle))
        for name in lines.number
        for upstream in graph.upstreams[name]
    )
    right = max(0, columns.count - 1) * COLUMN_STEP + NODE_WIDTH + 4 * MARGIN
    return GraphLayout(right, bottom, stages, nodes, edges)


def _left(column: int) -> int:
    return 2 * MARGIN + column * COLUMN_STEP


class _Lines:
    """The assets as numbered items, and the lanes of the edges between them. A source has at most one lane a column."""

    def __init__(self, graph: Graph, columns: Columns) -> None:
        self._columns = columns
        self.number = {name: number for number, name in enumerate(_depth_first(graph))}
        self._of_column: list[list[int]] = [[] for _ in range(columns.count)]
        self._left: list[list[int]] = [[] for _ in self.number]
        self._right: list[list[int]] = [[] for _ in self.number]
        self._lanes: dict[str, list[int]] = {}
        """Of each source: its own item, then one lane a column."""
        for name, number in self.number.items():
            self._of_column[columns.of[name]].append(number)
            self._lanes[name] = [number]
            for downstream in graph.downstreams[name]:
                self._connect(name, downstream)

    def _connect(self, upstream: str, downstream: str) -> None:
        span = self._columns.of[downstream] - self._columns.of[upstream]
        if span > LONGEST_LANE:
            return
        lanes = self._lanes[upstream]
        while len(lanes) < span:
            lane = len(self._left)
            self._of_column[self._columns.of[upstream] + len(lanes)].append(lane)
            self._left.append([lanes[-1]])
            self._right.append([])
            self._right[lanes[-1]].append(lane)
            lanes.append(lane)
        self._right[lanes[span - 1]].append(self.number[downstream])
        self._left[self.number[downstream]].append(lanes[span - 1])

    def items(self) -> Items:
        count = len(self.number)
        is_lane = [item >= count for item in range(len(self._left))]
        room = [(LANE_STEP if lane else ROW_STEP) // 2 for lane in is_lane]
        return Items(self._of_column, self._left, self._right, room, is_lane)

    def points(self, upstream: str, downstream: str, middle: list[int]) -> tuple[int, ...]:
        first, last = self._columns.of[upstream], self._columns.of[downstream]
        lanes = self._lanes[upstream]
        points = [_left(first) + NODE_WIDTH, middle[lanes[0]]]
        for index in range(1, last - first if last - first <= LONGEST_LANE else 1):
            x, y = _left(first + index), middle[lanes[index]]
            if y == points[-1] == middle[lanes[index - 1]] and len(points) > 2:
                points[-2] = x + NODE_WIDTH
            else:
                points += (x, y, x + NODE_WIDTH, y)
        return (*points, _left(last), middle[self.number[downstream]])


def _depth_first(graph: Graph) -> list[str]:
    """All names, so that those near each other in the graph are near each other in the list."""
    found: dict[str, None] = {}
    for start in graph.order:
        ahead = [start]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found[name] = None
                ahead.extend(reversed(graph.downstreams[name]))
    return list(found)
