"""An engine of another package whose statements take two seconds each and compute nothing: a cluster, seen from here.

`benchmarks/cluster.py` installs this module beside dagscope, as an engine in another package would be.
"""

import threading
from collections.abc import Container, Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import pyarrow as pa

from dagscope.dag.connections import Connection, ConnectionDetails, RelationKind, Session
from dagscope.dag.connections.materializations import Materializations
from dagscope.dag.connections.sending import Driver, Sending
from dagscope.dag.events.statements import StatementLog, of_no_node
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError, StatementFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import Keys

ROWS = 1_000_000  # that each statement says it wrote


class ClusterConfig(Keys):
    """How many statements the cluster works on at once, and how long each takes."""

    statements: int
    statement_s: float


class _Interrupted(Exception):
    """The cluster was told to stop the statement."""


class ClusterSession(Session):
    """Waits for as long as a cluster would compute."""

    dialect = Dialect(frozenset(), default_schema="default")

    def __init__(self, name: str, statement_s: float, cancellation: Cancellation, statements: StatementLog) -> None:
        self._name, self._statement_s, self._stopped = name, statement_s, threading.Event()
        driver = Driver((_Interrupted,), self._wait, self._stopped.set, self._failure, str, lambda _sql, _error: None)
        self._sending = Sending(name, driver, cancellation, statements)

    def _wait(self, _sql: str) -> None:
        if self._stopped.wait(self._statement_s):
            raise _Interrupted

    def _failure(self, error: Exception) -> DagscopeError:
        return StatementFailed(self._name, str(error))

    def execute(self, sql: str) -> int:
        with self._sending.statement(sql) as sent:
            self._wait(sql)
            sent.rows = ROWS
        return ROWS

    def create_schema(self, stage: str) -> None:
        """They are all there."""

    def _make(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int:  # noqa: ARG002
        (statement,) = ClusterConnection.materializations.statements(asset, sql, existing)
        return self.execute(statement)

    def is_conflict(self, error: Exception) -> bool:  # noqa: ARG002
        return False

    def relation_kind(self, asset: str) -> RelationKind | None:  # noqa: ARG002
        return RelationKind.TABLE

    def scalar(self, sql: str) -> Any:
        raise NotImplementedError(sql)

    def read(self, sql: str) -> pa.RecordBatchReader:
        raise NotImplementedError(sql)

    def execute_and_read(self, sql: str) -> pa.RecordBatchReader | None:
        raise NotImplementedError(sql)

    def write(self, table: str, rows: pa.RecordBatchReader) -> int:
        raise NotImplementedError(table, rows)

    def selecting(self, sql: str, inputs: Mapping[str, pa.RecordBatchReader]) -> Any:
        raise NotImplementedError(sql, inputs)

    def snapshot(self) -> Any:
        raise NotImplementedError


class ClusterConnection(Connection):
    """A cluster that is always there."""

    engine: ClassVar[str] = "cluster"
    Config: ClassVar[type[Keys]] = ClusterConfig
    materializations: ClassVar[Materializations] = Materializations(ClusterSession.dialect)
    has_keys: ClassVar[bool] = False
    details = ConnectionDetails()
    secrets: frozenset[str] = frozenset()
    taken_schemas: frozenset[str] = frozenset()
    is_open = True

    def __init__(self, name: str, config: ClusterConfig) -> None:
        super().__init__(name)
        self._statement_s, self._statements = config.statement_s, config.statements

    @classmethod
    def from_config(cls, name: str, config: Keys, folder: Path) -> Self:  # noqa: ARG003
        assert isinstance(config, ClusterConfig)
        return cls(name, config)

    @property
    def identity(self) -> Hashable:
        return (self.engine, self.name)

    @property
    def max_concurrent(self) -> int:
        return self._statements

    def connect(self) -> None:
        """It always is."""

    def close(self) -> None:
        """It has nothing to close."""

    @contextmanager
    def session(
        self, cancellation: Cancellation | None = None, statements: StatementLog | None = None
    ) -> Iterator[Session]:
        with self._in_use():
            cancellation, statements = cancellation or Cancellation(), statements or of_no_node()
            yield ClusterSession(self.name, self._statement_s, cancellation, statements)

    def relations(self, cancellation: Cancellation | None = None) -> dict[str, RelationKind]:  # noqa: ARG002
        return {}
