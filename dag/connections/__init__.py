"""Databases: the interface of an engine, and the engines."""

from dagscope.dag.connections.base import Connection, ConnectionDetails, Queries, Session
from dagscope.dag.connections.engines import ENGINES, engine_of, known_engines
from dagscope.dag.connections.relation_kind import RelationKind

__all__ = [
    "ENGINES",
    "Connection",
    "ConnectionDetails",
    "Queries",
    "RelationKind",
    "Session",
    "engine_of",
    "known_engines",
]
