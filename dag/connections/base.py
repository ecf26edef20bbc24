"""The seam between the domain and a database: each engine implements these two classes in a folder of its own.

A `Connection` is one database of a project, shared by all threads; a `Session` is one thread's use of it, of which
answers need only its `Queries`.
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

from dagscope.dag.connections.arrow_types import type_text
from dagscope.dag.connections.materializations import Materializations
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.connections.relation_records import RelationRecord, Wanted
from dagscope.dag.events.node_records import RecordedColumn
from dagscope.dag.events.statements import ProfileNode, StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed, StatementFailed
from dagscope.dag.ground.row_limit import RowLimit
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import Keys, Materialization
from dagscope.dag.model.query_text import statement_spans

T = TypeVar("T")

_CONFLICT_TRIES = 8
_CONFLICT_PAUSE_S = 0.02


class Queries(ABC):
    """What answers need of a session: looking at relations, and dropping or emptying one.

    Every method raises `StatementFailed`, or `Cancelled` when interrupted.
    """

    dialect: Dialect

    summarizes: bool = False
    """Whether it understands the SQL of column summaries, which is DuckDB's. If not, its rows are copied to one."""

    writes_texts: bool = False
    """Whether it understands the SQL that writes rows as text, which is DuckDB's too. If not, they are converted."""

    @abstractmethod
    def execute(self, sql: str) -> int:
        """Run one or several statements; returns the number of rows that the last one wrote, 0 if it wrote no rows."""

    @abstractmethod
    def scalar(self, sql: str) -> Any:
        """The first value of the first row, None if there are no rows."""

    @abstractmethod
    def read_to_show(self, sql: str) -> pa.RecordBatchReader:
        """The rows of a query for display: values that Arrow cannot hold are included, as text."""

    def read_texts(self, sql: str, batch_rows: int) -> pa.RecordBatchReader:
        """The rows of a query for one column of text, at most `batch_rows` in a batch; only if `writes_texts`."""
        raise NotImplementedError

    def count_rows(self, asset: str, where: str = "") -> int:
        """The number of rows in the asset's relation, or of those that meet a condition."""
        condition = f" WHERE {where}" if where else ""
        return int(self.scalar(f"SELECT count(*) FROM {self.dialect.relation(asset)}{condition}"))

    def columns_to_show(self, asset: str) -> pa.Schema:
        """The columns of `rows_to_show`."""
        return self.rows_to_show(asset, limit=0).schema

    def rows_to_show(
        self, asset: str, offset: int = 0, limit: int | None = None, clauses: str = ""
    ) -> pa.RecordBatchReader:
        """Rows of the asset's relation, for people's eyes; all after `offset` without a limit.

        `clauses` are WHERE and ORDER BY as SQL.
        """
        return self.read_to_show(self.page_sql(asset, offset, limit, clauses))

    def page_sql(self, asset: str, offset: int, limit: int | None, clauses: str = "") -> str:
        """The query of `rows_to_show`."""
        page = f" LIMIT {limit}" if limit is not None else ""
        return f"SELECT * FROM {self.dialect.relation(asset)}{clauses}{page} OFFSET {offset}"

    @abstractmethod
    def relation_kind(self, asset: str) -> RelationKind | None:
        """The kind of relation that has the asset's name, None if there is no such relation."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """All reads inside the block see the database at the same moment."""


class Session(Queries):
    """One thread's use of a connection."""

    row_limit = RowLimit()
    """What `materialize` may write; if it writes more, that is rolled back, and `TooManyRows` is raised."""

    @property
    def engine_version(self) -> str:
        """The engine's name and version, "" if it does not say."""
        return ""

    @property
    def in_transaction(self) -> bool:
        """Whether the caller's statements left a transaction open; an engine may have no transactions."""
        return False

    def refuse_open_transaction(self) -> None:
        """If the caller's statements left a transaction open, roll it back and raise `TransactionLeftOpen`."""

    @abstractmethod
    def read(self, sql: str) -> pa.RecordBatchReader:
        """The rows of a query in batches, read on demand. No value changes: raises `TypeNotKept` instead.

        A type that Arrow lacks comes as text, with its own type recorded (`dagscope.dag.connections.arrow_types`).
        """

    @abstractmethod
    def execute_and_read(self, sql: str) -> pa.RecordBatchReader | None:
        """Run one or several statements; the rows of the last one, as `read` returns them. None if it has no rows.

        Those before it have run then, and the last one has too once all its rows are read.
        """

    def read_to_show(self, sql: str) -> pa.RecordBatchReader:
        return self.read(sql)

    def recorded(self, asset: str, wanted: Wanted | None) -> RelationRecord:
        """What is recorded of the asset's relation; without `wanted` only its columns, and nothing is executed.

        It is the last call of a session. What it sends is not in the log of statements.
        An engine that does not compute fingerprints has none.
        """
        columns = tuple(RecordedColumn(field.name, type_text(field)) for field in self.columns_to_show(asset))
        if wanted is None:
            return RelationRecord(columns)
        if wanted.captured_rows != 0:
            wanted.keep(self.read(f"SELECT * FROM {self.dialect.relation(asset)}{wanted.limit()}"))
        return RelationRecord(columns, wanted.rows)

    @abstractmethod
    def selecting(
        self, sql: str, inputs: Mapping[str, pa.RecordBatchReader]
    ) -> AbstractContextManager[pa.RecordBatchReader]:
        """The rows of one query for display, inside the block. Nothing is written that another session could see.

        `inputs` are rows that the query reads as tables with these names, even if other relations have the names.
        """

    @abstractmethod
    def write(self, table: str, rows: pa.RecordBatchReader) -> int:
        """Create or replace the table with these rows, in one transaction; returns how many there were.

        Raises `TypeNotKept` for a column that this engine cannot hold exactly.
        """

    @abstractmethod
    def create_schema(self, stage: str) -> None:
        """Create the stage's schema if it is missing; safe from several threads at once."""

    def materialize(
        self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str] = ()
    ) -> int | None:
        """Create the asset's relation in its stage's schema, which exists; returns the rows written, None for a view.

        `existing` is the kind of relation with that name, if known (it always is for `incremental`). `remade` are
        assets that are executed after this one: their views may be lost if they no longer fit; others must not be.
        """
        return self._tried(asset, sql, lambda: self._materialize_once(asset, sql, existing, remade))

    def run_custom(self, asset: Asset, sql: str) -> pa.RecordBatchReader | None:
        """Run a custom asset's SQL; the rows of its last statement, None if it has no rows.

        Once they are read, `refuse_open_transaction` raises if not all of it is committed.
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
        if asset.materialization is Materialization.CUSTOM:  # runs unchanged: some statements refuse a transaction
            rows = self.execute(sql)
            self.refuse_open_transaction()
            self.row_limit.check(rows)
            return rows
        return self._make(asset, sql, existing, remade)

    def _leaves_nothing_behind(self, asset: Asset, sql: str) -> bool:
        """Whether the error undid everything that was done before it."""
        return asset.materialization is not Materialization.CUSTOM or len(statement_spans(sql)) == 1

    @abstractmethod
    def _make(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int | None:
        """`materialize` for a table, incremental or view asset, in one transaction and without retrying.

        Checks `row_limit` before it commits.
        """

    @abstractmethod
    def is_conflict(self, error: Exception) -> bool:
        """Whether a concurrent change by another session caused the error, so that a retry may succeed."""


@dataclass(frozen=True)
class ConnectionDetails:
    """The database that a connection opens, for display; never contains a secret."""

    path: str | None = None
    extensions: tuple[str, ...] | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    user: str | None = None


class Connection(ABC):
    """One database of a project. Opened by the first session, and safe to share between threads.

    While it is held off it opens no sessions: the database stays closed after `close` until it is admitted again.
    """

    engine: ClassVar[str]
    """The `type` in config.yaml and `connectionType` in answers."""

    Config: ClassVar[type[Keys]]
    """The shape of `config` in config.yaml."""

    materializations: ClassVar[Materializations]
    """The engine's statements."""

    has_keys: ClassVar[bool] = True
    """Whether its tables can have primary keys and indexes. If not, a project that asks for them is refused."""
    has_profiles: ClassVar[bool] = False
    """Whether it keeps profiles of statements."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._use = threading.Lock()
        self._sessions, self._is_held_off = 0, False

    @property
    def dialect(self) -> Dialect:
        return self.materializations.dialect

    @property
    def sessions(self) -> int:
        """The number of open sessions."""
        return self._sessions

    @property
    def is_held_off(self) -> bool:
        return self._is_held_off

    def hold_off(self) -> None:
        """Open no more sessions; open ones continue."""
        with self._use:
            self._is_held_off = True

    def admit(self) -> None:
        """Allow sessions again."""
        with self._use:
            self._is_held_off = False

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Surrounds a session. Raises `ConnectionFailed` while the connection is held off."""
        with self._use:
            if self._is_held_off:
                raise ConnectionFailed(self.name, "disconnected; connect again, or run a task, which reconnects")
            self._sessions += 1
        try:
            yield
        finally:
            with self._use:
                self._sessions -= 1

    @property
    def most_idle_sessions(self) -> int | None:
        """How many sessions that are not in use the threads of one raw asset may keep; None for any number."""
        return None

    @property
    def max_concurrent(self) -> int | None:
        """How many of its SQL assets a task executes at the same time, whatever others it executes.

        None if the work is done on this machine: then they share the workers of the task.
        """
        return None

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether the database is open."""

    @property
    @abstractmethod
    def details(self) -> ConnectionDetails:
        """The database that it opens."""

    @property
    def outlives_closing(self) -> bool:
        """Whether the database's contents survive `close`."""
        return True

    @property
    @abstractmethod
    def identity(self) -> Hashable:
        """Equal for connections that open the same database in the same way."""

    @classmethod
    @abstractmethod
    def from_config(cls, name: str, config: Keys, folder: Path) -> Self:
        """The connection for a value of `Config`; relative paths are relative to `folder`, the project's."""

    @property
    @abstractmethod
    def secrets(self) -> frozenset[str]:
        """Values that must never be displayed."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What the connection sets in the database, by name; may contain secrets."""
        return {}

    @property
    @abstractmethod
    def taken_schemas(self) -> frozenset[str]:
        """Names, in lower case, that no schema can have in this database; a stage cannot have them either."""

    @abstractmethod
    def connect(self) -> None:
        """Open the database if it is not open. Raises `ConnectionFailed`."""

    @abstractmethod
    def close(self) -> None:
        """Close the database; the next session opens it again."""

    @abstractmethod
    def session(
        self, cancellation: Cancellation | None = None, statements: StatementLog | None = None
    ) -> AbstractContextManager[Session]:
        """A session for the calling thread, interrupted when the cancellation is requested.

        Every statement that it sends is recorded in `statements`.
        Raises `ConnectionFailed`.
        """

    def queries(self, cancellation: Cancellation | None = None) -> AbstractContextManager[Queries]:
        """A session that is only looked at. Raises `ConnectionFailed`."""
        return self.session(cancellation)

    def compiled(self, asset: Asset, sql: str, existing: RelationKind | None) -> str:
        """The statements that would materialize the asset over `existing`, as `sqlCompiledQuery` shows them."""
        return ";\n".join(self.materializations.statements(asset, sql, existing))

    def profile_tree(self, profile: Any) -> ProfileNode | None:  # noqa: ARG002  an engine may have no profiles
        """The operators in a statement's profile, as this engine recorded it; None if there are no operators."""
        return None

    @abstractmethod
    def relations(self, cancellation: Cancellation | None = None) -> dict[str, RelationKind]:
        """All tables and views by `schema.name`; empty for a database that does not exist yet.

        Raises `ConnectionFailed`, or `Cancelled` when interrupted.
        """
