"""Projects of any size, for measuring."""

from pathlib import Path

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


def layered_project(folder: Path, layers: int, per_layer: int, rows: int = 1_000, tests: bool = True) -> Path:
    """Table models in layers, each reading two of the layer before it, with a data test each."""
    _write(folder / "config.yaml", CONFIG)
    _write(folder / "profile.yaml", PROFILE)
    for layer in range(layers):
        for index in range(per_layer):
            name = f"model_{index}"
            _write(folder / f"assets/models/layer_{layer}/{name}.sql", _model(layer, index, per_layer, rows, tests))
            if tests:
                sql = f'SELECT * FROM {{{{ Ref("layer_{layer}.{name}") }}}} WHERE id IS NULL'
                _write(folder / f"assets/tests/layer_{layer}/{name}_ids.sql", sql)
    return folder


def chain_project(folder: Path, length: int) -> Path:
    """Table models in one line, each reading the one before it."""
    return layered_project(folder, layers=length, per_layer=1, rows=10, tests=False)


def _model(layer: int, index: int, per_layer: int, rows: int, tests: bool) -> str:
    block = f'{{{{ define "profile.yaml" }}}}\ntests:\n  - name: model_{index}_ids\n{{{{ end }}}}\n' if tests else ""
    if layer == 0:
        return f"{block}SELECT range AS id, range * {index + 1} % 97 AS value FROM range({rows})"
    upstreams = sorted({index, (index + 1) % per_layer})
    parts = [f'SELECT id, value FROM {{{{ Ref("layer_{layer - 1}.model_{upstream}") }}}}' for upstream in upstreams]
    return f"{block}SELECT id, sum(value) % 97 AS value FROM ({' UNION ALL '.join(parts)}) GROUP BY id"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
