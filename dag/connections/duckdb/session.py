"""One thread's use of a DuckDB database."""

import re
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from dagscope.dag.connections.arrow_types import WatchedRows, unique_names
from dagscope.dag.connections.base import Session
from dagscope.dag.connections.duckdb import relation_records
from dagscope.dag.connections.duckdb import types as duckdb_types
from dagscope.dag.connections.duckdb.dependents import Dependent, dependents
from dagscope.dag.connections.duckdb.dialect import DIALECT
from dagscope.dag.connections.duckdb.errors import moved, without_place
from dagscope.dag.connections.duckdb.instance import Instance
from dagscope.dag.connections.duckdb.materializations import MATERIALIZATIONS
from dagscope.dag.connections.duckdb.parts import Kind, Part, parts
from dagscope.dag.connections.duckdb.row_count import counts_rows, gives_rows
from dagscope.dag.connections.materializations import appended_columns, check_names
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.connections.relation_records import RelationRecord, Wanted
from dagscope.dag.connections.sending import NOTHING_COMMITTED, Driver, Sending
from dagscope.dag.events.statements import SentStatement, StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ColumnsDiffer, StatementFailed, TransactionLeftOpen
from dagscope.dag.ground.frames import batch_rows
from dagscope.dag.ground.memory_limit import naming_memory_limit
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.model.query_text import statement_spans

_BEGIN = "BEGIN TRANSACTION"
_OF_ANOTHER_TYPE = re.compile(r"^Catalog Error: Existing object .* is of type ")
_OUT_OF_MEMORY = "Out of Memory Error"  # also in Arrow's errors, which have no class for it
_OTHER_KIND = {
    Materialization.TABLE: RelationKind.VIEW,
    Materialization.INCREMENTAL: RelationKind.VIEW,
    Materialization.VIEW: RelationKind.TABLE,
}


class _ViewDoesNotFit(Exception):
    """`view` cannot be created again."""

    def __init__(self, view: str, reason: str) -> None:
        self.view = view
        super().__init__(reason)


