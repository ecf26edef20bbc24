"""One thread's use of a PostgreSQL database: psycopg for statements, ADBC for rows in bulk."""

import re
from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import pq
from psycopg.pq import TransactionStatus

from dagscope.dag.connections.arrow_types import converted
from dagscope.dag.connections.base import Session
from dagscope.dag.connections.materializations import TableKeys, appended_columns
from dagscope.dag.connections.postgres import relation_records, relations
from dagscope.dag.connections.postgres.bulk import (
    STAGED_ROWS,
    Bulk,
    OpenBulk,
    arriving,
    create_table,
    ingest,
    put,
    refuse_long_name,
    stage,
    staged_query,
)
from dagscope.dag.connections.postgres.dialect import DIALECT
from dagscope.dag.connections.postgres.errors import error_offset, lost
from dagscope.dag.connections.postgres.materializations import GATHERED_ROWS, MATERIALIZATIONS, NEW_ROWS
from dagscope.dag.connections.postgres.types import ReadColumn, read_column
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.connections.relation_records import RelationRecord, Wanted
from dagscope.dag.connections.sending import NOTHING_COMMITTED, Driver, Sending
from dagscope.dag.connections.several_statements import first_word, with_statement
from dagscope.dag.events.statements import StatementLog, of_no_node
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import (
    ColumnsDiffer,
    ConnectionFailed,
    DagscopeError,
    StatementFailed,
    TransactionLeftOpen,
    TypeNotKept,
)
from dagscope.dag.ground.frames import batch_rows
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.dialect import Dialect, quoted
from dagscope.dag.model.file_shapes import Materialization

