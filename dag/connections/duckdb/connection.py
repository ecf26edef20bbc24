"""DuckDB: the embedded default engine."""

import os
import re
import threading
from collections.abc import Container, Hashable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import duckdb
import pyarrow as pa
from pydantic import Field, model_validator

from dagscope.dag.connections.arrow_types import WatchedRows, unique_names
from dagscope.dag.connections.base import Connection, ConnectionDetails, RelationKind, Session, create_index
from dagscope.dag.connections.duckdb import types as duckdb_types
from dagscope.dag.connections.duckdb.errors import error_offset
from dagscope.dag.connections.duckdb.search_path import SearchPath
from dagscope.dag.events.statements import SentStatement, StatementLog, unheard
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, ConnectionFailed, StatementFailed
from dagscope.dag.ground.frames import batch_rows
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Keys, Materialization, NoneIsEmpty, Text, environment_value
from dagscope.dag.model.relation_names import identifier, identifiers, relation
from dagscope.dag.model.templates import sql_literal
from dagscope.dag.redaction.sql_secrets import is_secret_name, secrets_in

MEMORY = ":memory:"


class ExtraParam(Keys):
    """A database setting, its value written out or taken from an environment variable."""

    name: str
    value: Text | None = None
    value_env: str | None = None

    @model_validator(mode="after")
    def _one_value(self) -> "ExtraParam":
        if (self.value is None) == (self.value_env is None):
            raise ValueError(f'parameter "{self.name}" needs either "value" or "value_env"')
        if self.value_env is not None:
            environment_value("value_env", self.value_env)
        return self

    @property
    def is_secret(self) -> bool:
        """What comes from the environment, and what is called a secret."""
        return self.value_env is not None or is_secret_name(self.name)

    def current_value(self) -> str:
        return self.value if self.value is not None else os.environ[self.value_env or ""]


class DuckDBConfig(Keys):
    """The `config` of a connection of type duckdb; without a path the database lives in memory."""

    path: str | None = None
    path_env: str | None = None
    extensions: Annotated[list[str], NoneIsEmpty] = []
    extra_params: Annotated[list[ExtraParam], NoneIsEmpty] = Field([], alias="extraParams")

    @model_validator(mode="after")
    def _one_path(self) -> "DuckDBConfig":
        if self.path is not None and self.path_env is not None:
            raise ValueError('give either "path" or "path_env", not both')
        if self.path_env is not None:
            environment_value("path_env", self.path_env)
        return self


