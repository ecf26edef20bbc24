"""Spark over Spark Connect (docs/connections.md). Its client is an optional extra, imported when a project connects."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, unquote, urlsplit

from dagscope.dag.connections.base import Connection, ConnectionDetails, Session
from dagscope.dag.connections.materializations import Materializations
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.connections.spark.config import DEFAULT_PORT, SparkConfig
from dagscope.dag.connections.spark.dialect import DIALECT
from dagscope.dag.connections.spark.errors import connection_failure
from dagscope.dag.connections.spark.formats import FORMATS, TableFormat
from dagscope.dag.connections.spark.materializations import MATERIALIZATIONS
from dagscope.dag.connections.spark.profiles import profile_tree
from dagscope.dag.connections.spark.staging import PREFIX, is_left_behind
from dagscope.dag.events.statements import ProfileNode, StatementLog, of_no_node
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.model.file_shapes import Keys

if TYPE_CHECKING:
    from dagscope.dag.connections.spark.client import SparkClient
    from dagscope.dag.connections.spark.session import SparkSession

_USER = "dagscope"
_TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"  # noqa: S105  a variable that every client of Spark sends if it has no other token

_SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",  # or "a b" would be a string
    "spark.sql.parser.escapedStringLiterals": "false",  # or 'it''s' would have two quotes
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.pyspark.jvmStacktrace.enabled": "false",
    # rows arrive as files, also where the tables are in folders of the server's machine
    "spark.sql.artifact.copyFromLocalToFs.allowDestLocal": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
}
"""Settings of each session, besides those of its format."""


@dataclass(frozen=True)
class Place:
    """Where the server is; `url` contains the token."""

    url: str
    host: str
    port: int
    user: str
    token: str | None

    @classmethod
    def from_config(cls, config: SparkConfig) -> Self:
        url = config.value("url")
        if url is None:
            host, port = config.value("host") or "localhost", config.value("port") or DEFAULT_PORT
            token, user = config.value("token") or os.environ.get(_TOKEN), config.value("user") or _USER
            given = {"use_ssl": "true" if config.value("tls") else None, "token": token}
            parameters = "".join(f";{key}={quote(value, safe='')}" for key, value in given.items() if value)
            return cls(f"sc://{f'[{host}]' if ':' in host else host}:{port}/{parameters}", host, port, user, token)
        parts = urlsplit("http" + url[2:])
        pairs = (part.partition("=") for part in parts.path.partition(";")[2].split(";"))
        parameters_ = {key: unquote(value) for key, _, value in pairs}
        user = parameters_.get("user_id") or _USER
        token = parameters_.get("token") or os.environ.get(_TOKEN)
        return cls(url, parts.hostname or "", parts.port or DEFAULT_PORT, user, token)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class SparkConnection(Connection):
    """A Spark Connect server and one of its catalogs; each session is one of the server's."""

    engine: ClassVar[str] = "spark"
    Config: ClassVar[type[Keys]] = SparkConfig
    materializations: ClassVar[Materializations] = MATERIALIZATIONS
    has_keys: ClassVar[bool] = False
    has_profiles: ClassVar[bool] = True

    def __init__(self, name: str, place: Place, catalog: str | None, table_format: str, max_concurrent: int) -> None:
        super().__init__(name)
        self._place, self._catalog, self._table_format = place, catalog, table_format
        self._max_concurrent = max_concurrent
        self._lock = threading.Lock()
        self._is_open = False

    @classmethod
    def from_config(cls, name: str, config: Keys, folder: Path) -> Self:  # noqa: ARG003  it names no files
        assert isinstance(config, SparkConfig)
        place, catalog = Place.from_config(config), config.value("catalog")
        return cls(name, place, catalog, config.table_format, config.max_concurrent)

    @property
    def identity(self) -> Hashable:
        return (self.engine, self.name, self._place, self._catalog, self._table_format, self._max_concurrent)

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset({self._place.token} if self._place.token else ())

    @property
    def taken_schemas(self) -> frozenset[str]:
        return frozenset({"global_temp", "information_schema", "session", "system"})

    @property
    def max_concurrent(self) -> int | None:
        return self._max_concurrent

    @property
    def _format(self) -> TableFormat:
        return FORMATS[self._table_format]

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def details(self) -> ConnectionDetails:
        return ConnectionDetails(
            host=self._place.host, port=self._place.port, database=self._catalog, user=self._place.user
        )

    def connect(self) -> None:
        with self._lock:
            if self._is_open:
                return
            client = self._opened(is_used=False)
            try:
                self._check_server(client)
            finally:
                client.close()
            self._is_open = True

    def close(self) -> None:
        self._is_open = False

    def _opened(self, is_used: bool = True, notes_work: bool = False) -> SparkClient:
        """A new session on the server, in the default schema if it is used. Raises `ConnectionFailed`."""
        try:
            from dagscope.dag.connections.spark.client import ERRORS, SparkClient, message
        except ImportError as error:
            what = 'the client of Spark is not installed; install it with: pip install "dagscope[spark]"'
            raise ConnectionFailed(self.name, f"{what} ({error})") from error
        client = SparkClient(self._place.url, self._place.user)
        settings = _SETTINGS | ({"spark.sql.defaultCatalog": self._catalog} if self._catalog else {})
        try:
            client.open(settings | dict(self._format.settings))
            if is_used and not self._format.has_current_schema:
                client.run(f"USE SCHEMA {DIALECT.default_schema}")
            if notes_work:
                client.note_work()
        except ERRORS as error:
            client.abandon()
            reason = connection_failure(message(error), str(self._place), self._place.host)
            raise ConnectionFailed(self.name, reason) from None  # the cause could contain the token
        return client

    def _check_server(self, client: SparkClient) -> None:
        """Refuses a server that is older than the client, or that cannot replace a table in one step."""
        from dagscope.dag.connections.spark.client import ERRORS, VERSION, message

        try:
            version = _column(client, "SELECT version()")[0].split(" ")[0]
            if _release(version) < _release(VERSION):
                raise ConnectionFailed(
                    self.name,
                    f"the server at {self._place} is Spark {version}, and the client is {VERSION}, which must not be "
                    f'newer; install an older one: pip install "pyspark-client=={version}"',
                )
            probe = f"CREATE OR REPLACE TABLE {PREFIX}probe USING {self._table_format} AS SELECT 1 AS id"
            plan = "\n".join(_column(client, f"EXPLAIN {probe}"))
            if "AtomicReplaceTableAsSelect" not in plan:
                raise ConnectionFailed(self.name, self._cannot_replace(plan))
            if not self._format.has_current_schema:
                client.run(f"CREATE SCHEMA IF NOT EXISTS {DIALECT.default_schema}")
        except ERRORS as error:
            reason = connection_failure(message(error), str(self._place), self._place.host)
            raise ConnectionFailed(self.name, reason) from error
        with suppress(*ERRORS):  # whoever may not drop tables there can still use others
            self._sweep(client)

    def _cannot_replace(self, plan: str) -> str:
        catalog = self._catalog or "spark_catalog"
        if "[CATALOG_NOT_FOUND]" in plan:
            return f"the server at {self._place} has no catalog {catalog}; correct catalog"
        said = " ".join(plan.split())[:200]
        return (
            f"the server at {self._place} cannot replace a table of the format {self._table_format} in one step in "
            f"the catalog {catalog}: readers would find tables missing or empty; start the server with the format's "
            f"extension and its catalog ({said})"
        )

    def _sweep(self, client: SparkClient) -> None:
        """Drop tables that a killed process left behind."""
        for table in _column(client, f"SHOW TABLES IN {DIALECT.default_schema} LIKE '{PREFIX}*'", "tableName"):
            if is_left_behind(table):
                client.run(f"DROP TABLE IF EXISTS {DIALECT.default_schema}.{table}")

    @contextmanager
    def session(
        self, cancellation: Cancellation | None = None, statements: StatementLog | None = None
    ) -> Iterator[Session]:
        with self._spark_session(cancellation, statements) as session:
            yield session

    @contextmanager
    def _spark_session(
        self, cancellation: Cancellation | None, statements: StatementLog | None = None
    ) -> Iterator[SparkSession]:
        with self._in_use():
            self.connect()
            cancellation, statements = cancellation or Cancellation(), statements or of_no_node()
            client = self._opened(notes_work=statements.profiles)
            try:
                from dagscope.dag.connections.spark.session import SparkSession

                made = replace(MATERIALIZATIONS, table_format=self._table_format)
                yield SparkSession(self.name, str(self._place), client, made, cancellation, statements)
            finally:
                client.close()

    def profile_tree(self, profile: Any) -> ProfileNode | None:
        return profile_tree(profile)

    def relations(self, cancellation: Cancellation | None = None) -> dict[str, RelationKind]:
        with self._spark_session(cancellation) as session:
            return {
                f"{schema}.{name}": kind
                for schema in session.schemas()
                for name, kind in session.relations_of(schema).items()
            }


def _column(client: SparkClient, sql: str, column: str | int = 0) -> list[str]:
    """The texts in a column of a query's rows."""
    return [text for batch in client.stream(sql).batches for text in batch.column(column).to_pylist()]


def _release(version: str) -> tuple[int, ...]:
    """Major and minor: patches of one release speak the same protocol."""
    return tuple(int(part) for part in version.split(".")[:2])
