"""One thread's use of a PostgreSQL database: psycopg for statements, ADBC for rows in bulk."""

import re
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any

import adbc_driver_manager
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager import dbapi
from psycopg.pq import TransactionStatus

from dagscope.dag.connections.arrow_types import WatchedRows, converted, unique_names
from dagscope.dag.connections.base import RelationKind, Session
from dagscope.dag.connections.postgres import relations
from dagscope.dag.connections.postgres.types import ReadColumn, WriteColumn, read_column, write_column
from dagscope.dag.events.statements import SentStatement, StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, ConnectionFailed, DagscopeError, StatementFailed, TypeNotKept
from dagscope.dag.ground.frames import batch_rows
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.model.relation_names import identifier, relation
from dagscope.dag.model.templates import sql_literal

OpenBulk = Callable[[], AbstractContextManager[dbapi.Connection]]
"""Opens an ADBC connection to the same database, within the connection's limit."""

_WRITING = {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"}
_CONFLICTS = {"40001", "40P01", "XX000"}  # serialization, deadlock, "tuple concurrently updated"
_NOT_A_SUBQUERY = (psycopg.errors.SyntaxError, psycopg.errors.FeatureNotSupported)
_UNDEFINED_TABLE = "42P01"
_GOING = ("08", "57P01", "57P02", "57P03")  # connection exceptions, and a server that shuts down
_CANCEL_TIMEOUT_S = 1  # the event loop waits meanwhile
_STAGED_ROWS = "dagscope_rows"  # temporary tables: every session has its own


class PostgresSession(Session):
    """A pooled connection, and a second one for as long as rows move in bulk."""

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

    # -- statements

    @contextmanager
    def _running(self) -> Iterator[None]:
        """psycopg's errors as dagscope's, and an interrupt as a cancellation."""
        try:
            with self._cancellation.interrupting(self._interrupt):
                yield
        except psycopg.Error as error:
            if self._cancellation.is_requested:
                raise Cancelled from error
            raise self._failure(error) from error

    @contextmanager
    def _sending(self, sql: str) -> Iterator[SentStatement]:
        """The same for a statement that is sent now."""
        with self._running(), self._noting(sql) as sent:
            yield sent

    @contextmanager
    def _noting(self, sql: str) -> Iterator[SentStatement]:
        sent = self._statements.sent(self.connection, sql)
        try:
            yield sent
        except psycopg.Error as error:
            sent.failed(str(error).strip(), sql, _offset(error.diag.statement_position))
            raise
        finally:
            sent.paused()

    def _roll_back(self) -> None:
        """After an error, which is the one to tell, or a read; whether it was cancelled or not."""
        with suppress(psycopg.Error), self._noting("ROLLBACK"):
            self._psycopg.execute("ROLLBACK")

    def _interrupt(self) -> None:
        with suppress(psycopg.Error):  # it has just ended, or the server is gone
            self._psycopg.cancel_safe(timeout=_CANCEL_TIMEOUT_S)

    def _failure(self, error: psycopg.Error) -> DagscopeError:
        if self._psycopg.broken or self._psycopg.closed:
            return ConnectionFailed(self.connection, lost(self._place, str(error)))
        return StatementFailed(self.connection, str(error).strip())

    def execute(self, sql: str) -> int:
        with self._sending(sql) as sent, self._psycopg.cursor() as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass
            sent.rows = cursor.rowcount if cursor.rowcount >= 0 else None
            return rows_written(cursor)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._sending(sql) as sent, self._psycopg.cursor() as cursor:
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
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            self._snapshot = self.scalar("SELECT pg_export_snapshot()")
            yield
        finally:
            self._snapshot = None
            self._roll_back()

    # -- relations

    def relation_kind(self, asset: str) -> RelationKind | None:
        found = relations.existing(self, relation(asset))
        return found.kind if found else None

    def create_schema(self, stage: str) -> None:
        """Asks first: who may not create schemas may still use one that is there."""
        if self._has_schema(stage):
            return
        with self.transaction():
            relations.lock(self, stage)
            if not self._has_schema(stage):
                self.execute(f"CREATE SCHEMA {identifier(stage)}")

    def _has_schema(self, stage: str) -> bool:
        return bool(self.rows(f"SELECT 1 FROM pg_namespace WHERE nspname = {sql_literal(stage)}"))

    def materialize(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int | None:
        name = relation(asset.name)
        with self.transaction():
            relations.lock(self, asset.name)
            if asset.materialization is Materialization.VIEW:
                relations.replace_view(self, name, sql, remade)
                return None
            old = relations.existing(self, name)
            if asset.materialization is Materialization.INCREMENTAL and existing is RelationKind.TABLE:
                return self.execute(f"INSERT INTO {name} {sql}")
            keys = relations.Keys(asset.primary_key_fields, asset.indexes)
            if old is None:
                return relations.create_table(self, name, sql, keys)
            return self._replace(old, sql, keys, remade)

    def _replace(self, old: relations.Existing, sql: str, keys: relations.Keys, remade: Container[str]) -> int:
        """The rows are made beside the table, so that readers wait for nothing and the query can read the old ones."""
        self.execute(relations.gather_rows(sql))
        new = relations.existing(self, relations.NEW_ROWS)
        assert new is not None
        return relations.replace_table(self, old, relations.GATHERED_ROWS, new.columns, keys, remade)

    # -- rows out

    def read(self, sql: str) -> pa.RecordBatchReader:
        return self._read(sql, to_show=False)

    def read_to_show(self, sql: str) -> pa.RecordBatchReader:
        return self._read(sql, to_show=True)

    def _read(self, sql: str, to_show: bool) -> pa.RecordBatchReader:
        try:
            columns = self._columns_of(sql, to_show)
        except StatementFailed as error:
            if isinstance(error.__cause__, _NOT_A_SUBQUERY) and not self._in_transaction:
                return self._read_here(sql, to_show)  # SHOW, INSERT ... RETURNING; or an error, told without our frame
            raise
        wrapped = _wrapped(sql, columns)
        if self._in_transaction and self._snapshot is None:
            return self._read_here(wrapped, to_show, columns)  # only here is what the transaction has written
        try:
            return self._read_in_bulk(wrapped, columns)
        except StatementFailed as error:
            if _adbc_sql_state(error) == _UNDEFINED_TABLE:  # a temporary table, which other connections do not have
                return self._read_here(wrapped, to_show, columns)
            raise

    @property
    def _in_transaction(self) -> bool:
        return self._psycopg.info.transaction_status is not TransactionStatus.IDLE

    def _columns_of(self, sql: str, to_show: bool) -> list[ReadColumn]:
        description = f"SELECT * FROM ({sql}\n) AS described LIMIT 0"
        with self._running(), self._psycopg.cursor() as cursor:
            with self._noting(description):
                cursor.execute(description)
            return self._described(cursor, to_show)

    def _described(self, cursor: psycopg.Cursor[Any], to_show: bool) -> list[ReadColumn]:
        result = cursor.pgresult
        assert result is not None
        names = [column.name for column in cursor.description or ()]
        types = [(result.ftype(index), result.fmod(index)) for index in range(len(names))]
        told = {(oid, modifier): (text, is_enum) for oid, modifier, text, is_enum in self._type_texts(set(types))}
        return [read_column(name, *told[type_], to_show) for name, type_ in zip(names, types, strict=True)]

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
        """The first rows are asked for at once, so that most errors come from here and not while rows are sent."""
        resources = ExitStack()
        try:
            bulk = resources.enter_context(self._bulk())
            if self._snapshot is not None:
                bulk.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                bulk.execute(f"SET TRANSACTION SNAPSHOT {sql_literal(self._snapshot)}")
            return self._rows_of(bulk, sql, columns, resources)
        except BaseException:
            resources.close()
            raise

    def _rows_of(
        self, bulk: "_Bulk", sql: str, columns: list[ReadColumn], resources: ExitStack
    ) -> pa.RecordBatchReader:
        source = bulk.read(sql)
        first = bulk.next_batch(source, columns)
        return _typed(self._bulk_batches(bulk, source, first, columns, resources), columns, source.schema)

    def _bulk_batches(
        self,
        bulk: "_Bulk",
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
        """Rows through psycopg, all at once: for statements and tables that only this connection has."""
        with self._running(), self._psycopg.cursor() as cursor:
            with self._noting(sql) as sent:
                cursor.execute(sql)
                if cursor.description is None:
                    raise StatementFailed(self.connection, "the statement gives no rows")
                values = cursor.fetchall()
                sent.rows = len(values)
            described = columns or self._described(cursor, to_show)
        arrays = [
            _array([row[index] for row in values], column, is_cast=columns is not None)
            for index, column in enumerate(described)
        ]
        schema = pa.schema([column.field for column in described])
        return pa.Table.from_arrays(arrays, schema=schema).to_reader()

    @contextmanager
    def selecting(self, sql: str, inputs: Mapping[str, pa.RecordBatchReader]) -> Iterator[pa.RecordBatchReader]:
        if not inputs:
            with self.snapshot():  # which is READ ONLY
                yield self.read_to_show(f"SELECT * FROM ({sql}\n) AS selected")
            return
        with self._bulk() as bulk, self._rolled_back():
            for table, rows in inputs.items():
                self._lend(bulk, table, rows)
            for statements in (self, bulk):
                statements.execute("SET TRANSACTION READ ONLY")
            columns = self._columns_of(sql, to_show=True)
            yield self._rows_of(bulk, _wrapped(sql, columns), columns, ExitStack())

    @contextmanager
    def _rolled_back(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(psycopg.Error):
                self._psycopg.execute("ROLLBACK")

    def _lend(self, bulk: "_Bulk", table: str, rows: pa.RecordBatchReader) -> None:
        """Rows as a temporary table of the bulk connection; an empty one here, where queries are described."""
        columns, arriving = _arriving(rows)
        final = tuple((column.name, column.type) for column in columns)
        for statements in (self, bulk):
            statements.execute(_create_table(table, final, temporary=True))
        with arriving.telling_cause():
            if all(column.staged is None for column in columns):
                _ingest(bulk, table, columns, arriving.reader, temporary=True)
            else:
                _stage(bulk, columns, arriving.reader)
                bulk.execute(f"INSERT INTO {table} {_staged_query(columns)}")
                bulk.execute(f"DROP TABLE pg_temp.{_STAGED_ROWS}")

    # -- rows in

    def write(self, table: str, rows: pa.RecordBatchReader) -> int:
        columns, watched = _arriving(rows)
        with watched.telling_cause(), self._bulk() as bulk, bulk.transaction():
            relations.lock(bulk, table)
            return _put(bulk, table, columns, watched.reader)

    @contextmanager
    def _bulk(self) -> Iterator["_Bulk"]:
        with self._open_bulk() as connection, connection.cursor() as cursor:
            yield _Bulk(self.connection, self._place, connection, cursor, self._cancellation, self._statements)


class _Bulk:
    """An ADBC connection in use; ADBC's errors come out as dagscope's."""

    def __init__(
        self,
        connection: str,
        place: str,
        adbc_connection: dbapi.Connection,
        cursor: dbapi.Cursor,
        cancellation: Cancellation,
        statements: StatementLog,
    ) -> None:
        self.connection, self._place, self._cancellation = connection, place, cancellation
        self._statements = statements
        self._reading: SentStatement | None = None
        self._adbc_connection, self._cursor = adbc_connection, cursor

    @contextmanager
    def _running(self) -> Iterator[None]:
        try:
            with self._cancellation.interrupting(self._interrupt):
                yield
        except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
            if self._cancellation.is_requested:
                raise Cancelled from error
            raise self._failure(error) from error

    @contextmanager
    def _sending(self, sql: str) -> Iterator[SentStatement]:
        """The same for a statement that is sent now."""
        with self._running():
            sent = self._statements.sent(self.connection, sql)
            with self._working_on(sent, sql):
                yield sent

    @contextmanager
    def _working_on(self, sent: SentStatement, sql: str) -> Iterator[None]:
        try:
            yield
        except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
            sent.failed(database_text(str(error)), sql, _offset(_adbc_position(error)))
            raise
        finally:
            sent.paused()

    def _interrupt(self) -> None:
        with suppress(adbc_driver_manager.Error):
            self._cursor.adbc_cancel()

    def _failure(self, error: Exception) -> DagscopeError:
        text = database_text(str(error))
        if not self._is_alive(error):
            return ConnectionFailed(self.connection, lost(self._place, text))
        return StatementFailed(self.connection, text)

    def _is_alive(self, error: Exception) -> bool:
        """An error with a state is the server's answer, unless it says good-bye."""
        state = getattr(error, "sqlstate", None)
        if state is not None:
            return not state.startswith(_GOING)
        try:
            self._adbc_connection.rollback()
            with self._adbc_connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except (adbc_driver_manager.Error, OSError):
            return False
        return True

    def execute(self, sql: str) -> int:
        with self._sending(sql) as sent:
            self._cursor.execute(sql)
            sent.rows = self._cursor.rowcount if self._cursor.rowcount >= 0 else None
            return sent.rows or 0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._sending(sql) as sent:
            self._cursor.execute(sql)
            found = self._cursor.fetchall()
            sent.rows = len(found)
            return found

    def sql_state(self, error: DagscopeError) -> str | None:
        return _adbc_sql_state(error)

    def read(self, sql: str) -> pa.RecordBatchReader:
        with self._sending(sql) as sent:
            self._cursor.execute(sql)
            sent.rows = 0
            self._reading = sent
            return self._cursor.fetch_record_batch()

    def next_batch(self, reader: pa.RecordBatchReader, columns: list[ReadColumn]) -> pa.RecordBatch | None:
        """The next rows of what `read` gave."""
        sent = self._reading
        assert sent is not None
        try:
            with self._running(), self._working_on(sent, sent.text):
                sent.began()
                batch = reader.read_next_batch()
                sent.rows = (sent.rows or 0) + batch.num_rows
                return batch
        except StopIteration:
            return None
        except StatementFailed as error:
            raise _naming_interval(error, columns) from error

    def ingest(self, name: list[str], rows: pa.RecordBatchReader, temporary: bool) -> int:
        """Rows to the end of the table of that name, its schema before it where it has one."""
        schema = name[0] if len(name) > 1 else None
        with self._sending(f"COPY {'.'.join(map(identifier, name))} FROM STDIN WITH (FORMAT binary)") as sent:
            sent.rows = self._cursor.adbc_ingest(name[-1], rows, "append", db_schema_name=schema, temporary=temporary)
            return sent.rows

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """ADBC begins transactions by itself."""
        try:
            yield
        except BaseException:
            with suppress(adbc_driver_manager.Error, OSError):
                self._adbc_connection.rollback()
            raise
        with self._sending("COMMIT"):
            self._adbc_connection.commit()


def _arriving(rows: pa.RecordBatchReader) -> tuple[list[WriteColumn], WatchedRows]:
    """The columns that a table for these rows has, and the rows as COPY takes them."""
    columns = [
        write_column(field, name) for field, name in zip(rows.schema, unique_names(rows.schema.names), strict=True)
    ]
    schema = pa.schema([column.field for column in columns])
    return columns, WatchedRows(converted(rows, schema, [column.convert for column in columns], "PostgreSQL"))


def _stage(bulk: _Bulk, columns: list[WriteColumn], rows: pa.RecordBatchReader) -> int:
    """Rows into a temporary table, some columns not yet of their final type."""
    arriving = tuple((column.name, column.staged or column.type) for column in columns)
    bulk.execute(_create_table(_STAGED_ROWS, arriving, temporary=True))
    return _ingest(bulk, _STAGED_ROWS, columns, rows, temporary=True)


def _staged_query(columns: list[WriteColumn]) -> str:
    return "SELECT " + ", ".join(map(_final_value, columns)) + f" FROM pg_temp.{_STAGED_ROWS}"


def _put(bulk: _Bulk, table: str, columns: list[WriteColumn], rows: pa.RecordBatchReader) -> int:
    """Rows into a new table, or in the place of an old one's."""
    old = relations.existing(bulk, table)
    final = tuple((column.name, column.type) for column in columns)
    is_direct = all(column.staged is None for column in columns)
    if old is None and is_direct:
        bulk.execute(_create_table(table, final))
        return _ingest(bulk, table, columns, rows)
    if old is not None and is_direct and relations.can_keep(old, final):
        with relations.emptied(bulk, old, relations.Keys()):
            return _ingest(bulk, table, columns, rows)
    count = _stage(bulk, columns, rows)
    query = _staged_query(columns)
    if old is None:
        relations.create_table(bulk, table, query, relations.Keys())
    else:
        relations.replace_table(bulk, old, query, final, relations.Keys(), set())
    return count


def _ingest(
    bulk: _Bulk, table: str, columns: list[WriteColumn], rows: pa.RecordBatchReader, temporary: bool = False
) -> int:
    """COPY the rows; the server names the column that holds what it refuses."""
    ((parts,),) = bulk.rows(f"SELECT parse_ident({sql_literal(table)})")
    try:
        return bulk.ingest(parts, rows, temporary)
    except StatementFailed as error:
        reason, _, context = error.reason.partition("\nCONTEXT:")
        named = [column for column in columns if context.endswith(f", column {column.name}")]
        if not named:
            raise
        raise TypeNotKept(named[0].name, named[0].source, "PostgreSQL", f"{reason} in type {named[0].type}") from error


def _create_table(table: str, columns: tuple[tuple[str, str], ...], temporary: bool = False) -> str:
    listed = ", ".join(f"{identifier(name)} {type_}" for name, type_ in columns)
    if temporary:
        return f"CREATE TEMPORARY TABLE {table} ({listed}) ON COMMIT DROP"
    return f"CREATE TABLE {table} ({listed})"


def _final_value(column: WriteColumn) -> str:
    name = identifier(column.name)
    return f"{name}::{column.type} AS {name}" if column.staged else name


def rows_written(cursor: psycopg.Cursor[Any]) -> int:
    """What the last statement wrote; `SELECT 5` without columns is what CREATE TABLE AS answers."""
    command = (cursor.statusmessage or "").split(" ")[0]
    if command in _WRITING or (command == "SELECT" and cursor.description is None):
        return max(0, cursor.rowcount)
    return 0


def lost(place: str, text: str) -> str:
    """Why a statement did not end that was under way when the server went."""
    reason = text.strip().splitlines()[0] if text.strip() else "the connection was closed"
    return f"lost the server at {place} while a statement ran ({reason}); run again once it is back"


_ADBC_TEXT = re.compile(
    r".*?\b(?:ERROR|FATAL):\s+(?P<text>.*?)(?:\n\s*Query(?: was)?:.*|\.?\s*SQLSTATE: \w+\s*)*$", re.DOTALL
)


def database_text(text: str) -> str:
    """The database's own words in an error of ADBC's.

    >>> database_text("INTERNAL: [libpq] Failed: PGRES_FATAL_ERROR ERROR:  date out of range. SQLSTATE: 22008")
    'date out of range'
    """
    found = _ADBC_TEXT.match(text)
    return (found["text"] if found else text).strip().rstrip(".").strip()


def _adbc_sql_state(error: DagscopeError) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)


def _adbc_position(error: BaseException) -> str | None:
    details = dict(getattr(error, "details", None) or ())
    position = details.get(b"PG_DIAG_STATEMENT_POSITION", details.get("PG_DIAG_STATEMENT_POSITION"))
    return position.decode() if isinstance(position, bytes) else position


def _offset(position: str | None) -> int | None:
    """An error's place in its statement from 0; PostgreSQL counts characters from 1."""
    return int(position) - 1 if position else None


def _wrapped(sql: str, columns: list[ReadColumn]) -> str:
    """The query with casts; for each array also its number of dimensions, which Arrow could not tell."""
    names = [f"c{index}" for index in range(len(columns))]
    values = [
        f'{column.expression(name)} AS "{column.name.replace(chr(34), chr(34) * 2)}"'
        for name, column in zip(names, columns, strict=True)
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
        hint = f"it holds an array of {dimensions} dimensions; cast it, for example to_jsonb({identifier(column.name)})"
        raise TypeNotKept(column.name, column.type, "Arrow", hint)


def _typed(batches: Iterator[pa.RecordBatch], columns: list[ReadColumn], source: pa.Schema) -> pa.RecordBatchReader:
    schema = pa.schema([column.field for column in columns])
    arriving = pa.schema(list(source)[: len(columns)])
    rows = pa.RecordBatchReader.from_batches(arriving, batches)
    return converted(rows, schema, [column.convert for column in columns], "Arrow")


def _array(values: list[Any], column: ReadColumn, is_cast: bool) -> pa.Array:
    type_ = column.field.type
    if pa.types.is_interval(type_):
        raise TypeNotKept(column.name, column.type, "Arrow", "in an open transaction; cast it to text")
    if column.cast is not None and not is_cast:
        values = [None if value is None else str(value) for value in values]
    if column.cast is not None and column.convert is not None:
        return column.convert(pa.array(values, pa.list_(pa.string()) if column.is_array else pa.string()))
    return pa.array(values, type_)


def _naming_interval(error: StatementFailed, columns: list[ReadColumn]) -> DagscopeError:
    intervals = [column for column in columns if column.type.startswith("interval")]
    if "Interval" not in error.reason or not intervals:
        return error
    hint = "it is infinite or longer than Arrow's 292 years of nanoseconds; cast it to text"
    return TypeNotKept(intervals[0].name, intervals[0].type, "Arrow", hint)
