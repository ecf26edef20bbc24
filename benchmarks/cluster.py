"""What dagscope itself costs when the work is done elsewhere: 10,000 assets, 500 statements of 2 s at the same time.

The statements wait (`benchmarks/fake_cluster.py`). What a run takes longer than they do is dagscope's.
"""

import contextlib
import itertools
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks import fake_cluster
from benchmarks.figures import Figure
from benchmarks.generated import PROFILE, drawn_graph, write_model
from benchmarks.servers import Server, serving
from benchmarks.timing import median_seconds, seconds
from dagscope.dag.model.graph import Graph
from dagscope.server.page.graph_layout import layout_of
from dagscope.storage.state_folder import StateFolder
from tests.outside_package import install

ASSETS = 10_000
STATEMENTS = 500
STATEMENT_S = 2.0
_OVERHEAD_GOAL = 1.02
_ANSWER_GOAL_MS = 100
_EVERY_S = 0.5

_CONFIG = """\
version: 1.0.0
module: example.com/cluster
connections:
  - name: cluster
    type: cluster
    config:
      statements: {statements}
      statement_s: {statement_s}
"""


_EVENTS = """
SELECT (SELECT count(*) FROM status_event) + (SELECT count(*) FROM log_entry) + (SELECT count(*) FROM run_event)
"""


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    assets, at_once = ASSETS // divisor, STATEMENTS // divisor
    graph = _waves(assets, at_once)
    project = _project(folder / "project", graph, at_once)
    with _installed(folder), serving(project) as server:
        yield from _of_run(server, project, assets, at_once)
    drawn = drawn_graph(assets, 2 * assets)
    [layout] = median_seconds(3, lambda: layout_of(drawn, {name: name.split(".")[0] for name in drawn.upstreams}))
    edges = sum(map(len, drawn.upstreams.values()))
    yield Figure(f"layout of {assets:,} assets and {edges:,} edges", layout, "s", note="in the server, once a graph")


def _waves(assets: int, at_once: int) -> Graph:
    """As many assets in each stage as the cluster works on at once; each reads two of the stage before."""
    names = [[f"stage_{wave:02}.model_{n:03}" for n in range(at_once)] for wave in range(assets // at_once)]
    upstreams: dict[str, tuple[str, ...]] = dict.fromkeys(names[0], ())
    for before, wave in itertools.pairwise(names):
        for n, name in enumerate(wave):
            upstreams[name] = tuple(sorted({before[n], before[(n + 1) % at_once]}))
    return Graph(upstreams)


def _project(folder: Path, graph: Graph, at_once: int) -> Path:
    config = _CONFIG.format(statements=at_once, statement_s=STATEMENT_S)
    folder.mkdir()
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    (folder / "profile.yaml").write_text(PROFILE.replace("duck", "cluster"), encoding="utf-8")
    for name, upstreams in graph.upstreams.items():
        reads = " UNION ALL ".join(f'SELECT * FROM {{{{ Ref("{upstream}") }}}}' for upstream in upstreams)
        write_model(folder, name, reads or "SELECT 1 AS id")
    return folder


@contextmanager
def _installed(folder: Path) -> Iterator[None]:
    """Inside the block, new processes of dagscope have the engine."""
    place = folder / "installed"
    place.mkdir()
    code = Path(fake_cluster.__file__).read_text(encoding="utf-8")
    install(place, "fake-cluster", code, "[dagscope.engines]\ncluster = fake_cluster:ClusterConnection\n")
    with patch.dict(os.environ, {"PYTHONPATH": str(place)}):
        yield


@dataclass(frozen=True)
class _Run:
    """A run as its clients saw it: how long it took, and each answer about it while it went on."""

    taken_s: float
    processor_s: float
    answers_s: list[float]
    peak_mb: float


def _of_run(server: Server, project: Path, assets: int, at_once: int) -> Iterator[Figure]:
    with server.client() as client:
        client.wait_for_runs()
    idle_mb = _memory_mb(server)
    run = _watched(server)
    database = StateFolder.of_project(project).database
    size = database.stat().st_size
    theirs = assets / at_once * STATEMENT_S
    name = f"run {assets:,} assets on a fake cluster of {at_once} statements at once, {STATEMENT_S:g} s each"
    yield Figure(name, run.taken_s, "s", theirs, _OVERHEAD_GOAL, note="theirs: the statements alone")
    yield Figure(f"{name}: processor time", run.processor_s, "s", note="of all processes of dagscope")
    asked = sorted(run.answers_s)
    for what, value in (("median", asked[len(asked) // 2]), ("slowest", asked[-1])):
        note = f"{len(asked)} requests while it ran"
        yield Figure(f"its status, {what}", value * 1_000, "ms", goal=_ANSWER_GOAL_MS, note=note)
    yield Figure("memory above idle", run.peak_mb - idle_mb, "MB", note=f"idle: {idle_mb:.0f} MB")
    with contextlib.closing(sqlite3.connect(database)) as state:
        (events,) = state.execute(_EVENTS).fetchone()
    yield Figure("its events", events, "", note=f"{events / assets:.1f} an asset")
    yield Figure("its state", size / 1e6, "MB", note=f"{size / assets:,.0f} bytes an asset")


def _watched(server: Server) -> _Run:
    answers: list[float] = []
    peak_mb = 0.0
    taken: list[float] = []
    with server.client() as running, server.client() as asking:
        before_s = server.processor_s()
        thread = threading.Thread(target=lambda: taken.append(seconds(lambda: running.run("run"))))
        thread.start()
        time.sleep(_EVERY_S)  # the task is accepted
        while thread.is_alive():
            answers.append(seconds(lambda: asking.get("/api/dag/status/run")))
            peak_mb = max(peak_mb, _memory_mb(server))
            thread.join(_EVERY_S)
        return _Run(taken[0], server.processor_s() - before_s, answers, peak_mb)


def _memory_mb(server: Server) -> float:
    return sum(process.memory_full_info().pss for process in server.processes()) / 1e6
