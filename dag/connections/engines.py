"""Engines by their `type` in config.yaml: dagscope's own, one line each, and those of other packages.

Another package provides an engine with an entry point in the group `dagscope.engines`: its name is the type, its object
the engine's `Connection`. The engine is imported when a project first names the type.
"""

from importlib.metadata import EntryPoint, entry_points

from dagscope.dag.connections.base import Connection
from dagscope.dag.connections.duckdb.connection import DuckDBConnection
from dagscope.dag.connections.postgres.connection import PostgresConnection
from dagscope.dag.connections.spark.connection import SparkConnection
from dagscope.dag.ground.errors import EngineUnusable

ENGINES: dict[str, type[Connection]] = {
    engine.engine: engine for engine in (DuckDBConnection, PostgresConnection, SparkConnection)
}
"""The engines in this folder."""

GROUP = "dagscope.engines"


def known_engines() -> frozenset[str]:
    """Every type that a connection can have in this installation."""
    return frozenset(ENGINES) | entry_points(group=GROUP).names


def engine_of(type_: str) -> type[Connection] | None:
    """The engine of that type, or None. Raises `EngineUnusable` if another package's engine cannot be used."""
    if type_ in ENGINES:
        return ENGINES[type_]
    found = tuple(entry_points(group=GROUP, name=type_))
    if not found:
        return None
    if len(found) > 1:
        packages = " and ".join(sorted(map(_package, found)))
        raise EngineUnusable(f'connection type "{type_}" is provided by {packages}; uninstall one of them')
    return _loaded(found[0])


def _loaded(entry: EntryPoint) -> type[Connection]:
    try:
        engine = entry.load()
    except Exception as error:  # the package's own code runs, and may raise anything
        raise _unusable(entry, f"{type(error).__name__}: {error}") from error
    if not (isinstance(engine, type) and issubclass(engine, Connection)):
        raise _unusable(entry, f"{entry.value} is not a Connection")
    if engine.engine != entry.name:
        raise _unusable(entry, f'{entry.value} calls itself "{engine.engine}"')
    return engine


def _unusable(entry: EntryPoint, reason: str) -> EngineUnusable:
    package = _package(entry)
    failure = f'connection type "{entry.name}" of the package {package} cannot be used: {reason}'
    return EngineUnusable(f"{failure}; update or reinstall {package}")


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module
