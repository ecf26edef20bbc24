"""DuckDB: the embedded default engine."""

import re
import threading
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import duckdb

from dagscope.dag.connections.base import Connection, ConnectionDetails, Session
from dagscope.dag.connections.duckdb.config import DuckDBConfig
from dagscope.dag.connections.duckdb.database_file import DatabaseFile
from dagscope.dag.connections.duckdb.dialect import DIALECT
from dagscope.dag.connections.duckdb.instance import Instance
from dagscope.dag.connections.duckdb.materializations import MATERIALIZATIONS
from dagscope.dag.connections.duckdb.profiles import profile_tree
from dagscope.dag.connections.duckdb.search_path import SearchPath
from dagscope.dag.connections.duckdb.session import DuckDBSession
from dagscope.dag.connections.materializations import Materializations
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.events.statements import ProfileNode, StatementLog, of_no_node
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.ground.process_of_runs import server_of
from dagscope.dag.model.file_shapes import Keys
from dagscope.dag.redaction.sql_secrets import secrets_in

MEMORY = ":memory:"


class DuckDBConnection(Connection):
    """A DuckDB database file, or an in-memory database that exists while the connection is open."""

    engine: ClassVar[str] = "duckdb"
    has_profiles: ClassVar[bool] = True
    Config: ClassVar[type[Keys]] = DuckDBConfig
    materializations: ClassVar[Materializations] = MATERIALIZATIONS

    def __init__(self, name: str, path: str, folder: Path, extensions: list[str], settings: dict[str, str]) -> None:
        super().__init__(name)
        self.path, self._folder = path, folder
        self._extensions, self._settings = extensions, settings
        self._secrets: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._schema_lock = threading.Lock()
        self._instance: Instance | None = None
        self._search_path: SearchPath | None = None

    @classmethod
    def from_config(cls, name: str, config: Keys, folder: Path) -> Self:
        assert isinstance(config, DuckDBConfig)
        path = config.current_path() or MEMORY
        settings = {param.name: param.current_value() for param in config.extra_params}
        connection = cls(name, path, folder, config.extensions, settings)
        connection._secrets = frozenset(p.current_value() for p in config.extra_params if p.is_secret)
        connection._secrets = connection._secrets.union(secrets_in(path), *map(secrets_in, settings.values()))
        return connection

    @property
    def identity(self) -> Hashable:
        settings = tuple(sorted(self._settings.items()))
        return (self.engine, self.name, self.path, self._folder, tuple(self._extensions), settings)

    @property
    def secrets(self) -> frozenset[str]:
        return self._secrets

    @property
    def settings(self) -> Mapping[str, str]:
        extensions = {"extensions": ", ".join(self._extensions)} if self._extensions else {}
        return {"path": self.path, **extensions, **self._settings}

    @property
    def taken_schemas(self) -> frozenset[str]:
        # `x.t` is ambiguous if a database (named after its file) and a schema are both called x
        database = "memory" if self.path == MEMORY else Path(self.path).stem.lower()
        return frozenset({database, "temp", "system", "information_schema", "pg_catalog"})

    @property
    def _file(self) -> Path | None:
        return None if self.path == MEMORY else self._folder / self.path

    @property
    def is_open(self) -> bool:
        return self._instance is not None

    @property
    def details(self) -> ConnectionDetails:
        return ConnectionDetails(path=self.path.partition("?")[0], extensions=tuple(self._extensions))

    @property
    def outlives_closing(self) -> bool:
        return self.path != MEMORY

    def connect(self) -> None:
        with self._lock:
            self._connected()

    def _connected(self) -> Instance:
        """The open database; one whose file is lost is opened again, unless a session still uses it."""
        if self._instance is not None and not self._instance.users and self._instance.is_lost:
            self._close()
        if self._instance is None:
            self._instance = Instance(self._open_in_folder(), DatabaseFile.at(self._file))
        return self._instance

    def _open_in_folder(self) -> duckdb.DuckDBPyConnection:
        try:
            self._search_path = search_path = SearchPath(self._folder)
        except OSError as error:
            raise ConnectionFailed(self.name, self._open_failure(error)) from error
        try:
            return self._open(search_path.path)
        except BaseException:
            search_path.close()
            raise

    def _open(self, search_path: str) -> duckdb.DuckDBPyConnection:
        file = self._file
        core = {name: value for name, value in self._settings.items() if name.lower() in _core_settings()}
        # Relative paths in SQL refer to the project; cursors inherit only `config`, not what SET changes.
        config: dict[str, str | bool | int | float | list[str]] = {"file_search_path": search_path, **core}
        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            database = duckdb.connect(str(file or MEMORY), config=config)
        except (duckdb.Error, OSError) as error:
            raise ConnectionFailed(self.name, self._open_failure(error)) from error
        try:
            # A table's name must never be resolved to one of dagscope's own Python variables.
            database.execute("SET GLOBAL python_enable_replacements = false")
            for extension in self._extensions:
                _load_extension(database, extension)
            for name in self._settings.keys() - core.keys():
                database.execute(f"SET GLOBAL {DIALECT.identifier(name)} = {DIALECT.literal(self._settings[name])}")
        except duckdb.Error as error:
            database.close()
            raise ConnectionFailed(self.name, str(error)) from error
        return database

    def _open_failure(self, error: Exception) -> str:
        text = str(error)
        if "Could not set lock on file" in text:
            holder = re.search(r"\(PID (\d+)\)", text)
            by = f"process {server_of(int(holder[1]))}" if holder else "another process"
            return f"database file {self.path} is locked by {by}; close it there, then run again"
        return f"cannot open database file {self.path}: {text}"

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._instance is not None:
            self._instance.database.close()
            self._instance = None
        if self._search_path is not None:
            self._search_path.close()
            self._search_path = None

    @contextmanager
    def session(
        self, cancellation: Cancellation | None = None, statements: StatementLog | None = None
    ) -> Iterator[Session]:
        with self._in_use():
            with self._lock:
                instance = self._connected()
                self._refuse_lost(instance)
                cursor = instance.database.cursor()
                instance.users += 1
            cancellation, statements = cancellation or Cancellation(), statements or of_no_node()
            session = DuckDBSession(self.name, cursor, cancellation, self._schema_lock, instance, statements)
            try:
                yield session
            finally:
                cursor.close()
                instance.leave(session)
                with self._lock:
                    instance.users -= 1
            if session.has_executed:
                self._refuse_lost(instance)
        self._open_anew_if_stale(instance)

    def _refuse_lost(self, instance: Instance) -> None:
        if instance.is_lost:
            what = f"database file {self.details.path} was deleted, moved or replaced while it was in use"
            raise ConnectionFailed(self.name, f"{what}, so what was written to it is lost; run the assets again")

    def _open_anew_if_stale(self, instance: Instance) -> None:
        """Close a database that has a session's changes that cannot be undone, once no session uses it."""
        with self._use:
            if instance.is_stale and instance is self._instance and not self._sessions and self.outlives_closing:
                self.close()

    def profile_tree(self, profile: Any) -> ProfileNode | None:
        return profile_tree(profile)

    def relations(self, cancellation: Cancellation | None = None) -> dict[str, RelationKind]:
        file = self._file
        if self._instance is None and (file is None or not file.exists()):
            return {}
        with self.session(cancellation) as session:
            rows = session.read(
                "SELECT schema_name || '.' || table_name AS name, 'table' AS kind FROM duckdb_tables() "
                "WHERE database_name = current_database() "
                "UNION ALL SELECT schema_name || '.' || view_name, 'view' FROM duckdb_views() "
                "WHERE NOT internal AND database_name = current_database()"
            ).read_all()
        names, kinds = rows.column("name").to_pylist(), rows.column("kind").to_pylist()
        return {name: RelationKind(kind) for name, kind in zip(names, kinds, strict=True)}


def _load_extension(database: duckdb.DuckDBPyConnection, extension: str) -> None:
    try:
        database.load_extension(extension)
    except duckdb.Error:  # not installed on this machine yet
        database.install_extension(extension)
        database.load_extension(extension)


def _core_settings() -> frozenset[str]:
    """Names of DuckDB's built-in settings; some of them can only be set when a database is opened."""
    with duckdb.connect(MEMORY) as database:
        return frozenset(name for (name,) in database.execute("SELECT name FROM duckdb_settings()").fetchall())
