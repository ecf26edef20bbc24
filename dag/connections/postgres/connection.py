"""PostgreSQL (docs/connections.md). Its drivers are imported when a project first connects."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from dagscope.dag.connections.base import Connection, ConnectionDetails, RelationKind, Session, create_index
from dagscope.dag.connections.postgres import relations
from dagscope.dag.events.statements import StatementLog, unheard
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Keys, Materialization, Text, environment_value
from dagscope.dag.model.relation_names import identifiers, relation
from dagscope.dag.redaction.sql_secrets import secrets_in

if TYPE_CHECKING:
    import psycopg
    from adbc_driver_manager import dbapi
    from psycopg_pool import ConnectionPool

_CONNECT_TIMEOUT_S = 10
_BUSY_TIMEOUT_S = 60.0  # how long to wait for a connection that others use
_PROBE_AFTER_S = 1.0
_DEFAULT_CONNECTIONS = 4  # Teal's
_APPLICATION = "dagscope"

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

_Port = Annotated[int, Field(ge=1, le=65_535)]

_TIMEOUT = r"\d+ ?(us|ms|s|min|h|d)?"

_Timeout = Annotated[str, BeforeValidator(str), StringConstraints(pattern=f"^{_TIMEOUT}$")]

_FORMS = {
    "port": (re.compile(r"\d{1,5}"), 'whole number ("{key}_env")'),
    "pool_max_conns": (re.compile(r"\d{1,5}"), 'whole number ("{key}_env")'),
    "statement_timeout": (re.compile(_TIMEOUT), 'duration ("{key}_env"); write it as 30s or 5min'),
    "db_sslnmode": (
        re.compile("|".join(get_args(SslMode))),
        'SSL mode ("{key}_env"); known: ' + ", ".join(sorted(get_args(SslMode))),
    ),
}
"""What a value from the environment must look like, and what it is called; pydantic checks those written out."""


class PostgresConfig(Keys):
    """The `config` of a connection of type postgres: Teal's keys, and `statement_timeout`.

    Each key can also be given as `<key>_env`, the name of an environment variable. Files are relative to the project.
    """

    host: Text | None = None
    host_env: str | None = None
    port: _Port | None = None
    port_env: str | None = None
    database: Text | None = None
    database_env: str | None = None
    user: Text | None = None
    user_env: str | None = None
    password: Text | None = None
    password_env: str | None = None
    db_root_cert: str | None = None
    db_root_cert_env: str | None = None
    db_cert: str | None = None
    db_cert_env: str | None = None
    db_key: str | None = None
    db_key_env: str | None = None
    db_sslnmode: SslMode | None = None
    db_sslnmode_env: str | None = None
    pool_max_conns: Annotated[int, Field(ge=0)] | None = None
    pool_max_conns_env: str | None = None
    statement_timeout: _Timeout | None = None
    statement_timeout_env: str | None = None

    @model_validator(mode="after")
    def _one_value_each(self) -> PostgresConfig:
        for key in type(self).model_fields:
            if key.endswith("_env") and (variable := getattr(self, key)) is not None:
                plain = key.removesuffix("_env")
                if getattr(self, plain) is not None:
                    raise ValueError(f'give either "{plain}" or "{key}", not both')
                environment_value(key, variable)
        return self

    @model_validator(mode="after")
    def _values_from_environment(self) -> PostgresConfig:
        for key, (fits, what) in _FORMS.items():
            variable = getattr(self, f"{key}_env")
            if variable is not None and not fits.fullmatch(environment_value(f"{key}_env", variable)):
                raise ValueError(f'environment variable "{variable}" is no {what.format(key=key)}')
        return self

    def value(self, key: str) -> Any:
        """What was given for the key, written out or in the environment; None where nothing was."""
        variable = getattr(self, f"{key}_env")
        return os.environ[variable] if variable is not None else getattr(self, key)


class PostgresConnection(Connection):
    """A PostgreSQL database: a pool of connections for statements, and as many for rows in bulk."""

    engine: ClassVar[str] = "postgres"
    Config: ClassVar[type[Keys]] = PostgresConfig

    def __init__(self, name: str, parameters: dict[str, Any], max_connections: int) -> None:
        """`parameters` are libpq's, the password among them."""
        super().__init__(name)
        self._parameters, self._max_connections = parameters, max_connections
        self._bulk_places = threading.BoundedSemaphore(max_connections)
        self._lock = threading.Lock()
        self._pool: ConnectionPool[psycopg.Connection[Any]] | None = None
        self._root: dbapi.Connection | None = None

    @classmethod
    def from_config(cls, name: str, config: Any, folder: Path) -> Self:
        files = {
            option: str(folder / path)
            for option, key in (("sslrootcert", "db_root_cert"), ("sslcert", "db_cert"), ("sslkey", "db_key"))
            if (path := config.value(key))
        }
        timeout = config.value("statement_timeout")
        given = {
            "dbname": config.value("database"),
            "user": config.value("user"),
            "password": config.value("password"),
            "sslmode": config.value("db_sslnmode"),
            "options": f"-c statement_timeout={timeout.replace(' ', '')}" if timeout else None,
        }
        parameters = {
            "host": config.value("host") or "localhost",
            "port": int(config.value("port") or 5432),
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "application_name": _APPLICATION,
            **files,
            **{option: value for option, value in given.items() if value is not None},
        }
        return cls(name, parameters, int(config.value("pool_max_conns") or 0) or _DEFAULT_CONNECTIONS)

    @property
    def identity(self) -> Hashable:
        return (self.engine, self.name, tuple(sorted(self._parameters.items())), self._max_connections)

    @property
    def taken_schemas(self) -> frozenset[str]:
        return frozenset({"information_schema", "pg_catalog", "pg_toast"})

    @property
    def secrets(self) -> frozenset[str]:
        passwords = (self._parameters.get("password"), os.environ.get("PGPASSWORD"))
        strings = (value for value in self._parameters.values() if isinstance(value, str))
        return frozenset(password for password in passwords if password).union(*map(secrets_in, strings))

    @property
    def _place(self) -> str:
        host, port = self._parameters["host"], self._parameters["port"]
        return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"

    @property
    def is_open(self) -> bool:
        return self._pool is not None

    @property
    def details(self) -> ConnectionDetails:
        given = self._parameters
        return ConnectionDetails(
            host=given["host"], port=given["port"], database=given.get("dbname"), user=given.get("user")
        )

    def connect(self) -> None:
        with self._lock:
            if self._pool is None:
                self._probe()
                self._pool = self._opened_pool()

    def _probe(self) -> None:
        """Connect and leave again, to learn why it does not work: a pool only tells that it had to wait."""
        import psycopg

        try:
            psycopg.connect(**self._parameters, autocommit=True).close()
        except psycopg.Error as error:
            raise self._connection_failed(str(error)) from None  # the cause would carry the parameters

    def _opened_pool(self) -> ConnectionPool[psycopg.Connection[Any]]:
        import psycopg
        from psycopg_pool import ConnectionPool

        pool = ConnectionPool(
            kwargs={**self._parameters, "autocommit": True, "prepare_threshold": None},
            connection_class=psycopg.Connection[Any],
            min_size=0,
            max_size=self._max_connections,
            max_idle=60.0,
            reconnect_timeout=_PROBE_AFTER_S,
            check=ConnectionPool.check_connection,
            reset=_forget_session,
            open=False,
            name=self.name,
        )
        pool.open()
        return pool

    def close(self) -> None:
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None
            if self._root is not None:
                self._root.close()
                self._root = None

    @contextmanager
    def session(
        self, cancellation: Cancellation | None = None, statements: StatementLog | None = None
    ) -> Iterator[Session]:
        from dagscope.dag.connections.postgres.session import PostgresSession

        with self._in_use(), self._pooled() as connection:
            cancellation, statements = cancellation or Cancellation(), statements or unheard()
            yield PostgresSession(self.name, self._place, connection, cancellation, self._bulk, statements)

    @contextmanager
    def _pooled(self) -> Iterator[psycopg.Connection[Any]]:
        self.connect()
        with self._lock:
            pool = self._pool
        if pool is None:
            raise ConnectionFailed(self.name, "closed while a session was being opened")
        connection = self._taken(pool)
        try:
            yield connection
        finally:
            pool.putconn(connection)

    def _taken(self, pool: ConnectionPool[psycopg.Connection[Any]]) -> psycopg.Connection[Any]:
        """A connection of the pool; while none comes, it is found out whether the server is gone or others use all."""
        from psycopg_pool import PoolClosed, PoolTimeout

        waited = 0.0
        while waited < _BUSY_TIMEOUT_S:
            try:
                return pool.getconn(timeout=_PROBE_AFTER_S)
            except PoolTimeout:
                self._probe()
                waited += _PROBE_AFTER_S
            except PoolClosed:
                raise ConnectionFailed(self.name, "closed while a session was being opened") from None
        raise ConnectionFailed(self.name, self._all_busy())

    def _all_busy(self) -> str:
        return (
            f"all {self._max_connections} connections have been in use for {_BUSY_TIMEOUT_S:.0f} s; "
            "raise pool_max_conns, or run with fewer workers"
        )

    def _bulk(self) -> AbstractContextManager[dbapi.Connection]:
        return self._bulk_connection()

    @contextmanager
    def _bulk_connection(self) -> Iterator[dbapi.Connection]:
        """A connection of ADBC's, in a transaction that is rolled back at the end unless it was committed."""
        import adbc_driver_manager

        if not self._bulk_places.acquire(timeout=_BUSY_TIMEOUT_S):
            raise ConnectionFailed(self.name, self._all_busy())
        try:
            try:
                connection = self._bulk_root().adbc_clone()
            except adbc_driver_manager.Error as error:
                raise self._connection_failed(str(error)) from None  # the cause would carry the parameters
            try:
                yield connection
            finally:
                connection.close()
        finally:
            self._bulk_places.release()

    def _bulk_root(self) -> dbapi.Connection:
        """The first of ADBC's connections: it reads the catalogue of types, which takes 0.2 s, for all others."""
        import adbc_driver_postgresql.dbapi
        from psycopg.conninfo import make_conninfo

        with self._lock:
            if self._root is None:
                uri = make_conninfo(**self._parameters)
                self._root = adbc_driver_postgresql.dbapi.connect(uri, autocommit=True)
            return self._root

    def _connection_failed(self, text: str) -> ConnectionFailed:
        return ConnectionFailed(self.name, connection_failure(text, self._place, self._parameters))

    def relations(self) -> dict[str, RelationKind]:
        with self.session() as session:
            rows = session.read(
                "SELECT n.nspname || '.' || c.relname AS name, "
                "CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind "
                "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' "
                "AND n.nspname <> 'information_schema'"
            ).read_all()
        names, kinds = rows.column("name").to_pylist(), rows.column("kind").to_pylist()
        return {name: RelationKind(kind) for name, kind in zip(names, kinds, strict=True)}

    def compiled(self, asset: Asset, sql: str, existing: RelationKind | None) -> str:
        name = relation(asset.name)
        match asset.materialization:
            case Materialization.VIEW:
                return f"CREATE OR REPLACE VIEW {name} AS {sql}"
            case Materialization.INCREMENTAL if existing is RelationKind.TABLE:
                return f"INSERT INTO {name} {sql}"
            case Materialization.TABLE if existing is RelationKind.TABLE:  # as long as its columns stay
                insert = f"INSERT INTO {name} {relations.GATHERED_ROWS}"
                return ";\n".join([relations.gather_rows(sql), f"DELETE FROM {name}", insert])
            case Materialization.TABLE | Materialization.INCREMENTAL:
                keys = [create_index(asset, index) for index in asset.indexes]
                if asset.primary_key_fields:
                    keys.insert(0, f"ALTER TABLE {name} ADD PRIMARY KEY ({identifiers(asset.primary_key_fields)})")
                return ";\n".join([f"CREATE TABLE {name} AS {sql}", *keys])
            case _:
                return sql


def _forget_session(connection: psycopg.Connection[Any]) -> None:
    """What one session set or left open is not the next one's; an open transaction was rolled back by the pool."""
    connection.execute("DISCARD ALL")


def connection_failure(text: str, place: str, parameters: dict[str, Any]) -> str:
    """Why connecting failed and what to do, from libpq's text."""
    user, database = parameters.get("user"), parameters.get("dbname")
    if "password authentication failed" in text or "no password supplied" in text:
        return f'the server at {place} refuses user "{user}" with this password; correct user and password'
    if 'role "' in text and "does not exist" in text:
        return f'the server at {place} has no user "{user}"; create it, or correct user'
    if 'database "' in text and "does not exist" in text:
        return f'the server at {place} has no database "{database}"; create it, or correct database'
    if "refused" in text or "No such file or directory" in text:
        return f"no server listens at {place}; start it, or correct host and port"
    if "timeout" in text or "timed out" in text:
        return (
            f"the server at {place} did not answer within {_CONNECT_TIMEOUT_S} s; correct host and port, or try later"
        )
    if "resolve host" in text or "translate host name" in text or "Name or service not known" in text:
        return f'host "{parameters["host"]}" is not known; correct host'
    return f"cannot connect to {place}: {' '.join(text.split())}"
