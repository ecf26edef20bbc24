"""The engines: one line each."""

from dag.connections.base import Connection, RelationKind, Session
from dag.connections.duckdb import DuckDBConnection

ENGINES: dict[str, type[Connection]] = {engine.engine: engine for engine in (DuckDBConnection,)}
"""Connection types by the `type` that config.yaml gives them."""

__all__ = ["ENGINES", "Connection", "RelationKind", "Session"]