class DuckDBSession(Session):
    """One cursor of a DuckDB database."""

    dialect: Dialect = DIALECT
    summarizes = True
    writes_texts = True

    def __init__(
        self,
        connection: str,
        cursor: duckdb.DuckDBPyConnection,
        cancellation: Cancellation,
        schema_lock: threading.Lock,
        instance: Instance,
        statements: StatementLog,
    ) -> None:
        self._connection, self._cursor = connection, cursor
        self._schema_lock, self._profiles = schema_lock, statements.profiles
        self._instance, self._part = instance, Part("", "", None)
        self.has_executed = False
        driver = Driver(
            errors=(duckdb.Error, pa.ArrowInvalid, OSError),  # while rows are read, DuckDB's errors come as Arrow's
            send=lambda sql: cursor.execute(sql).complete(),
            interrupt=cursor.interrupt,
            failure=lambda error: StatementFailed(connection, self._described(error)),
            text=self._described,
            offset=lambda _, error: self._part.offset(str(error)),
        )
        self._sending = Sending(connection, driver, cancellation, statements)
        if self._profiles:
            cursor.execute("SET enable_profiling = 'no_output'")

    def _described(self, error: Exception) -> str:
        """DuckDB's own message. One about memory also names the setting, which must not be one of a session."""
        text = self._part.described(str(error))
        if not text.startswith(_OUT_OF_MEMORY):
            return text
        of_duckdb = f'memory_limit in the extraParams of connection "{self._connection}" sets how much there is'
        return f"{text}\n\n{naming_memory_limit(of_duckdb)}"

    def _profile(self, sent: SentStatement) -> None:
        """Record DuckDB's profile of a finished statement."""
        if self._profiles:
            profile = self._cursor.get_profiling_information(format="json")
            sent.profile = profile if '"query"' in profile else None  # for example COMMIT has no profile

    @contextmanager
    def _statement(self, sql: str) -> Iterator[SentStatement]:
        self._part = Part(sql, sql, None)
        with self._sending.running():
            with self._sending.noting(sql) as sent:
                yield sent
            self._profile(sent)

    def execute(self, sql: str) -> int:
        self.has_executed = True
        with self._statement(sql) as sent:
            for part in parts(self._cursor, sql):
                self._run(part, partial(self._execute_part, sent))
            return sent.rows or 0

    def _run(self, part: Part, send: Callable[[], None]) -> None:
        self._part = part
        self._refuse_lost_work()
        self._instance.run(self, part, send)

    def _execute_part(self, sent: SentStatement) -> None:
        result = self._cursor.execute(self._part.to_send)
        first = result.fetchone() if counts_rows(self._part.statement) else None
        if result is not None:  # text without a statement has no result
            result.complete()  # an unread result would keep the cursor busy
        sent.rows = first[0] if first else None

    def _refuse_lost_work(self) -> None:
        """DuckDB accepts the COMMIT of a transaction in which a statement failed, but rolls it back."""
        if self._part.kind is not Kind.TRANSACTION or self._part.first_word not in ("commit", "end"):
            return
        try:
            self._cursor.execute("SELECT 1")
        except duckdb.TransactionException:
            self._cursor.execute("ROLLBACK")
            raise StatementFailed(self._connection, NOTHING_COMMITTED) from None

    @property
    def in_transaction(self) -> bool:
        """DuckDB does not report it, but outside a transaction each statement has a transaction id of its own."""
        try:  # all rows are fetched: an unread result would keep the cursor busy
            one, other = (self._cursor.execute("SELECT txid_current()").fetchall() for _ in range(2))
        except duckdb.TransactionException:  # the transaction failed, and waits for a ROLLBACK
            return True
        except duckdb.Error:  # the cursor is closed
            return False
        return one == other

    def refuse_open_transaction(self) -> None:
        if self.in_transaction:
            self._cursor.execute("ROLLBACK")
            raise TransactionLeftOpen(self._connection)

    def scalar(self, sql: str) -> Any:
        with self._statement(sql) as sent:
            rows = self._cursor.execute(sql).fetchall()
            sent.rows = len(rows)
            return rows[0][0] if rows else None

    def read(self, sql: str) -> pa.RecordBatchReader:
        return self._read(sql)

    def read_texts(self, sql: str, batch_rows: int) -> pa.RecordBatchReader:
        with self._without_place():
            rows = self._read(sql, most_rows=batch_rows)
        return pa.RecordBatchReader.from_batches(rows.schema, self._batches_without_place(rows))

    def _batches_without_place(self, rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        with self._without_place():
            yield from rows

    @contextmanager
    def _without_place(self) -> Iterator[None]:
        """Errors inside say nothing of their place in the SQL, which no user has written."""
        try:
            yield
        except StatementFailed as error:
            raise StatementFailed(self._connection, without_place(error.reason)) from error

    def _read(
        self, sql: str, refusal: duckdb.Error | None = None, most_rows: int | None = None
    ) -> pa.RecordBatchReader:
        """`refusal` is what `_refusal` found before a transaction that can no longer be asked once it has failed."""
        rows = self._result(sql, refusal, most_rows=most_rows)
        if rows is None:
            raise StatementFailed(self._connection, "the statement returns no rows")
        return rows

    def execute_and_read(self, sql: str) -> pa.RecordBatchReader | None:
        self.has_executed = True
        return self._result(sql, queries_alone=True)

    def _result(
        self,
        sql: str,
        refusal: duckdb.Error | None = None,
        queries_alone: bool = False,
        most_rows: int | None = None,
    ) -> pa.RecordBatchReader | None:
        """What the last statement returns: its rows, or how many it wrote unless only queries are wanted."""
        with self._statement(sql) as sent:
            *before, last = parts(self._cursor, sql)
            for part in before:
                self._run(part, partial(self._execute_part, sent))
            found: list[duckdb.DuckDBPyRelation | None] = []
            self._run(last, lambda: found.append(self._relation(last.text, refusal)))
            rows = found[0] if found else None
            if rows is None or (queries_alone and not gives_rows(last.statement)):
                return None
            sent.rows = 0
            types = rows.types
            projection = duckdb_types.export_projection(rows.columns, types)
            reader = (rows.project(projection) if projection else rows).to_arrow_reader(
                most_rows or batch_rows(len(types))
            )
        schema = duckdb_types.described(reader.schema, types)
        return pa.RecordBatchReader.from_batches(schema, self._batches(reader, schema, sent, last))

    def _relation(self, sql: str, refusal: duckdb.Error | None) -> duckdb.DuckDBPyRelation | None:
        try:
            return self._cursor.sql(sql)
        except duckdb.Error as error:
            refusal = refusal or self._refusal(sql)
            same = refusal is not None and str(refusal).startswith(str(error).split("\n", 1)[0])
            raise refusal if refusal is not None and same else error from None

    def _batches(
        self, reader: pa.RecordBatchReader, schema: pa.Schema, sent: SentStatement, part: Part
    ) -> Iterator[pa.RecordBatch]:
        while True:
            self._part = part  # other statements may be sent in between
            try:
                with self._sending.running(), self._sending.working_on(sent, part.sql):
                    sent.began()
                    batch = reader.read_next_batch()
            except StopIteration:
                self._profile(sent)
                return
            sent.rows = (sent.rows or 0) + batch.num_rows
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    @contextmanager
    def selecting(self, sql: str, inputs: Mapping[str, pa.RecordBatchReader]) -> Iterator[pa.RecordBatchReader]:
        for table, rows in inputs.items():  # a cursor's temporary tables take precedence over other tables
            self._create_table(f"TEMPORARY TABLE {table}", rows)
        query = f"SELECT * FROM ({sql}\n) AS selected"
        refusal = self._refusal(query)
        with self.snapshot():
            yield self._read(query, refusal)

    def _refusal(self, sql: str) -> duckdb.Error | None:
        """Why DuckDB refuses a query, with the line, which DuckDB leaves out when it returns rows."""
        if len(statement_spans(sql)) != 1:  # statements after the first would be executed
            return None
        with self._sending.running():
            try:
                self._cursor.execute(f"PREPARE dagscope_query AS\n{sql}")
                self._cursor.execute("DEALLOCATE dagscope_query")
            except duckdb.Error as error:
                return type(error)(moved(str(error), -1))
        return None

    def write(self, table: str, rows: pa.RecordBatchReader) -> int:
        views = dependents(self._cursor, table)
        if not views:
            return self._create_table(f"TABLE {table}", rows)
        try:
            with nullcontext() if self.in_transaction else self._sending.transaction(_BEGIN), self._without(views):
                return self._create_table(f"TABLE {table}", rows)
        except _ViewDoesNotFit as error:
            reason = f"view {DIALECT.relation(error.view)} reads {table} and does not fit its new columns"
            raise StatementFailed(self._connection, f"{reason}; change or drop the view: {error}") from error

    def _create_table(self, table: str, rows: pa.RecordBatchReader) -> int:
        columns = unique_names(rows.schema.names)
        projection = duckdb_types.import_projection(rows.schema, columns)
        watched = WatchedRows(rows)
        with watched.raising_cause(), self._sending.running():
            self._cursor.register("_rows_to_write", watched.reader)
            try:
                return self.execute(f"CREATE OR REPLACE {table} AS SELECT {projection} FROM _rows_to_write")
            finally:
                with suppress(duckdb.TransactionException):  # of a failed transaction, whose end unregisters it
                    self._cursor.unregister("_rows_to_write")

    def snapshot(self) -> AbstractContextManager[None]:
        return self._sending.undone(_BEGIN)  # nothing was written, so there is nothing to commit

    def relation_kind(self, asset: str) -> RelationKind | None:
        stage, model = asset.split(".", 1)
        is_view = self.scalar(  # a view counts even if it can no longer be read
            "SELECT true FROM duckdb_views() WHERE database_name = current_database() "
            f"AND lower(schema_name) = lower({DIALECT.literal(stage)}) "
            f"AND lower(view_name) = lower({DIALECT.literal(model)})"
        )
        if is_view:
            return RelationKind.VIEW
        try:  # with 1,000 relations, a catalogue query for tables takes 3 ms, this 0.3 ms
            self.execute(f"SELECT 1 FROM {DIALECT.relation(asset)} LIMIT 0")
        except StatementFailed:
            return None
        return RelationKind.TABLE

    def create_schema(self, stage: str) -> None:
        with self._schema_lock:  # of two concurrent CREATE SCHEMA, DuckDB fails one
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {DIALECT.identifier(stage)}")

    def is_conflict(self, error: Exception) -> bool:
        return isinstance(error.__cause__, duckdb.TransactionException)

    @property
    def engine_version(self) -> str:
        return relation_records.ENGINE

    def recorded(self, asset: str, wanted: Wanted | None) -> RelationRecord:
        with self._sending.running():
            return relation_records.recorded(self._cursor, DIALECT.relation(asset), wanted)

    def _make(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int | None:
        """Drops a relation of the other kind with the same name if DuckDB refuses to replace it."""
        try:
            return self._replace(asset, sql, existing, remade)
        except StatementFailed as error:
            if existing is not None or not _OF_ANOTHER_TYPE.search(error.reason):
                raise
            return self._replace(asset, sql, _OTHER_KIND[asset.materialization], remade)

    def _replace(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int | None:
        if asset.materialization is Materialization.INCREMENTAL:
            names = self._names_of(f"DESCRIBE {sql}")
            if existing is RelationKind.TABLE:
                return self._append(asset.name, sql, names)
            check_names(asset.name, names, str.lower)
        statements = MATERIALIZATIONS.statements(asset, sql, existing)
        try:
            rows = self._together(statements)
        except StatementFailed as error:
            if not isinstance(error.__cause__, duckdb.DependencyException):
                raise
            rows = self._under_views(asset.name, statements, remade)
        if rows == 0 and asset.materialization is Materialization.TABLE:  # DuckDB does not count those of PIVOT
            rows = self.scalar(f"SELECT count(*) FROM {DIALECT.relation(asset.name)}")
        return None if asset.materialization is Materialization.VIEW else rows

    def _together(self, statements: list[str]) -> int:
        # A single statement is its own transaction, and so need not be undone unless it succeeds.
        is_own = len(statements) == 1 and self.row_limit.most is None
        with nullcontext() if is_own else self._sending.transaction(_BEGIN):
            return self._within_limit(statements)

    def _within_limit(self, statements: list[str]) -> int:
        """The rows that the statements write. Raises `TooManyRows`, which rolls them back."""
        rows = max(map(self.execute, statements))
        self.row_limit.check(rows)
        return rows

    def _under_views(self, asset: str, statements: list[str], remade: Container[str]) -> int:
        """Replace a relation that views depend on: they are dropped and recreated.

        A view that no longer fits is lost if it is in `remade`; else raises `StatementFailed` naming it.
        """
        views, lost = dependents(self._cursor, DIALECT.relation(asset)), set[str]()
        while True:
            try:
                with self._sending.transaction(_BEGIN), self._without(views, lost):
                    return self._within_limit(statements)
            except _ViewDoesNotFit as error:
                if error.view not in remade:
                    view, relation = DIALECT.relation(error.view), DIALECT.relation(asset)
                    reason = f"view {view} reads {relation} and does not fit its new columns; change or drop the view"
                    raise StatementFailed(self._connection, f"{reason}: {error}") from error
                lost.add(error.view)  # DuckDB has no savepoints, so everything is done again

    @contextmanager
    def _without(self, views: list[Dependent], lost: Container[str] = ()) -> Iterator[None]:
        """Drops the views, and recreates them after the block, except those in `lost`."""
        for view in reversed(views):
            self.execute(view.drop)
        yield
        for view in views:
            if view.name not in lost:
                try:
                    self.execute(view.create)
                except StatementFailed as error:
                    raise _ViewDoesNotFit(view.name, error.reason) from error

    def _append(self, asset: str, sql: str, names: list[str]) -> int:
        table = DIALECT.relation(asset)
        try:
            columns = appended_columns(asset, names, self._names_of(f"DESCRIBE {table}"), str.lower)
        except ColumnsDiffer:  # columns that the table computes itself cannot be appended
            columns = appended_columns(asset, names, self._written_columns(asset), str.lower)
        return self._together([MATERIALIZATIONS.append(table, sql, columns)])

    def _written_columns(self, asset: str) -> list[str]:
        stage, model = map(DIALECT.literal, asset.split(".", 1))
        return self._names_of(
            "SELECT column_name FROM information_schema.columns WHERE table_catalog = current_database() "
            f"AND lower(table_schema) = lower({stage}) AND lower(table_name) = lower({model}) "
            "AND is_generated = 'NEVER' ORDER BY ordinal_position"
        )

    def _names_of(self, sql: str) -> list[str]:
        with self._statement(sql) as sent:
            names = [row[0] for row in self._cursor.execute(sql).fetchall()]
            sent.rows = len(names)
            return names
