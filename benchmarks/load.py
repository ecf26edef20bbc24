"""Loading a project of 1,000 models, and answering for its DAG."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.generated import layered_project
from benchmarks.servers import serving
from benchmarks.timing import median_seconds
from dagscope.dag.project.loading import load_project

_LAYERS = 10


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    models = 1_000 // divisor
    project = layered_project(folder / "many_models", _LAYERS, models // _LAYERS)
    [loading] = median_seconds(5, lambda: load_project(project))
    yield Figure(f"load {models:,} models, each with a data test", loading, "s", goal=2)
    with serving(project) as server, server.client() as client:
        [asking] = median_seconds(20, lambda: client.get("/api/dag"))
    yield Figure(f"GET /api/dag with {models:,} models", asking * 1000, "ms", goal=200)