class DuckDBConnection(Connection):
    """A DuckDB database file, or one in memory that lives as long as the connection is open."""

    engine: ClassVar[str] = "duckdb"
    Config: ClassVar[type[Keys]] = DuckDBConfig

    def __init__(self, name: str, path: str, folder: Path, extensions: list[str], settings: dict[str, str]) -> None:
        super().__init__(name)
        self.path, self._folder = path, folder
        self._extensions, self._settings = extensions, settings
        self._secrets: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._schema_lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._search_path: SearchPath | None = None

    @classmethod
    def from_config(cls, name: str, config: Any, folder: Path) -> Self:
        path = config.path or (os.environ[config.path_env] if config.path_env else MEMORY)
        settings = {param.name: param.current_value() for param in config.extra_params}
        connection = cls(name, path, folder, config.extensions, settings)
        connection._secrets = frozenset(p.current_value() for p in config.extra_params if p.is_secret)
        connection._secrets |= secrets_in(path).union(*map(secrets_in, settings.values()))
        return connection

    @property
    def identity(self) -> Hashable:
        settings = tuple(sorted(self._settings.items()))
        return (self.engine, self.name, self.path, self._folder, tuple(self._extensions), settings)

    @property
    def secrets(self) -> frozenset[str]:
        return self._secrets

    @property
    def taken_schemas(self) -> frozenset[str]:
        # `x.t` is ambiguous where a database (named after its file) and a schema are both called x
        database = "memory" if self.path == MEMORY else Path(self.path).stem.lower()
        return frozenset({database, "temp", "system", "information_schema", "pg_catalog"})

    @property
    def _file(self) -> Path | None:
        return None if self.path == MEMORY else self._folder / self.path

    @property
    def is_open(self) -> bool:
        return self._database is not None

    @property
    def details(self) -> ConnectionDetails:
        return ConnectionDetails(path=self.path.partition("?")[0], extensions=tuple(self._extensions))

    @property
    def outlives_closing(self) -> bool:
        return self.path != MEMORY

    def connect(self) -> None:
        with self._lock:
            if self._database is None:
                self._database = self._open_in_folder()

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
        # Relative paths in SQL are the project's; only `config` is inherited by cursors (SET would not be).
        config: dict[str, str | bool | int | float | list[str]] = {"file_search_path": search_path, **core}
        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            database = duckdb.connect(str(file or MEMORY), config=config)
        except (duckdb.Error, OSError) as error:
            raise ConnectionFailed(self.name, self._open_failure(error)) from error
        try:
            # A table's name must never be taken for one of dagscope's own Python variables.
            database.execute("SET GLOBAL python_enable_replacements = false")
            for extension in self._extensions:
                _load_extension(database, extension)
            for name in self._settings.keys() - core.keys():
                database.execute(f"SET GLOBAL {identifier(name)} = {sql_literal(self._settings[name])}")
        except duckdb.Error as error:
            database.close()
            raise ConnectionFailed(self.name, str(error)) from error
        return database

    def _open_failure(self, error: Exception) -> str:
        text = str(error)
        if "Could not set lock on file" in text:
            holder = re.search(r"\(PID (\d+)\)", text)
            by = f"process {holder[1]}" if holder else "another process"
            return f"database file {self.path} is locked by {by}; close it there, then run again"
        return f"cannot open database file {self.path}: {text}"

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
            if self._search_path is not None:
                self._search_path.close()
                self._search_path = None

    @contextmanager
    def session(
        self, cancellation: Cancellation | None = None, statements: StatementLog | None = None
    ) -> Iterator[Session]:
        with self._in_use():
            self.connect()
            with self._lock:
                if self._database is None:
                    raise ConnectionFailed(self.name, "closed while a session was being opened")
                cursor = self._database.cursor()
            try:
                statements = statements or unheard()
                yield DuckDBSession(self.name, cursor, cancellation or Cancellation(), self._schema_lock, statements)
            finally:
                cursor.close()

    def compiled(self, asset: Asset, sql: str, existing: RelationKind | None) -> str:
        return ";\n".join(_statements(asset, sql, existing))

    def relations(self) -> dict[str, RelationKind]:
        file = self._file
        if self._database is None and (file is None or not file.exists()):
            return {}
        with self.session() as session:
            rows = session.read(
                "SELECT schema_name || '.' || table_name AS name, 'table' AS kind FROM duckdb_tables() "
                "UNION ALL SELECT schema_name || '.' || view_name, 'view' FROM duckdb_views() WHERE NOT internal"
            ).read_all()
        names, kinds = rows.column("name").to_pylist(), rows.column("kind").to_pylist()
        return {name: RelationKind(kind) for name, kind in zip(names, kinds, strict=True)}


