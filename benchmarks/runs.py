"""Running a DAG with everything persisted, compared with the same statements run one by one in plain DuckDB.

Ours is a new `dagscope serve` for every run: from the POST to its answer, which has the status of every node. Theirs is
a Python process that uses only DuckDB: from opening the database to the end of the last statement. Both
create a new database file. Neither time includes the start of the process.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure
from benchmarks.generated import chain_project, layered_project
from benchmarks.servers import serving
from benchmarks.timing import median_seconds, seconds
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.loading import load_project
from dagscope.dag.project.project import Project
from tests.doors import DAGSCOPE

_GOAL, _ACCEPTED = 1.0, 1.1
_CHAIN_GOAL, _CHAIN_ACCEPTED = 1.2, 1.6
_REAL_GOAL = 0.75
_PROCESSOR_GOAL = 1.5
_LAYERS = 10


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    few, many, length = 200 // divisor, 1_000 // divisor, 500 // divisor
    real_rows = 100_000 // divisor
    small = _Run(layered_project(folder / "small", _LAYERS, few // _LAYERS))
    yield from small.figures(f"run {few} models of 1,000 rows", 5, _GOAL, _ACCEPTED, _PROCESSOR_GOAL)
    real = _Run(layered_project(folder / "real", _LAYERS, few // _LAYERS, real_rows))
    yield from real.figures(f"run {few} models of {real_rows:,} rows", 2, _REAL_GOAL)
    more = _Run(layered_project(folder / "more", _LAYERS, many // _LAYERS))
    yield from more.figures(f"run {many:,} models of 1,000 rows", 2, _GOAL, _ACCEPTED)
    chain = _Run(chain_project(folder / "chain", length))
    yield from chain.figures(f"run a chain of {length} models", 3, _CHAIN_GOAL, _CHAIN_ACCEPTED)
    yield small.whole_process_figure(f"`dagscope run` of {few} models, whole process", times=2)


@dataclass(frozen=True)
class _Taken:
    """How long a run took, and how long processors worked on it."""

    seconds: float
    processor_s: float


@dataclass(frozen=True)
class _Run:
    """A project to run both ways."""

    folder: Path

    def figures(
        self, name: str, times: int, goal: float, accepted: float | None = None, processor_goal: float | None = None
    ) -> Iterator[Figure]:
        """The time, and the processor time, of medians of that many runs, which take turns."""
        pairs = [(self._ours(), self._theirs()) for _ in range(times)]
        ours, theirs = (median(taken.seconds for taken in column) for column in zip(*pairs, strict=True))
        models = len(load_project(self.folder).assets)
        note = f"{(ours - theirs) / models * 1000:+.1f} ms a model; {times} runs each"
        yield Figure(name, ours, "s", theirs, goal, accepted, note)
        ours, theirs = (median(taken.processor_s for taken in column) for column in zip(*pairs, strict=True))
        yield Figure(f"{name}: processor time", ours, "s", theirs, processor_goal, note="of all processes")

    def whole_process_figure(self, name: str, times: int) -> Figure:
        """The same, including the start of the processes."""
        command = [DAGSCOPE, "run", "--project", str(self.folder)]

        def run() -> None:
            self._clean()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        ours, theirs = median_seconds(times, run, self._theirs)
        return Figure(name, ours, "s", theirs, note="includes the start of Python, imports and loading")

    def _ours(self) -> _Taken:
        self._clean()
        with serving(self.folder) as server, server.client() as client:
            client.wait_for_runs()
            before_s = server.processor_s()
            taken_s = seconds(lambda: client.run("bench"))
            return _Taken(taken_s, server.processor_s() - before_s)

    def _theirs(self) -> _Taken:
        self._clean()
        database = self.folder / "store/generated.duckdb"
        database.parent.mkdir()
        command = [sys.executable, "-m", "benchmarks.plain_duckdb", str(database)]
        text = json.dumps(_statements(load_project(self.folder)))
        done = subprocess.run(command, check=True, input=text, capture_output=True, text=True)
        return _Taken(*map(float, done.stdout.split()))

    def _clean(self) -> None:
        for made in ("store", ".dagscope"):
            shutil.rmtree(self.folder / made, ignore_errors=True)


def _statements(project: Project) -> list[str]:
    """What someone without dagscope would run: each schema once, the models in order, the count of each test."""
    (connection,) = project.connections.values()
    stages = dict.fromkeys(project.assets[name].stage for name in project.graph.order)
    texts = [f"CREATE SCHEMA {connection.dialect.identifier(stage)}" for stage in stages]
    for name in project.graph.order:
        asset = project.assets[name]
        sql = project.asset_sql(asset, TaskValues(), incremental=False)
        texts.append(project.connections[asset.connection].compiled(asset, sql, existing=None))
        for test in asset.tests:
            sql = project.test_sql(project.tests[test], TaskValues())
            texts.append(f"SELECT count(*) FROM ({sql}\n) AS violations")
    return texts
