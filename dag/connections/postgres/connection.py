"""PostgreSQL (docs/connections.md). Its drivers are imported when a project first connects."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dagscope.dag.connections.base import Connection, ConnectionDetails, Session
from dagscope.dag.connections.materializations import Materializations
from dagscope.dag.connections.postgres.config import PostgresConfig
from dagscope.dag.connections.postgres.errors import connection_failure
from dagscope.dag.connections.postgres.materializations import MATERIALIZATIONS
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.events.statements import StatementLog, of_no_node
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.model.file_shapes import Keys
from dagscope.dag.redaction.sql_secrets import secrets_in

if TYPE_CHECKING:
    import psycopg
    from adbc_driver_manager import dbapi
    from psycopg_pool import ConnectionPool

_CONNECT_TIMEOUT_S = 10
_BUSY_TIMEOUT_S = 60.0  # how long to wait for a connection while all are in use
_PROBE_AFTER_S = 1.0
_DEFAULT_CONNECTIONS = 4  # Teal's
_APPLICATION = "dagscope"


class PostgresConnection(Connection):
    """A PostgreSQL database: a pool of connections for statements, and the same number for rows in bulk."""

    engine: ClassVar[str] = "postgres"
    Config: ClassVar[type[Keys]] = PostgresConfig
    materializations: ClassVar[Materializations] = MATERIALIZATIONS

    def __init__(self, name: str, parameters: dict[str, Any], max_connections: int) -> None:
        """`parameters` are libpq's, including the password."""
        super().__init__(name)
        self._parameters, self._max_connections = parameters, max_connections
        self._bulk_places = threading.BoundedSemaphore(max_connections)
        self._lock = threading.Lock()
        self._pool: ConnectionPool[psycopg.Connection[Any]] | None = None
        self._root: dbapi.Connection | None = None

    @classmethod
    def from_config(cls, name: str, config: Keys, folder: Path) -> Self:
        assert isinstance(config, PostgresConfig)
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
    def settings(self) -> Mapping[str, str]:
        shown = ("host", "port", "dbname", "user", "options")
        return {name: str(self._parameters[name]) for name in shown if name in self._parameters}

    @property
    def _place(self) -> str:
        host, port = self._parameters["host"], self._parameters["port"]
        return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"

    @property
    def most_idle_sessions(self) -> int:
        return self._max_connections // 2  # the rest is left to statements that wait for a connection

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
        """Connect and disconnect, to learn why connecting fails: a pool only reports a timeout."""
        import psycopg

        try:
            psycopg.connect(**self._parameters, autocommit=True).close()
        except psycopg.Error as error:
            raise self._connection_failed(str(error)) from None  # the cause would contain the parameters

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
            cancellation, statements = cancellation or Cancellation(), statements or of_no_node()
            yield PostgresSession(self.name, self._place, connection, cancellation, self._bulk, statements)

    @contextmanager
    def _pooled(self) -> Iterator[psycopg.Connection[Any]]:
        import psycopg

        self.connect()
        with self._lock:
            pool = self._pool
        if pool is None:
            raise ConnectionFailed(self.name, "closed while a session was being opened")
        connection = self._taken(pool)
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):  # the server may be gone
                connection.rollback()
            pool.putconn(connection)

    def _taken(self, pool: ConnectionPool[psycopg.Connection[Any]]) -> psycopg.Connection[Any]:
        """A connection from the pool; while it waits, checks that the server still accepts connections."""
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

    @contextmanager
    def _bulk(self) -> Iterator[dbapi.Connection]:
        """An ADBC connection, in a transaction that is rolled back at the end unless it was committed."""
        import adbc_driver_manager

        if not self._bulk_places.acquire(timeout=_BUSY_TIMEOUT_S):
            raise ConnectionFailed(self.name, self._all_busy())
        try:
            try:
                connection = self._bulk_root().adbc_clone()
            except adbc_driver_manager.Error as error:
                raise self._connection_failed(str(error)) from None  # the cause would contain the parameters
            try:
                yield connection
            finally:
                connection.close()
        finally:
            self._bulk_places.release()

    def _bulk_root(self) -> dbapi.Connection:
        """The first ADBC connection. It reads the catalogue of types for all others, which takes 0.2 s."""
        import adbc_driver_postgresql.dbapi
        from psycopg.conninfo import make_conninfo

        with self._lock:
            if self._root is None:
                uri = make_conninfo(**self._parameters)
                self._root = adbc_driver_postgresql.dbapi.connect(uri, autocommit=True)
            return self._root

    def _connection_failed(self, text: str) -> ConnectionFailed:
        return ConnectionFailed(self.name, connection_failure(text, self._place, self._parameters))

    def relations(self, cancellation: Cancellation | None = None) -> dict[str, RelationKind]:
        with self.session(cancellation) as session:
            rows = session.read(
                "SELECT n.nspname || '.' || c.relname AS name, "
                "CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind "
                "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' "
                "AND n.nspname <> 'information_schema'"
            ).read_all()
        names, kinds = rows.column("name").to_pylist(), rows.column("kind").to_pylist()
        return {name: RelationKind(kind) for name, kind in zip(names, kinds, strict=True)}


def _forget_session(connection: psycopg.Connection[Any]) -> None:
    """Resets what a session set or left open; the pool has already rolled back an open transaction."""
    connection.execute("DISCARD ALL")
