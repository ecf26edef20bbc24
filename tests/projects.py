"""Small projects for tests."""

import os
import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"

CONFIG = """\
version: 1.0.0
module: example.com/small
connections:
  - name: duck
    type: duckdb
    config:
      path: store/small.duckdb
"""

TWO_DATABASES = """\
connections:
  - name: duck
    type: duckdb
    config: {{path: store/duck.duckdb}}
  - name: shop
    type: postgres
    config: {{host: {host}, port: {port}, user: {user}, password: {password}, database: {database}}}
"""
"""A `config.yaml` of a DuckDB file and a PostgreSQL server, to be filled with the server's parameters."""

DUCKDB_AND_SPARK = """\
connections:
  - name: duck
    type: duckdb
    config: {{path: store/duck.duckdb}}
  - name: lake
    type: spark
    config: {{host: {host}, port: {port}, token: {token}}}
"""
"""The same of a DuckDB file and a Spark Connect server."""

PROFILE = """\
version: 1.0.0
name: small
connection: duck
"""


def copy_example(name: str, folder: Path) -> Path:
    """A fresh copy of an example project."""
    ignore = shutil.ignore_patterns(".dagscope", "store", "__pycache__")
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=ignore))


def write_project(folder: Path, files: dict[str, str]) -> Path:
    """A project with one DuckDB connection named `duck` and the given files by path."""
    return write_files(folder, {"config.yaml": CONFIG, "profile.yaml": PROFILE, **files})


def write_files(folder: Path, files: dict[str, str]) -> Path:
    """The folder with these files by path."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def save_at_once(file: Path, text: str) -> None:
    """Save a text of the same size in the same file, with the same time of modification."""
    before = file.stat()
    assert len(text) == before.st_size
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def model(name: str) -> str:
    """The path of a model's file."""
    return f"assets/models/{name.replace('.', '/')}.sql"


def raw(name: str) -> str:
    """The path of a raw asset's file."""
    return f"assets/models/{name.replace('.', '/')}.py"


def block(text: str) -> str:
    """A profile block with the given YAML."""
    return '{{ define "profile.yaml" }}\n' + text + "\n{{ end }}\n"


ONE_AFTER_ANOTHER = """\
name: p
connection: duck
models:
  stages:
    - name: s
      models:
        - name: a
          materialization: raw
        - name: b
          materialization: raw
          raw_upstreams: [s.a]
"""
"""A profile.yaml in which the raw asset s.b comes after s.a."""

SLOW_SQL = "SELECT count(*) AS n FROM range(100000000) AS a, range(1000) AS b WHERE a.range * b.range % 7 = 3"
"""A query that takes minutes and that DuckDB can interrupt."""


def on_engine(engine: str, config: dict[str, str] | None = None) -> dict[str, str]:
    """The config.yaml and profile.yaml of a project whose only connection, `db`, is of that engine."""
    values = config if config is not None else {"path": "store/both.duckdb"}
    written = "".join(f"      {key}: '{value}'\n" for key, value in values.items())
    connection = f"connections:\n  - name: db\n    type: {engine}\n    config:\n{written}"
    return {"config.yaml": connection, "profile.yaml": PROFILE.replace("duck", "db")}
