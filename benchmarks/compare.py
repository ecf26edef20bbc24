"""Comparing two tasks: of many assets, and of a large captured table; and what recording costs a run."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure
from benchmarks.generated import empty_project, layered_project, write_model
from benchmarks.servers import serving
from benchmarks.timing import median_seconds, seconds

_LAYERS = 10
_ROWS = """\
range AS id,
  (range * 7919) % 1000003 / 8 AS price,
  'name ' || (range * 31 % 100003) AS name,
  DATE '2020-01-01' + (range % 2000)::INTEGER AS day,
  TIMESTAMP '2020-01-01' + to_seconds(range % 100000000) AS at,
  (range % 1000000 / 100 + CASE WHEN range % 1000 = 0 THEN {{ param('more', 0) }} ELSE 0 END)::DECIMAL(12, 2) AS amount
"""


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    assets, rows, few = 1_000 // divisor, 1_000_000 // divisor, 200 // divisor
    yield Figure(f"compare two tasks of {assets:,} assets", _of_tasks(folder / "many", assets), "s", goal=0.3)
    keyed, whole, listed = _of_rows(folder / "large", rows)
    yield Figure(f"compare two captured tables of {rows:,} rows x 6 columns, by key", keyed, "s", goal=2)
    yield Figure("the same without a key", whole, "s", goal=2)
    yield Figure("list the first 100 rows that differ, with their cells, by key", listed, "s", goal=2)
    yield from _costs(layered_project(folder / "costs", _LAYERS, few // _LAYERS), few)


def _of_tasks(project: Path, assets: int) -> float:
    """Of two runs, between which the SQL of one asset of the first layer changed."""
    layered_project(project, _LAYERS, assets // _LAYERS)
    _run(project, "before")
    model = project / "assets/models/layer_0/model_0.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("% 97", "% 89"), encoding="utf-8")
    with serving(project) as server, server.client() as client:
        client.run("after")
        return median_seconds(5, lambda: client.get("/api/compare?from=before&to=after"))[0]


def _of_rows(project: Path, rows: int) -> list[float]:
    """Of two tables that differ in one row of a thousand, with a primary key and without one."""
    empty_project(project)
    for name, key in (("keyed", "primary_key_fields: [id]\n"), ("whole", "")):
        write_model(project, f"mart.{name}", f"SELECT {_ROWS} FROM range({rows})", f"{key}capture: all")
    with serving(project) as server, server.client() as client:
        for more, task in enumerate(("before", "after")):
            client.run(task, {"more": more})
        paths = [f"/api/compare{path}" for path in ("?asset=mart.keyed", "?asset=mart.whole", "/rows?asset=mart.keyed")]
        return median_seconds(3, *(lambda path=path: client.get(f"{path}&from=before&to=after") for path in paths))


def _run(project: Path, task: str) -> None:
    with serving(project) as server, server.client() as client:
        client.run(task)


def _costs(project: Path, models: int) -> Iterator[Figure]:
    """The time and the processor time of a run that records all, and of one without fingerprints and captured rows."""
    taken = [(_taken(project), _taken(project, fingerprint_rows=0, capture="framed")) for _ in range(5)]
    for place, what in enumerate(("time", "processor time")):
        ours, theirs = (median(each[place] for each in column) for column in zip(*taken, strict=True))
        note = f"{(ours - theirs) / models * 1000:+.2f} ms a model; theirs keeps neither; 5 runs each"
        name = f"run {models} models of 1,000 rows with fingerprints and captured rows: {what}"
        yield Figure(name, ours, "s", theirs, 1.05, note=note)


def _taken(project: Path, capture: str | None = None, **settings: int) -> tuple[float, float]:
    for made in ("store", ".dagscope"):
        shutil.rmtree(project / made, ignore_errors=True)
    with serving(project, **settings) as server, server.client() as client:
        client.wait_for_runs()
        before_s = server.processor_s()
        taken_s = seconds(lambda: client.run("bench", capture=capture))
        return taken_s, server.processor_s() - before_s