class DuckDBSession(Session):
    """One cursor of a DuckDB database."""

    def __init__(
        self,
        connection: str,
        cursor: duckdb.DuckDBPyConnection,
        cancellation: Cancellation,
        schema_lock: threading.Lock,
        statements: StatementLog,
    ) -> None:
        self._connection, self._cursor = connection, cursor
        self._cancellation, self._schema_lock = cancellation, schema_lock
        self._statements = statements
        if statements.profiles:
            cursor.execute("SET enable_profiling = 'no_output'")

    @contextmanager
    def _running(self) -> Iterator[None]:
        """DuckDB's errors as dagscope's, and an interrupt as a cancellation."""
        try:
            with self._cancellation.interrupting(self._cursor.interrupt):
                yield
        except (duckdb.Error, pa.ArrowInvalid) as error:
            if self._cancellation.is_requested:
                raise Cancelled from error
            raise StatementFailed(self._connection, str(error)) from error

    @contextmanager
    def _sending(self, sql: str) -> Iterator[SentStatement]:
        """The same for a statement that is sent now."""
        with self._running():
            sent = self._statements.sent(self._connection, sql)
            with self._working_on(sent, sql):
                yield sent
            self._profile(sent)

    @contextmanager
    def _working_on(self, sent: SentStatement, sql: str) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, pa.ArrowInvalid, OSError) as error:
            sent.failed(str(error), sql, error_offset(sql, str(error)))
            raise
        finally:
            sent.paused()

    def _profile(self, sent: SentStatement) -> None:
        """What DuckDB tells of a statement that it is done with."""
        if self._statements.profiles:
            profile = self._cursor.get_profiling_information(format="json")
            sent.profile = profile if '"query"' in profile else None  # of a COMMIT, for one, there is none

    def execute(self, sql: str) -> int:
        with self._sending(sql) as sent:
            result = self._cursor.execute(sql)
            first = result.fetchone() if [column[0] for column in result.description or ()] == ["Count"] else None
            result.complete()  # an unread result would keep the cursor busy
            sent.rows = first[0] if first and isinstance(first[0], int) else None  # a SELECT may have any "Count"
            return sent.rows or 0

    def scalar(self, sql: str) -> Any:
        with self._sending(sql) as sent:
            rows = self._cursor.execute(sql).fetchall()
            sent.rows = len(rows)
            return rows[0][0] if rows else None

    def _roll_back(self) -> None:
        """After an error, which is the one to tell, or a read; whether it was cancelled or not."""
        sql = "ROLLBACK"
        with suppress(duckdb.Error), self._working_on(self._statements.sent(self._connection, sql), sql):
            self._cursor.execute(sql)

    def read(self, sql: str) -> pa.RecordBatchReader:
        with self._sending(sql) as sent:
            rows = self._cursor.sql(sql)
            if rows is None:
                raise StatementFailed(self._connection, "the statement gives no rows")
            sent.rows = 0
            types = rows.types
            projection = duckdb_types.export_projection(rows.columns, types)
            reader = (rows.project(projection) if projection else rows).to_arrow_reader(batch_rows(len(types)))
        schema = duckdb_types.described(reader.schema, types)
        return pa.RecordBatchReader.from_batches(schema, self._batches(reader, schema, sent, sql))

    def _batches(
        self, reader: pa.RecordBatchReader, schema: pa.Schema, sent: SentStatement, sql: str
    ) -> Iterator[pa.RecordBatch]:
        while True:
            try:
                with self._running(), self._working_on(sent, sql):
                    sent.began()
                    batch = reader.read_next_batch()
            except StopIteration:
                self._profile(sent)
                return
            except (pa.ArrowInvalid, OSError) as error:  # DuckDB's error while rows are under way
                self._cancellation.check()
                raise StatementFailed(self._connection, str(error)) from error
            sent.rows = (sent.rows or 0) + batch.num_rows
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    @contextmanager
    def selecting(self, sql: str, inputs: Mapping[str, pa.RecordBatchReader]) -> Iterator[pa.RecordBatchReader]:
        for table, rows in inputs.items():  # a cursor's own tables come before all others of their names
            self._create_table(f"TEMPORARY TABLE {table}", rows)
        with self.snapshot():
            yield self.read(f"SELECT * FROM ({sql}\n) AS selected")

    def write(self, table: str, rows: pa.RecordBatchReader) -> int:
        return self._create_table(f"TABLE {table}", rows)

    def _create_table(self, table: str, rows: pa.RecordBatchReader) -> int:
        columns = unique_names(rows.schema.names)
        projection = duckdb_types.import_projection(rows.schema, columns)
        watched = WatchedRows(rows)
        with watched.telling_cause(), self._running():
            self._cursor.register("_rows_to_write", watched.reader)
            try:
                return self.execute(f"CREATE OR REPLACE {table} AS SELECT {projection} FROM _rows_to_write")
            finally:
                self._cursor.unregister("_rows_to_write")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.execute("BEGIN TRANSACTION")
        try:
            yield
        finally:
            self._roll_back()  # nothing was written

    def relation_kind(self, asset: str) -> RelationKind | None:
        stage, model = asset.split(".", 1)
        is_view = self.scalar(  # a view is one even if it can no longer be read
            "SELECT true FROM duckdb_views() WHERE database_name = current_database() "
            f"AND lower(schema_name) = lower({sql_literal(stage)}) AND lower(view_name) = lower({sql_literal(model)})"
        )
        if is_view:
            return RelationKind.VIEW
        try:  # the catalogue's list of tables takes 3 ms among 1,000 relations, this 0.3 ms
            self.execute(f"SELECT 1 FROM {relation(asset)} LIMIT 0")
        except StatementFailed:
            return None
        return RelationKind.TABLE

    def create_schema(self, stage: str) -> None:
        with self._schema_lock:  # DuckDB lets only one of two concurrent CREATE SCHEMA win, and fails the other
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(stage)}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self.execute("COMMIT")

    def is_conflict(self, error: Exception) -> bool:
        return isinstance(error.__cause__, duckdb.TransactionException)

    def materialize(
        self,
        asset: Asset,
        sql: str,
        existing: RelationKind | None,
        remade: Container[str],  # noqa: ARG002  views hold on to nothing in DuckDB
    ) -> int | None:
        """A relation of the other kind under the name is found out when DuckDB refuses to replace it."""
        try:
            return self._replace(asset, sql, existing)
        except StatementFailed as error:
            if existing is not None or not _OF_ANOTHER_TYPE.search(error.reason):
                raise
            return self._replace(asset, sql, _OTHER_KIND[asset.materialization])

    def _replace(self, asset: Asset, sql: str, existing: RelationKind | None) -> int | None:
        first, *rest = _statements(asset, sql, existing)
        with self.transaction() if rest else nullcontext():  # a lone statement is a transaction of its own
            rows = self.execute(first)
            for statement in rest:
                rows = max(rows, self.execute(statement))
        return None if asset.materialization is Materialization.VIEW else rows