_WRITING = {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"}
_CONFLICTS = {"40001", "40P01", "XX000"}  # serialization, deadlock, "tuple concurrently updated"
_NOT_A_SUBQUERY = (psycopg.errors.SyntaxError, psycopg.errors.FeatureNotSupported)
_ENDS_TRANSACTIONS = re.compile(r"\b(?:commit|end|rollback|abort|call|do)\b", re.IGNORECASE)
_UNDEFINED_TABLE = "42P01"
_CANCEL_TIMEOUT_S = 1  # the event loop waits meanwhile


class _Counting(psycopg.Cursor[Any]):
    """Counts how many statements of one text were done when the next one failed."""

    finished: int | None = None

    def _check_results(self, results: "list[pq.abc.PGresult]") -> None:
        self.finished = sum(1 for result in results if result.status != pq.ExecStatus.FATAL_ERROR)
        super()._check_results(results)


class PostgresSession(Session):
    """A pooled connection, and a second connection while rows move in bulk."""

    dialect: Dialect = DIALECT

    def __init__(
        self,
        connection: str,
        place: str,
        psycopg_connection: psycopg.Connection[Any],
        cancellation: Cancellation,
        bulk: OpenBulk,
        statements: StatementLog,
    ) -> None:
        self.connection, self._place = connection, place
        self._psycopg, self._cancellation, self._open_bulk = psycopg_connection, cancellation, bulk
        self._statements = statements
        self._snapshot: str | None = None
        self._executing: tuple[str, _Counting] | None = None
        driver = Driver(
            errors=(psycopg.Error,),
            send=psycopg_connection.execute,
            interrupt=self._interrupt,
            failure=self._failure,
            text=self._text,
            offset=lambda _, error: error_offset(_position(error)),
        )
        self._sending = Sending(connection, driver, cancellation, statements)

    # -- statements

    def _interrupt(self) -> None:
        with suppress(psycopg.Error):  # the statement has just ended, or the server is gone
            self._psycopg.cancel_safe(timeout=_CANCEL_TIMEOUT_S)

    def _failure(self, error: Exception) -> DagscopeError:
        if self._psycopg.broken or self._psycopg.closed:
            return ConnectionFailed(self.connection, lost(self._place, str(error)))
        return StatementFailed(self.connection, self._text(error))

    def _text(self, error: Exception) -> str:
        text = str(error).strip()
        if self._executing is None:
            return text
        sql, cursor = self._executing
        return with_statement(text, sql, error_offset(_position(error)), cursor.finished)

    def execute(self, sql: str) -> int:
        with _Counting(self._psycopg) as cursor:
            self._executing = (sql, cursor)
            try:
                with self._sending.statement(sql) as sent:
                    was_failed = self._psycopg.info.transaction_status is TransactionStatus.INERROR
                    cursor.execute(sql)
                    if was_failed and cursor.statusmessage == "ROLLBACK" and first_word(sql) in ("commit", "end"):
                        raise StatementFailed(self.connection, NOTHING_COMMITTED)
                    while cursor.nextset():
                        pass
                    sent.rows = cursor.rowcount if cursor.rowcount >= 0 else None
                    return rows_written(cursor)
            finally:
                self._executing = None

    def execute_and_read(self, sql: str) -> pa.RecordBatchReader | None:
        with _Counting(self._psycopg) as cursor:
            self._executing = (sql, cursor)
            try:
                with self._sending.statement(sql) as sent:
                    cursor.execute(sql)
                    while cursor.nextset():
                        pass
                    if cursor.description is None:
                        return None
                    values = cursor.fetchall()
                    sent.rows = len(values)
            finally:
                self._executing = None
            return _table(values, self._described(cursor, to_show=False), are_cast=False)

    def refuse_open_transaction(self) -> None:
        if self.in_transaction:
            self._psycopg.rollback()
            raise TransactionLeftOpen(self.connection)

    def _leaves_nothing_behind(self, asset: Asset, sql: str) -> bool:
        """Several statements are one transaction, unless they contain transaction commands."""
        return super()._leaves_nothing_behind(asset, sql) or not _ENDS_TRANSACTIONS.search(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._sending.statement(sql) as sent, self._psycopg.cursor() as cursor:
            found = cursor.execute(sql).fetchall()
            sent.rows = len(found)
            return found

    def scalar(self, sql: str) -> Any:
        rows = self.rows(sql)
        return rows[0][0] if rows else None

    def sql_state(self, error: DagscopeError) -> str | None:
        return getattr(error.__cause__, "sqlstate", None)

    def is_conflict(self, error: Exception) -> bool:
        return getattr(error.__cause__, "sqlstate", None) in _CONFLICTS

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._sending.undone("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            try:
                self._snapshot = self.scalar("SELECT pg_export_snapshot()")
                yield
            finally:
                self._snapshot = None

    # -- relations

    @property
    def engine_version(self) -> str:
        return relation_records.engine(self._psycopg.info.server_version)

    def unlogged_rows(self, sql: str) -> list[tuple[Any, ...]]:
        """As `rows`, but not in the log of statements."""
        with self._sending.running(), self._psycopg.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def _unlogged_read(self, sql: str) -> pa.RecordBatchReader:
        """As `read`, but not in the log of statements."""
        place, cancellation = self._place, self._cancellation
        unlogged = PostgresSession(self.connection, place, self._psycopg, cancellation, self._open_bulk, of_no_node())
        return unlogged.read(sql)

    def recorded(self, asset: str, wanted: Wanted | None) -> RelationRecord:
        relation = DIALECT.relation(asset)
        described = relation_records.columns(self, relation)
        if wanted is None:
            return RelationRecord(described)
        if wanted.captured_rows != 0:
            wanted.keep(self._unlogged_read(f"SELECT * FROM {relation}{wanted.limit()}"))
        return relation_records.recorded(self, self.engine_version, relation, described, wanted)

    def relation_kind(self, asset: str) -> RelationKind | None:
        found = relations.existing(self, DIALECT.relation(asset))
        return found.kind if found else None

    def create_schema(self, stage: str) -> None:
        """Checks first, because a user who may not create schemas may still use an existing one."""
        if self._has_schema(stage):
            return
        with self._sending.transaction("BEGIN"):
            relations.lock(self, stage)
            if not self._has_schema(stage):
                self.execute(f"CREATE SCHEMA {DIALECT.identifier(stage)}")

    def _has_schema(self, stage: str) -> bool:
        return bool(self.rows(f"SELECT 1 FROM pg_namespace WHERE nspname = {DIALECT.literal(stage)}"))

    def _make(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int | None:
        name = DIALECT.relation(asset.name)
        with self._sending.transaction("BEGIN"):
            relations.lock(self, asset.name)
            if asset.materialization is Materialization.VIEW:
                relations.replace_view(self, name, sql, remade)
                return None
            rows = self._rows_made(asset, sql, existing, remade)
            self.row_limit.check(rows)
            return rows

    def _rows_made(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int:
        name, keys = DIALECT.relation(asset.name), TableKeys.of(asset)
        old = relations.existing(self, name)
        if asset.materialization is Materialization.INCREMENTAL and existing is RelationKind.TABLE:
            return self._append(asset.name, sql, old)
        if old is None:
            return relations.create_table(self, name, sql, keys)
        return self._replace(old, sql, keys, remade)

    def _append(self, asset: str, sql: str, table: relations.Existing | None) -> int:
        names = self._names_of(sql)
        written = [name for name, _ in table.columns] if table else []
        try:
            columns = appended_columns(asset, names, written)
        except ColumnsDiffer:  # columns that the table computes itself cannot be appended
            written = relations.written_columns(self, table) if table else []
            columns = appended_columns(asset, names, written)
        return self.execute(MATERIALIZATIONS.append(DIALECT.relation(asset), sql, columns))

    def _names_of(self, sql: str) -> list[str]:
        described = f"SELECT * FROM ({sql}\n) AS described LIMIT 0"
        with self._sending.statement(described), self._psycopg.cursor() as cursor:
            cursor.execute(described)
            return [column.name for column in cursor.description or ()]

    def _replace(self, old: relations.Existing, sql: str, keys: TableKeys, remade: Container[str]) -> int:
        """Creates the rows in a separate table, so that readers do not wait and the query can read the old rows."""
        self.execute(MATERIALIZATIONS.gather(sql))
        new = relations.existing(self, NEW_ROWS)
        assert new is not None
        return relations.replace_table(self, old, GATHERED_ROWS, new.columns, keys, remade)

    # -- rows out

    def read(self, sql: str) -> pa.RecordBatchReader:
        return self._read(sql, to_show=False)

    def read_to_show(self, sql: str) -> pa.RecordBatchReader:
        return self._read(sql, to_show=True)

    def columns_to_show(self, asset: str) -> pa.Schema:
        columns = self._columns_of(self.page_sql(asset, 0, None), to_show=True)
        return pa.schema([column.field for column in columns])

    def rows_to_show(
        self, asset: str, offset: int = 0, limit: int | None = None, clauses: str = ""
    ) -> pa.RecordBatchReader:
        """Refuses arrays of several dimensions before the first row is read, whichever row has them."""
        sql = self.page_sql(asset, offset, limit, clauses)
        columns = self._columns_of(sql, to_show=True)
        names = [f"c{index}" for index in range(len(columns))]
        arrays = [(name, column) for name, column in zip(names, columns, strict=True) if column.is_array]
        if arrays:
            most = ", ".join(f"max(array_ndims({name}))" for name, _ in arrays)
            (found,) = self.rows(f"SELECT {most} FROM ({sql}) AS page_rows({', '.join(names)})")
            for (_, column), dimensions in zip(arrays, found, strict=True):
                _refuse_dimensions(column, dimensions)
        return self.read_to_show(sql)

    def _read(self, sql: str, to_show: bool) -> pa.RecordBatchReader:
        try:
            columns = self._columns_of(sql, to_show)
        except StatementFailed as error:
            if isinstance(error.__cause__, _NOT_A_SUBQUERY) and not self.in_transaction:
                return self._read_here(sql, to_show)  # SHOW, INSERT ... RETURNING; or an error, whose offset fits `sql`
            raise
        wrapped = _wrapped(sql, columns)
        if self.in_transaction and self._snapshot is None:
            return self._read_here(wrapped, to_show, columns)  # only this connection sees what the transaction wrote
        try:
            return self._read_in_bulk(wrapped, columns)
        except StatementFailed as error:
            if self.sql_state(error) == _UNDEFINED_TABLE:  # a temporary table, which other connections do not see
                return self._read_here(wrapped, to_show, columns)
            raise

    @property
    def in_transaction(self) -> bool:
        return self._psycopg.info.transaction_status is not TransactionStatus.IDLE

    def _columns_of(self, sql: str, to_show: bool) -> list[ReadColumn]:
        description = f"SELECT * FROM ({sql}\n) AS described LIMIT 0"
        with self._sending.running(), self._psycopg.cursor() as cursor:
            with self._sending.noting(description):
                cursor.execute(description)
            return self._described(cursor, to_show)

    def _described(self, cursor: psycopg.Cursor[Any], to_show: bool) -> list[ReadColumn]:
        result = cursor.pgresult
        assert result is not None
        names = [column.name for column in cursor.description or ()]
        types = [(result.ftype(index), result.fmod(index)) for index in range(len(names))]
        texts = {(oid, modifier): (text, is_enum) for oid, modifier, text, is_enum in self._type_texts(set(types))}
        return [read_column(name, *texts[type_], to_show) for name, type_ in zip(names, types, strict=True)]

    def _type_texts(self, types: set[tuple[int, int]]) -> list[tuple[Any, ...]]:
        if not types:
            return []
        values = ", ".join(f"({oid}::oid, {modifier})" for oid, modifier in types)
        return self.rows(
            "SELECT v.oid::bigint, v.modifier, format_type(v.oid, v.modifier), "
            "coalesce(item.typtype, t.typtype) = 'e' "
            f"FROM (VALUES {values}) AS v(oid, modifier) JOIN pg_type t ON t.oid = v.oid "
            "LEFT JOIN pg_type item ON item.oid = t.typelem AND t.typcategory = 'A'"
        )

    def _read_in_bulk(self, sql: str, columns: list[ReadColumn]) -> pa.RecordBatchReader:
        """Reads the first rows immediately, so that most errors are raised here and not while rows are sent."""
        resources = ExitStack()
        try:
            bulk = resources.enter_context(self._bulk())
            if self._snapshot is not None:
                bulk.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                bulk.execute(f"SET TRANSACTION SNAPSHOT {DIALECT.literal(self._snapshot)}")
            return self._rows_of(bulk, sql, columns, resources)
        except BaseException:
            resources.close()
            raise

    def _rows_of(self, bulk: Bulk, sql: str, columns: list[ReadColumn], resources: ExitStack) -> pa.RecordBatchReader:
        source = bulk.read(sql)
        first = bulk.next_batch(source, columns)
        return _typed(self._bulk_batches(bulk, source, first, columns, resources), columns, source.schema)

    def _bulk_batches(
        self,
        bulk: Bulk,
        source: pa.RecordBatchReader,
        batch: pa.RecordBatch | None,
        columns: list[ReadColumn],
        resources: ExitStack,
    ) -> Iterator[pa.RecordBatch]:
        with resources:
            while batch is not None:
                yield from _sliced(batch, columns)
                batch = bulk.next_batch(source, columns)

    def _read_here(self, sql: str, to_show: bool, columns: list[ReadColumn] | None = None) -> pa.RecordBatchReader:
        """Rows through psycopg, all at once: for statements and tables that only this connection can read."""
        with self._sending.running(), self._psycopg.cursor() as cursor:
            with self._sending.noting(sql) as sent:
                cursor.execute(sql)
                if cursor.description is None:
                    raise StatementFailed(self.connection, "the statement returns no rows")
                values = cursor.fetchall()
                sent.rows = len(values)
            described = columns or self._described(cursor, to_show)
        return _table(values, described, are_cast=columns is not None)

    @contextmanager
    def selecting(self, sql: str, inputs: Mapping[str, pa.RecordBatchReader]) -> Iterator[pa.RecordBatchReader]:
        if not inputs:
            with self.snapshot():  # it is READ ONLY
                yield self.read_to_show(f"SELECT * FROM ({sql}\n) AS selected")
            return
        with self._bulk() as bulk, self._sending.undone("BEGIN"):
            for table, rows in inputs.items():
                self._lend(bulk, table, rows)
            for statements in (self, bulk):
                statements.execute("SET TRANSACTION READ ONLY")
            columns = self._columns_of(sql, to_show=True)
            yield self._rows_of(bulk, _wrapped(sql, columns), columns, ExitStack())

    def _lend(self, bulk: Bulk, table: str, rows: pa.RecordBatchReader) -> None:
        """Write rows to a temporary table of the bulk connection, and create an empty one here to describe queries."""
        columns, watched = arriving(rows)
        final = tuple((column.name, column.type) for column in columns)
        for statements in (self, bulk):
            statements.execute(create_table(table, final, temporary=True))
        with watched.raising_cause():
            if all(column.staged is None for column in columns):
                ingest(bulk, table, columns, watched.reader, temporary=True)
            else:
                stage(bulk, columns, watched.reader)
                bulk.execute(f"INSERT INTO {table} {staged_query(columns)}")
                bulk.execute(f"DROP TABLE pg_temp.{STAGED_ROWS}")

    # -- rows in

    def write(self, table: str, rows: pa.RecordBatchReader) -> int:
        columns, watched = arriving(rows)
        with watched.raising_cause(), self._bulk() as bulk, bulk.transaction():
            refuse_long_name(bulk, table)
            relations.lock(bulk, table)
            return put(bulk, table, columns, watched.reader)

    @contextmanager
    def _bulk(self) -> Iterator[Bulk]:
        with self._open_bulk() as connection, connection.cursor() as cursor:
            yield Bulk(self.connection, self._place, connection, cursor, self._cancellation, self._statements)


def _position(error: Exception) -> str | None:
    return error.diag.statement_position if isinstance(error, psycopg.Error) else None


def rows_written(cursor: psycopg.Cursor[Any]) -> int:
    """The rows that the last statement wrote; CREATE TABLE AS answers `SELECT 5`, without columns."""
    command = (cursor.statusmessage or "").split(" ")[0]
    if command in _WRITING or (command == "SELECT" and cursor.description is None):
        return max(0, cursor.rowcount)
    return 0


def _wrapped(sql: str, columns: list[ReadColumn]) -> str:
    """The query with casts; also the number of dimensions of each array, which Arrow cannot express."""
    names = [f"c{index}" for index in range(len(columns))]
    values = [
        f"{column.expression(name)} AS {quoted(column.name)}" for name, column in zip(names, columns, strict=True)
    ]
    values += [f"array_ndims({name})" for name, column in zip(names, columns, strict=True) if column.is_array]
    return f"SELECT {', '.join(values)} FROM ({sql}\n) AS query_rows" + (f"({', '.join(names)})" if names else "")


def _sliced(batch: pa.RecordBatch, columns: list[ReadColumn]) -> Iterator[pa.RecordBatch]:
    arrays = [column for column in columns if column.is_array]
    for column, dimensions in zip(arrays, batch.columns[len(columns) :], strict=True):
        _refuse_dimensions(column, pc.max(dimensions).as_py())
    wanted = batch.select(range(len(columns)))
    size = batch_rows(len(columns))
    for start in range(0, wanted.num_rows, size):
        yield wanted.slice(start, size)


def _refuse_dimensions(column: ReadColumn, dimensions: int | None) -> None:
    if dimensions is not None and dimensions > 1:
        example = f"to_jsonb({DIALECT.identifier(column.name)})"
        hint = f"it holds an array of {dimensions} dimensions; cast it, for example {example}"
        raise TypeNotKept(column.name, column.type, "Arrow", hint)


def _typed(batches: Iterator[pa.RecordBatch], columns: list[ReadColumn], source: pa.Schema) -> pa.RecordBatchReader:
    schema = pa.schema([column.field for column in columns])
    arriving = pa.schema(list(source)[: len(columns)])
    rows = pa.RecordBatchReader.from_batches(arriving, batches)
    return converted(rows, schema, [column.convert for column in columns], "Arrow")


def _table(values: list[tuple[Any, ...]], columns: list[ReadColumn], are_cast: bool) -> pa.RecordBatchReader:
    arrays = [_array([row[index] for row in values], column, is_cast=are_cast) for index, column in enumerate(columns)]
    schema = pa.schema([column.field for column in columns])
    return pa.Table.from_arrays(arrays, schema=schema).to_reader()


def _array(values: list[Any], column: ReadColumn, is_cast: bool) -> pa.Array:
    type_ = column.field.type
    if pa.types.is_interval(type_):
        hint = "it cannot be read inside a transaction; cast it to text"
        raise TypeNotKept(column.name, column.type, "Arrow", hint)
    if column.cast is not None and not is_cast:
        values = [None if value is None else str(value) for value in values]
    if column.cast is not None and column.convert is not None:
        return column.convert(pa.array(values, pa.list_(pa.string()) if column.is_array else pa.string()))
    return pa.array(values, type_)
