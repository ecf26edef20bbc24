"""The engines: one line each."""

from dagscope.dag.connections.base import Connection, ConnectionDetails, Session
from dagscope.dag.connections.duckdb.connection import DuckDBConnection
from dagscope.dag.connections.postgres.connection import PostgresConnection
from dagscope.dag.connections.relation_kind import RelationKind

ENGINES: dict[str, type[Connection]] = {engine.engine: engine for engine in (DuckDBConnection, PostgresConnection)}
"""Connection types by the `type` that config.yaml gives them."""

__all__ = ["ENGINES", "Connection", "ConnectionDetails", "RelationKind", "Session"]