_OF_ANOTHER_TYPE = re.compile(r"^Catalog Error: Existing object .* is of type ")
_OTHER_KIND = {
    Materialization.TABLE: RelationKind.VIEW,
    Materialization.INCREMENTAL: RelationKind.VIEW,
    Materialization.VIEW: RelationKind.TABLE,
}


def _statements(asset: Asset, sql: str, existing: RelationKind | None) -> list[str]:
    """The statements that materialize the asset over what stands under its name now; all of one transaction.

    The query follows `AS` on the same line, so that the line numbers in a database's errors are the query's own.
    """
    name = relation(asset.name)
    match asset.materialization:
        case Materialization.VIEW:
            drop = [f"DROP TABLE {name}"] if existing is RelationKind.TABLE else []
            return [*drop, f"CREATE OR REPLACE VIEW {name} AS {sql}"]
        case Materialization.INCREMENTAL if existing is RelationKind.TABLE:
            return [f"INSERT INTO {name} {sql}"]
        case Materialization.TABLE | Materialization.INCREMENTAL:
            drop = [f"DROP VIEW {name}"] if existing is RelationKind.VIEW else []
            return [*drop, f"CREATE OR REPLACE TABLE {name} AS {sql}", *_keys(asset)]
        case _:
            return [sql]


def _keys(asset: Asset) -> list[str]:
    made = []
    if asset.primary_key_fields:
        made.append(f"ALTER TABLE {relation(asset.name)} ADD PRIMARY KEY ({identifiers(asset.primary_key_fields)})")
    return made + [create_index(asset, index) for index in asset.indexes]


def _load_extension(database: duckdb.DuckDBPyConnection, extension: str) -> None:
    try:
        database.load_extension(extension)
    except duckdb.Error:  # not on this machine yet
        database.install_extension(extension)
        database.load_extension(extension)


def _core_settings() -> frozenset[str]:
    """Names of the settings that DuckDB itself knows; some of them can only be given when opening a database."""
    with duckdb.connect(MEMORY) as database:
        return frozenset(name for (name,) in database.execute("SELECT name FROM duckdb_settings()").fetchall())
