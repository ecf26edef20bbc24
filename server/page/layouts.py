"""The layout of the current project's graph: computed once in a thread, for as long as the graph stays the same."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from dagscope.dag.model.graph import Graph
from dagscope.dag.project.project import Project
from dagscope.server.http.shapes.dag import DagLayout, LayoutEdge, LayoutNode, LayoutStage
from dagscope.server.page.graph_layout import NODE_HEIGHT, NODE_WIDTH, layout_of


@dataclass(frozen=True)
class LayoutAnswer:
    """A layout as JSON, and the hash of its graph."""

    graph_hash: str
    json: str


class Layouts:
    """Keeps the newest layout. A project that was loaded again with the same graph has the same layout."""

    def __init__(self) -> None:
        self._project: Project | None = None
        self._computing: asyncio.Task[LayoutAnswer] | None = None
        self._kept: LayoutAnswer | None = None

    async def of(self, project: Project) -> LayoutAnswer:
        """The layout of a project. Requests that arrive while it is computed wait for the same computation."""
        if self._computing is None or self._project is not project:
            self._project = project
            self._computing = asyncio.create_task(self._compute(project))
        return await asyncio.shield(self._computing)

    async def _compute(self, project: Project) -> LayoutAnswer:
        self._kept = await asyncio.to_thread(_answer, project, self._kept)
        return self._kept


def _answer(project: Project, kept: LayoutAnswer | None) -> LayoutAnswer:
    stage_of = {asset.name: asset.stage for asset in project.assets.values()}
    graph_hash = _hash(project.graph, stage_of)
    if kept is not None and kept.graph_hash == graph_hash:
        return kept
    layout = layout_of(project.graph, stage_of)
    shape = DagLayout(
        graph_hash=graph_hash,
        width=layout.width,
        height=layout.height,
        node_width=NODE_WIDTH,
        node_height=NODE_HEIGHT,
        stages=tuple(LayoutStage(name=stage.name, x=stage.x, width=stage.width) for stage in layout.stages),
        nodes=tuple(LayoutNode(name=node.name, x=node.x, y=node.y) for node in layout.nodes),
        edges=tuple(
            LayoutEdge(upstream=edge.upstream, downstream=edge.downstream, points=edge.points) for edge in layout.edges
        ),
    )
    return LayoutAnswer(graph_hash, shape.to_json())


def _hash(graph: Graph, stage_of: Mapping[str, str]) -> str:
    assets = [(name, stage_of[name], sorted(upstreams)) for name, upstreams in sorted(graph.upstreams.items())]
    return blake2b(json.dumps(assets).encode(), digest_size=16).hexdigest()
