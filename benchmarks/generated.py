"""Generated projects of any size."""

import random
from pathlib import Path

from dagscope.dag.model.graph import Graph

CONFIG = """\
version: 1.0.0
module: example.com/generated
cores: 2
connections:
  - name: duck
    type: duckdb
    config:
      path: store/generated.duckdb
"""
PROFILE = """\
version: 1.0.0
name: generated
connection: duck
"""


def empty_project(folder: Path) -> Path:
    """A project with one DuckDB connection and no assets."""
    _write(folder / "config.yaml", CONFIG)
    _write(folder / "profile.yaml", PROFILE)
    return folder


def write_model(folder: Path, name: str, sql: str, profile: str = "") -> None:
    """Write a model named `stage.model`. `profile` is the YAML of its profile block, if it has one."""
    block = f'{{{{ define "profile.yaml" }}}}\n{profile}\n{{{{ end }}}}\n' if profile else ""
    _write(folder / f"assets/models/{name.replace('.', '/')}.sql", block + sql)


def write_raw_asset(folder: Path, name: str, python: str) -> None:
    """Write a raw asset named `stage.model`."""
    _write(folder / f"assets/models/{name.replace('.', '/')}.py", python)


def layered_project(folder: Path, layers: int, per_layer: int, rows: int = 1_000, tests: bool = True) -> Path:
    """Table models in layers. Each reads two models of the previous layer and has a data test."""
    empty_project(folder)
    for layer in range(layers):
        for index in range(per_layer):
            name = f"model_{index}"
            profile = f"tests:\n  - name: {name}_ids" if tests else ""
            write_model(folder, f"layer_{layer}.{name}", _sql(layer, index, per_layer, rows), profile)
            if tests:
                sql = f'SELECT * FROM {{{{ Ref("layer_{layer}.{name}") }}}} WHERE id IS NULL'
                _write(folder / f"assets/tests/layer_{layer}/{name}_ids.sql", sql)
    return folder


def chain_project(folder: Path, length: int) -> Path:
    """Table models in a chain. Each reads the previous one."""
    return layered_project(folder, layers=length, per_layer=1, rows=10, tests=False)


def graph_project(folder: Path, graph: Graph, work_s: float = 0) -> Path:
    """Raw assets that do nothing for some time, with the edges of a graph. Four run at the same time."""
    _write(folder / "config.yaml", CONFIG.replace("cores: 2", "cores: 4"))
    stages: dict[str, list[str]] = {}
    for name, upstreams in graph.upstreams.items():
        write_raw_asset(folder, name, f"import time\n\n\ndef execute(context):\n    time.sleep({work_s})\n")
        stage, model = name.split(".")
        reads = f"          raw_upstreams: [{', '.join(upstreams)}]\n" if upstreams else ""
        entry = f"        - name: {model}\n          materialization: raw\n{reads}"
        stages.setdefault(stage, []).append(entry)
    listed = "".join(f"    - name: {stage}\n      models:\n{''.join(models)}" for stage, models in stages.items())
    _write(folder / "profile.yaml", f"{PROFILE}models:\n  stages:\n{listed}")
    return folder


def drawn_graph(assets: int, edges: int) -> Graph:
    """A graph drawn at random, the same one each time: four stages, and most edges between assets that are near."""
    draw = random.Random(12)
    names = [f"stage_{number * 4 // assets}.model_{number:05}" for number in range(assets)]
    upstreams: dict[str, set[str]] = {name: set() for name in names}
    for _ in range(edges):
        last = draw.randrange(1, assets)
        first = max(0, last - 1 - int(draw.expovariate(5 / assets)))
        upstreams[names[last]].add(names[first])
    return Graph({name: tuple(sorted(found)) for name, found in upstreams.items()})


def _sql(layer: int, index: int, per_layer: int, rows: int) -> str:
    if layer == 0:
        return f"SELECT range AS id, range * {index + 1} % 97 AS value FROM range({rows})"
    upstreams = sorted({index, (index + 1) % per_layer})
    parts = [f'SELECT id, value FROM {{{{ Ref("layer_{layer - 1}.model_{upstream}") }}}}' for upstream in upstreams]
    return f"SELECT id, sum(value) % 97 AS value FROM ({' UNION ALL '.join(parts)}) GROUP BY id"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
