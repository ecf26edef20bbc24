"""The DAG, and where the page draws it."""

from dagscope.dag.events.status import NodeState
from dagscope.dag.ground.shapes import Shape


class DagNode(Shape):
    """An asset in the DAG with its current state. Durations are in milliseconds."""

    name: str
    downstreams: tuple[str, ...]
    upstreams: tuple[str, ...]
    sql_select_query: str
    sql_compiled_query: str
    materialization: str
    connection_type: str
    connection_name: str
    is_data_framed: bool
    persist_inputs: bool
    tests: tuple[str, ...]
    state: NodeState
    total_tests: int
    successful_tests: int
    last_execution_duration: int
    last_tests_duration: int
    description: str


class Dag(Shape):
    """`GET /api/dag`. While the files on disk cannot be loaded, `errors` says why; `nodes` are the last valid ones."""

    project_name: str
    module_name: str
    dag_instance_name: str
    nodes: tuple[DagNode, ...]
    errors: tuple[str, ...] | None = None


class LayoutStage(Shape):
    """The box of a stage, which is as high as the layout."""

    name: str
    x: int
    width: int


class LayoutNode(Shape):
    """An asset by its top left corner."""

    name: str
    x: int
    y: int


class LayoutEdge(Shape):
    """The line from an asset to one that reads it; `points` are x0, y0, x1, y1, ..."""

    upstream: str
    downstream: str
    points: tuple[int, ...]


class DagLayout(Shape):
    """`GET /api/dag/layout`, in CSS pixels. `stages` is empty if stages depend on each other in a cycle."""

    graph_hash: str
    width: int
    height: int
    node_width: int
    node_height: int
    stages: tuple[LayoutStage, ...]
    nodes: tuple[LayoutNode, ...]
    edges: tuple[LayoutEdge, ...]
