"""Moving rows in bulk into PostgreSQL and out of it, over ADBC."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_manager import dbapi

from dagscope.dag.connections.arrow_types import WatchedRows, converted, unique_names
from dagscope.dag.connections.materializations import TableKeys
from dagscope.dag.connections.postgres import relations
from dagscope.dag.connections.postgres.dialect import DIALECT
from dagscope.dag.connections.postgres.errors import error_offset, lost
from dagscope.dag.connections.postgres.types import ReadColumn, WriteColumn, write_column
from dagscope.dag.connections.sending import Driver, Sending
from dagscope.dag.events.statements import SentStatement, StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed, DagscopeError, StatementFailed, TypeNotKept

OpenBulk = Callable[[], AbstractContextManager[dbapi.Connection]]
"""Opens an ADBC connection to the same database, within the connection's limit."""

STAGED_ROWS = "dagscope_rows"
"""A temporary table; each session has its own."""

_GOING = ("08", "57P01", "57P02", "57P03")  # connection exceptions, and a server that is shutting down


class Bulk:
    """An ADBC connection in use; turns ADBC's errors into dagscope's."""

    def __init__(
        self,
        connection: str,
        place: str,
        adbc_connection: dbapi.Connection,
        cursor: dbapi.Cursor,
        cancellation: Cancellation,
        statements: StatementLog,
    ) -> None:
        self.connection, self._place = connection, place
        self._reading: SentStatement | None = None
        self._adbc_connection, self._cursor = adbc_connection, cursor
        driver = Driver(
            errors=(adbc_driver_manager.Error, OSError, pa.ArrowException),
            send=cursor.execute,
            interrupt=self._interrupt,
            failure=self._failure,
            text=lambda error: database_text(str(error)),
            offset=lambda _, error: error_offset(_position(error)),
        )
        self._sending = Sending(connection, driver, cancellation, statements)

    def _interrupt(self) -> None:
        with suppress(adbc_driver_manager.Error):
            self._cursor.adbc_cancel()

    def _failure(self, error: Exception) -> DagscopeError:
        text = database_text(str(error))
        if not self._is_alive(error):
            return ConnectionFailed(self.connection, lost(self._place, text))
        return StatementFailed(self.connection, text)

    def _is_alive(self, error: Exception) -> bool:
        """Whether the connection works. An error with a state is the server's, which may be shutting down."""
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
        with self._sending.statement(sql) as sent:
            self._cursor.execute(sql)
            sent.rows = self._cursor.rowcount if self._cursor.rowcount >= 0 else None
            return sent.rows or 0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._sending.statement(sql) as sent:
            self._cursor.execute(sql)
            found = self._cursor.fetchall()
            sent.rows = len(found)
            return found

    def sql_state(self, error: DagscopeError) -> str | None:
        return getattr(error.__cause__, "sqlstate", None)

    def read(self, sql: str) -> pa.RecordBatchReader:
        with self._sending.statement(sql) as sent:
            self._cursor.execute(sql)
            sent.rows = 0
            self._reading = sent
            return self._cursor.fetch_record_batch()

    def next_batch(self, reader: pa.RecordBatchReader, columns: list[ReadColumn]) -> pa.RecordBatch | None:
        """The next rows of `read`'s result, None at the end."""
        sent = self._reading
        assert sent is not None
        try:
            with self._sending.running(), self._sending.working_on(sent, sent.text):
                sent.began()
                batch = reader.read_next_batch()
                sent.rows = (sent.rows or 0) + batch.num_rows
                return batch
        except StopIteration:
            return None
        except StatementFailed as error:
            raise _naming_interval(error, columns) from error

    def ingest(self, name: list[str], rows: pa.RecordBatchReader, temporary: bool) -> int:
        """Append rows to the table; `name` is the table's name, preceded by its schema if it has one."""
        schema = name[0] if len(name) > 1 else None
        with self._sending.statement(
            f"COPY {'.'.join(map(DIALECT.identifier, name))} FROM STDIN WITH (FORMAT binary)"
        ) as sent:
            sent.rows = self._cursor.adbc_ingest(name[-1], rows, "append", db_schema_name=schema, temporary=temporary)
            return sent.rows

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits at the end of the block; ADBC starts transactions by itself."""
        try:
            yield
        except BaseException:
            with suppress(adbc_driver_manager.Error, OSError):
                self._adbc_connection.rollback()
            raise
        with self._sending.statement("COMMIT"):
            self._adbc_connection.commit()


_ADBC_TEXT = re.compile(
    r".*?\b(?:ERROR|FATAL):\s+(?P<text>.*?)(?:\n\s*Query(?: was)?:.*|\.?\s*SQLSTATE: \w+\s*)*$", re.DOTALL
)


def database_text(text: str) -> str:
    """The database's own message in an ADBC error.

    >>> database_text("INTERNAL: [libpq] Failed: PGRES_FATAL_ERROR ERROR:  date out of range. SQLSTATE: 22008")
    'date out of range'
    """
    found = _ADBC_TEXT.match(text)
    return (found["text"] if found else text).strip().rstrip(".").strip()


def _position(error: BaseException) -> str | None:
    details = dict(getattr(error, "details", None) or ())
    position = details.get(b"PG_DIAG_STATEMENT_POSITION", details.get("PG_DIAG_STATEMENT_POSITION"))
    return position.decode() if isinstance(position, bytes) else position


def _naming_interval(error: StatementFailed, columns: list[ReadColumn]) -> DagscopeError:
    intervals = [column for column in columns if column.type.startswith("interval")]
    if "Interval" not in error.reason or not intervals:
        return error
    hint = "it is infinite or longer than Arrow's 292 years of nanoseconds; cast it to text"
    return TypeNotKept(intervals[0].name, intervals[0].type, "Arrow", hint)


def arriving(rows: pa.RecordBatchReader) -> tuple[list[WriteColumn], WatchedRows]:
    """The columns of a table for these rows, and the rows in the form that COPY accepts."""
    columns = [
        write_column(field, name) for field, name in zip(rows.schema, unique_names(rows.schema.names), strict=True)
    ]
    schema = pa.schema([column.field for column in columns])
    return columns, WatchedRows(converted(rows, schema, [column.convert for column in columns], "PostgreSQL"))


def stage(bulk: Bulk, columns: list[WriteColumn], rows: pa.RecordBatchReader) -> int:
    """Write rows to a temporary table, where some columns do not have their final type yet."""
    staged = tuple((column.name, column.staged or column.type) for column in columns)
    bulk.execute(create_table(STAGED_ROWS, staged, temporary=True))
    return ingest(bulk, STAGED_ROWS, columns, rows, temporary=True)


def staged_query(columns: list[WriteColumn]) -> str:
    return "SELECT " + ", ".join(map(_final_value, columns)) + f" FROM pg_temp.{STAGED_ROWS}"


def put(bulk: Bulk, table: str, columns: list[WriteColumn], rows: pa.RecordBatchReader) -> int:
    """Write rows to a new table, or replace those of an existing one."""
    old = relations.existing(bulk, table)
    final = tuple((column.name, column.type) for column in columns)
    is_direct = all(column.staged is None for column in columns)
    if old is None and is_direct:
        bulk.execute(create_table(table, final))
        return ingest(bulk, table, columns, rows)
    if old is not None and is_direct and relations.can_keep(old, final):
        with relations.emptied(bulk, old, TableKeys()):
            return ingest(bulk, table, columns, rows)
    count = stage(bulk, columns, rows)
    query = staged_query(columns)
    if old is None:
        relations.create_table(bulk, table, query, TableKeys())
    else:
        relations.replace_table(bulk, old, query, final, TableKeys(), set())
    return count


def ingest(
    bulk: Bulk, table: str, columns: list[WriteColumn], rows: pa.RecordBatchReader, temporary: bool = False
) -> int:
    """COPY the rows; if the server refuses a value, it names the column."""
    try:
        return bulk.ingest(_parts(bulk, table), rows, temporary)
    except StatementFailed as error:
        reason, _, context = error.reason.partition("\nCONTEXT:")
        named = [column for column in columns if context.endswith(f", column {column.name}")]
        if not named:
            raise
        raise TypeNotKept(named[0].name, named[0].source, "PostgreSQL", f"{reason} in type {named[0].type}") from error


def refuse_long_name(bulk: Bulk, table: str) -> None:
    """Raises `StatementFailed` for a table whose name PostgreSQL would truncate, possibly to another table's."""
    for part in _parts(bulk, table):
        if DIALECT.cuts(part):
            reason = f'the name "{part}" has {len(part.encode())} bytes, and PostgreSQL truncates names after'
            raise StatementFailed(bulk.connection, f"{reason} {DIALECT.longest_name}; give it a shorter one")


def _parts(bulk: Bulk, table: str) -> list[str]:
    """Schema and name of a table that is written as SQL, not truncated."""
    ((parts,),) = bulk.rows(f"SELECT parse_ident({DIALECT.literal(table)})")
    return list(parts)


def create_table(table: str, columns: tuple[tuple[str, str], ...], temporary: bool = False) -> str:
    listed = ", ".join(f"{DIALECT.identifier(name)} {type_}" for name, type_ in columns)
    if temporary:
        return f"CREATE TEMPORARY TABLE {table} ({listed}) ON COMMIT DROP"
    return f"CREATE TABLE {table} ({listed})"


def _final_value(column: WriteColumn) -> str:
    name = DIALECT.identifier(column.name)
    return f"{name}::{column.type} AS {name}" if column.staged else name
