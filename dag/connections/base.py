"""The seam between the domain and a database: one folder an engine behind these two classes.

A `Connection` is one database of a project, shared by all threads; a `Session` is one thread's use of it.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import pyarrow as pa

from dagscope.dag.connections.materializations import Materializations
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed, StatementFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import Keys, Materialization
from dagscope.dag.model.query_text import statement_spans

T = TypeVar("T")

_CONFLICT_TRIES = 8
_CONFLICT_PAUSE_S = 0.02


class Session(ABC):
    """One thread's use of a connection. Every method raises `StatementFailed`, or `Cancelled` when interrupted."""

    dialect: ClassVar[Dialect]

    @abstractmethod
    def execute(self, sql: str) -> int:
        """Run one or several statements; the rows that the last one wrote, 0 where it wrote none."""

    @property
    def in_transaction(self) -> bool:
        """If a statement of the caller's began a transaction that none ended; an engine may have no transactions."""
        return False

    def refuse_open_transaction(self) -> None:  # noqa: B027  an engine may have no transactions
        """Roll back what a statement of the caller's began and none ended; raises `TransactionLeftOpen` if it did."""

    @abstractmethod
    def scalar(self, sql: str) -> Any:
        """The first value of the first row."""

    @abstractmethod
    def read(self, sql: str) -> pa.RecordBatchReader:
        """The rows of a query in batches, read as they are asked for. No value changes: raises `TypeNotKept` instead.

        What Arrow has no type for comes as text, its own type beside it (`dagscope.dag.connections.arrow_types`).
        """

    @abstractmethod
    def execute_and_read(self, sql: str) -> pa.RecordBatchReader | None:
        """Run one or several statements; the rows that the last one gives, as `read` gives them. None if it gives none.

        Those before it have run then, and the last one has too once all its rows are read.
        """

    def read_to_show(self, sql: str) -> pa.RecordBatchReader:
        """The same for people's eyes: also values that Arrow cannot hold are there, as text."""
        return self.read(sql)

    def count_rows(self, asset: str) -> int:
        """How many rows the asset's relation has."""
        return int(self.scalar(f"SELECT count(*) FROM {self.dialect.relation(asset)}"))

    def rows_to_show(self, asset: str, offset: int = 0, limit: int | None = None) -> pa.RecordBatchReader:
        """Rows of the asset's relation, for people's eyes; all after `offset` without a limit."""
        return self.read_to_show(self.page_sql(asset, offset, limit))

    def page_sql(self, asset: str, offset: int, limit: int | None) -> str:
        """The query of `rows_to_show`."""
        page = f" LIMIT {limit}" if limit is not None else ""
        return f"SELECT * FROM {self.dialect.relation(asset)}{page} OFFSET {offset}"

    @abstractmethod
    def selecting(
        self, sql: str, inputs: Mapping[str, pa.RecordBatchReader]
    ) -> AbstractContextManager[pa.RecordBatchReader]:
        """The rows of one query, to show, while inside. Nothing is written that anybody else could ever see.

        `inputs` are rows that the query reads under these names of tables, whatever else has the names.
        """

    @abstractmethod
    def write(self, table: str, rows: pa.RecordBatchReader) -> int:
        """Create or replace the table with these rows, in one transaction; how many there were.

        Raises `TypeNotKept` for a column that this engine cannot hold exactly.
        """

    @abstractmethod
    def relation_kind(self, asset: str) -> RelationKind | None:
        """What stands under the asset's name."""

    @abstractmethod
    def create_schema(self, stage: str) -> None:
        """Make the stage's schema where it is missing; safe from several threads at once."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """All reads inside see the database as it was at one moment."""

    def materialize(
        self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str] = ()
    ) -> int | None:
        """Make the asset's relation in its stage's schema, which is there; how many rows were written, None for a view.

        `existing` is what stands under the name where that is known (it always is for `incremental`). `remade` are
        assets that are executed after this one: their views may be lost where they no longer fit; others must not be.
        """
        return self._tried(asset, sql, lambda: self._materialize_once(asset, sql, existing, remade))

    def run_custom(self, asset: Asset, sql: str) -> pa.RecordBatchReader | None:
        """Run a custom asset's SQL; the rows of its last statement, None if it gives none.

        Once they are read, `refuse_open_transaction` says if all of it is kept.
        """
        return self._tried(asset, sql, lambda: self.execute_and_read(sql))

    def _tried(self, asset: Asset, sql: str, act: Callable[[], T]) -> T:
        """What it returns, at the first try that meets no other session's change."""
        for _ in range(_CONFLICT_TRIES - 1):
            try:
                return act()
            except StatementFailed as error:
                if not self.is_conflict(error) or not self._leaves_nothing_behind(asset, sql):
                    raise
                time.sleep(_CONFLICT_PAUSE_S)
        return act()

    def _materialize_once(
        self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]
    ) -> int | None:
        if asset.materialization is Materialization.CUSTOM:  # runs as it is: it may hold what no transaction takes
            rows = self.execute(sql)
            self.refuse_open_transaction()
            return rows
        return self._make(asset, sql, existing, remade)

    def _leaves_nothing_behind(self, asset: Asset, sql: str) -> bool:
        """If all that was done before an error was undone by it."""
        return asset.materialization is not Materialization.CUSTOM or len(statement_spans(sql)) == 1

    @abstractmethod
    def _make(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int | None:
        """`materialize` for a table, incremental or view asset, in one transaction and without a second try."""

    @abstractmethod
    def is_conflict(self, error: Exception) -> bool:
        """If the error came from another session's change at the same moment, so that trying again may do."""


@dataclass(frozen=True)
class ConnectionDetails:
    """Where a connection leads, for people; never a secret."""

    path: str | None = None
    extensions: tuple[str, ...] | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    user: str | None = None


class Connection(ABC):
    """One database of a project. Opened by the first session, and safe to share between threads.

    Held off, it opens no session: `close` then lets go of the database for good, until it is admitted again.
    """

    engine: ClassVar[str]
    """The `type` in config.yaml and `connectionType` in answers."""

    Config: ClassVar[type[Keys]]
    """The shape of `config` in config.yaml."""

    materializations: ClassVar[Materializations]
    """The engine's statements."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._use = threading.Lock()
        self._sessions, self._is_held_off = 0, False

    @property
    def dialect(self) -> Dialect:
        return self.materializations.dialect

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return self._sessions

    @property
    def is_held_off(self) -> bool:
        return self._is_held_off

    def hold_off(self) -> None:
        """Open no more sessions; those that are open go on."""
        with self._use:
            self._is_held_off = True

    def admit(self) -> None:
        """Open sessions again."""
        with self._use:
            self._is_held_off = False

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Around a session. Raises `ConnectionFailed` while the connection is held off."""
        with self._use:
            if self._is_held_off:
                raise ConnectionFailed(self.name, "disconnected; connect again, or run a task, which does")
            self._sessions += 1
        try:
            yield
        finally:
            with self._use:
                self._sessions -= 1

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """If the database is open now."""

    @property
    @abstractmethod
    def details(self) -> ConnectionDetails:
        """Where it leads."""

    @property
    def outlives_closing(self) -> bool:
        """If what is in the database is still there after `close`."""
        return True

    @property
    @abstractmethod
    def identity(self) -> Hashable:
        """Equal for connections that mean the same database opened in the same way."""

    @classmethod
    @abstractmethod
    def from_config(cls, name: str, config: Keys, folder: Path) -> Self:
        """The connection for a value of `Config`; relative paths are relative to `folder`, the project's."""

    @property
    @abstractmethod
    def secrets(self) -> frozenset[str]:
        """Values that must never be shown."""

    @property
    @abstractmethod
    def taken_schemas(self) -> frozenset[str]:
        """Names, in lower case, that no schema can have in this database; a stage cannot have them either."""

    @abstractmethod
    def connect(self) -> None:
        """Open the database if it is not open. Raises `ConnectionFailed`."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the database; the next session opens it again."""

    @abstractmethod
    def session(
        self, cancellation: Cancellation | None = None, statements: StatementLog | None = None
    ) -> AbstractContextManager[Session]:
        """A session for the calling thread, interrupted when the cancellation is requested.

        Every statement that it sends is noted in `statements`.
        Raises `ConnectionFailed`.
        """

    def compiled(self, asset: Asset, sql: str, existing: RelationKind | None) -> str:
        """The statements that would materialize the asset over what exists, as `sqlCompiledQuery` shows them."""
        return ";\n".join(self.materializations.statements(asset, sql, existing))

    @abstractmethod
    def relations(self, cancellation: Cancellation | None = None) -> dict[str, RelationKind]:
        """All tables and views by `schema.name`; empty for a database that does not exist yet.

        Raises `ConnectionFailed`, or `Cancelled` when interrupted.
        """
