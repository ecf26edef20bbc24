"""The engines: one line each."""

from dag.connections.base import Connection, ConnectionDetails, RelationKind, Session
from dag.connections.duckdb import DuckDBConnection
from dag.connections.postgres import PostgresConnection

ENGINES: dict[str, type[Connection]] = {engine.engine: engine for engine in (DuckDBConnection, PostgresConnection)}
"""Connection types by the `type` that config.yaml gives them."""

__all__ = ["ENGINES", "Connection", "ConnectionDetails", "RelationKind", "Session"]
