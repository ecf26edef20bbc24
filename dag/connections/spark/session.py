"""One thread's use of Spark: a Spark Connect session of its own."""

import secrets
from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from dagscope.dag.connections.base import Session
from dagscope.dag.connections.materializations import appended_columns, check_names
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.connections.sending import Driver, Sending
from dagscope.dag.connections.spark.client import ERRORS, SparkClient, Streamed, condition, is_lost, message
from dagscope.dag.connections.spark.dialect import DIALECT
from dagscope.dag.connections.spark.errors import database_text, is_conflict, lost
from dagscope.dag.connections.spark.formats import FORMATS
from dagscope.dag.connections.spark.materializations import SparkMaterializations
from dagscope.dag.connections.spark.profiles import Work, explained, profile
from dagscope.dag.connections.spark.row_counts import affected_rows, written_relation
from dagscope.dag.connections.spark.row_files import RowFile, are_plain, folder_for_files, row_files
from dagscope.dag.connections.spark.sent_part import SentPart, parts
from dagscope.dag.connections.spark.staging import pieces, staging_table
from dagscope.dag.connections.spark.types import arriving, read_schema
from dagscope.dag.events.statements import SentStatement, StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed, DagscopeError, StatementFailed
from dagscope.dag.ground.frames import batch_rows
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import Materialization

_LENT = "dagscope_rows"
"""A temporary view; each session has its own."""

_NOT_A_TABLE = ("DELTA_CANNOT_WRITE_INTO_VIEW", "EXPECT_TABLE_NOT_VIEW", "View with same name already exists")
_NOT_A_VIEW = ("EXPECT_VIEW_NOT_TABLE", "Table with same name already exists")
_NO_SCHEMA = ("SCHEMA_NOT_FOUND", "Namespace does not exist")
_CREATED_MEANWHILE = ("TABLE_OR_VIEW_ALREADY_EXISTS",)
_SPECIAL_NAMES = "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES"
_CHANGED = "DELTA_SCHEMA_CHANGE_SINCE_ANALYSIS"
_MOST_TRIES = 8


class SparkSession(Session):
    """A session of one thread. It cannot keep several statements together: each takes effect by itself."""

    dialect: Dialect = DIALECT

    def __init__(
        self,
        connection: str,
        place: str,
        client: SparkClient,
        materializations: SparkMaterializations,
        cancellation: Cancellation,
        statements: StatementLog,
    ) -> None:
        self._connection, self._place, self._client = connection, place, client
        self._materializations = materializations
        self._format = FORMATS[materializations.table_format]
        self._part = SentPart("", 0, "")
        self._pins: dict[str, str] | None = None
        self._work: Work | None = None
        driver = Driver(
            errors=ERRORS,
            send=client.run,
            interrupt=client.interrupt,
            failure=self._failure,
            text=self._described,
            offset=lambda _, error: self._part.offset(error),
        )
        self._sending = Sending(connection, driver, cancellation, statements)

    # -- statements

    def _described(self, error: Exception) -> str:
        return self._part.described(error)

    def _failure(self, error: Exception) -> DagscopeError:
        if is_lost(error):
            self._client.is_lost = True
            return ConnectionFailed(self._connection, lost(self._place, message(error)))
        return StatementFailed(self._connection, self._described(error))

    def execute(self, sql: str) -> int:
        with self._sending.statement(sql) as sent:
            for part in parts(sql):
                sent.rows = self._run(part)
            self._profile(sent)
            return sent.rows or 0

    def _run(self, part: SentPart) -> int | None:
        """Run one statement; the rows that it wrote, None if Spark does not say."""
        self._part = part
        relation = written_relation(part.text)
        if relation is not None:
            return self._run_counted(part.text, relation)
        answer = self._command(part.text)
        if answer is None:  # a query, which was only analyzed
            for _ in self._query(part.text).batches:
                pass
        return affected_rows(answer)

    def _command(self, sql: str) -> pa.Table | None:
        """What a command returns. It is repeated if only the names of its table's columns need another setting."""
        try:
            answer = self._client.run(sql)
        except ERRORS as error:
            if not condition(error).startswith(_SPECIAL_NAMES) or not self._format.any_names:
                raise
            answer = self._with_any_names(sql)
        self._work = self._client.work
        return answer

    def _with_any_names(self, sql: str) -> pa.Table | None:
        self._client.set(self._format.any_names)
        try:
            return self._client.run(sql)
        finally:
            with suppress(*ERRORS):  # the session is lost, which is the error to report
                self._client.set(self._format.settings)

    def _query(self, sql: str) -> Streamed:
        """A query's rows, the first of which are there. It is repeated if a table's columns change just then."""
        for attempt in range(1, _MOST_TRIES + 1):
            try:
                streamed = self._client.stream(sql)
                first = next(streamed.batches, None)
                break
            except ERRORS as error:
                if attempt == _MOST_TRIES or not condition(error).startswith(_CHANGED):
                    raise
        self._work = streamed.work
        return streamed if first is None else replace(streamed, batches=chain((first,), streamed.batches))

    def _profile(self, sent: SentStatement) -> None:
        """Record the profile of a finished statement, if profiles are asked for."""
        work, plan = self._work, None
        if work is None:
            return
        if not work.has_plan:
            sent.paused()
            with suppress(*ERRORS):  # not everything can be explained
                plan = "\n".join(str(row["plan"]) for row in self._asked(explained(self._part.text)))
        sent.profile = profile(work, plan)

    def _run_counted(self, sql: str, relation: str) -> int | None:
        note = f"dagscope {secrets.token_hex(8)}"
        self._client.set({self._format.note_setting: note})
        reported = affected_rows(self._command(sql))
        if reported is not None:
            return reported
        with suppress(*ERRORS):  # a table of another format has no history
            return self._format.noted_rows(self._asked(self._format.commits(relation)), note)
        return None

    def _asked(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query that is not recorded."""
        return [row for batch in self._client.stream(sql).batches for row in batch.to_pylist()]

    def scalar(self, sql: str) -> Any:
        with self._sending.statement(sql) as sent:
            self._part = next(parts(sql))
            found = [batch for batch in self._query(self._part.text).batches if batch.num_rows]
            sent.rows = sum(batch.num_rows for batch in found)
            self._profile(sent)
            return found[0].column(0)[0].as_py() if found else None

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        """All rows of a short answer."""
        with self._sending.statement(sql) as sent:
            self._part = next(parts(sql))
            found = [row for batch in self._query(self._part.text).batches for row in batch.to_pylist()]
            sent.rows = len(found)
            self._profile(sent)
            return found

    def is_conflict(self, error: Exception) -> bool:
        cause = error.__cause__
        return isinstance(cause, ERRORS) and is_conflict(f"{condition(cause)} {message(cause)}")

    # -- relations

    def relation_kind(self, asset: str) -> RelationKind | None:
        stage, model = asset.split(".", 1)
        return self.relations_of(stage, model).get(model.lower())

    def relations_of(self, schema: str, model: str | None = None) -> dict[str, RelationKind]:
        """The tables and views of a schema by their names in lower case, or only one of them."""
        where = f"IN {DIALECT.identifier(schema)}" + (f" LIKE {DIALECT.literal(model)}" if model else "")
        try:
            tables, views = self._rows(f"SHOW TABLES {where}"), self._rows(f"SHOW VIEWS {where}")
        except StatementFailed as error:
            if _says(error, _NO_SCHEMA):
                return {}
            raise
        found = {row["tableName"].lower(): RelationKind.TABLE for row in tables if not row["isTemporary"]}
        return found | {row["viewName"].lower(): RelationKind.VIEW for row in views if not row["isTemporary"]}

    def schemas(self) -> list[str]:
        return [next(iter(row.values())) for row in self._rows("SHOW SCHEMAS")]

    def create_schema(self, stage: str) -> None:
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {DIALECT.identifier(stage)}")

    def _make(self, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str]) -> int | None:  # noqa: ARG002
        """Drops a relation of the other kind with the same name if Spark refuses to replace it."""
        try:
            return self._replace(asset, sql, existing)
        except StatementFailed as error:
            if _says(error, _CREATED_MEANWHILE):  # by another session, while this one found nothing to replace
                return self._replace(asset, sql, existing)
            other = _other_kind(error)
            if existing is not None or other is None:
                raise
            return self._replace(asset, sql, other)

    def _replace(self, asset: Asset, sql: str, existing: RelationKind | None) -> int | None:
        is_view = asset.materialization is Materialization.VIEW
        if asset.materialization is Materialization.INCREMENTAL:
            names = self._names_of(sql)
            if existing is RelationKind.TABLE:
                return self._append(asset.name, sql, names)
            check_names(asset.name, names, str.lower)
        elif existing is not None and (existing is RelationKind.VIEW) != is_view:
            self._names_of(sql)  # raises before anything is dropped
        if is_view or self.row_limit.most is None:
            rows = self._in_turn(self._materializations.statements(asset, sql, existing))
            return None if is_view else rows
        with self._counted(sql) as (staged, rows):
            self._in_turn(self._materializations.statements(asset, staged, existing))
            return rows

    def _in_turn(self, statements: list[str]) -> int:
        return [self.execute(statement) for statement in statements][-1]

    def _append(self, asset: str, sql: str, names: list[str]) -> int:
        table = DIALECT.relation(asset)
        columns = appended_columns(asset, names, self._names_of(f"SELECT * FROM {table}"), str.lower)
        if self.row_limit.most is None:
            return self.execute(self._materializations.append(table, sql, columns))
        with self._counted(sql) as (staged, rows):
            self.execute(self._materializations.append(table, staged, columns))
            return rows

    def _names_of(self, sql: str) -> list[str]:
        with self._sending.running():
            self._part = next(parts(sql))
            return self._client.columns(self._part.text)

    @contextmanager
    def _counted(self, sql: str) -> Iterator[tuple[str, int]]:
        """The query's rows in a table of their own, counted before they take effect. Raises `TooManyRows`."""
        with self._staged() as staging:
            rows = self.execute(f"CREATE TABLE {staging} USING {self._materializations.table_format} AS {sql}")
            self.row_limit.check(rows)
            yield _all_of(staging), rows

    @contextmanager
    def _staged(self) -> Iterator[str]:
        """A name for a table that is dropped after the block."""
        staging = f"{DIALECT.identifier(DIALECT.default_schema)}.{staging_table()}"
        try:
            yield staging
        finally:
            self._quietly(f"DROP TABLE IF EXISTS {staging}")

    # -- rows out

    def read(self, sql: str) -> pa.RecordBatchReader:
        rows = self._result(sql, is_query=True)
        if rows is None:
            raise StatementFailed(self._connection, "the statement returns no rows")
        return rows

    def execute_and_read(self, sql: str) -> pa.RecordBatchReader | None:
        return self._result(sql, is_query=False)

    def _result(self, sql: str, is_query: bool) -> pa.RecordBatchReader | None:
        """What the last statement returns. Reads the first rows at once, so that most errors are raised here."""
        with self._sending.statement(sql) as sent:
            *before, last = parts(sql)
            for part in before:
                self._run(part)
            self._part = last
            if not is_query:
                answer = self._command(last.text)
                if answer is not None:
                    self._profile(sent)
                    return answer.to_reader() if answer.num_columns and affected_rows(answer) is None else None
            streamed = self._query(last.text)
            first = next(streamed.batches)
        if not first.num_columns:
            return None
        sent.rows = first.num_rows
        schema = read_schema(first.schema, streamed.types)
        return pa.RecordBatchReader.from_batches(schema, self._batches(first, streamed, schema, sent, last))

    def _batches(
        self,
        batch: pa.RecordBatch | None,
        streamed: Streamed,
        schema: pa.Schema,
        sent: SentStatement,
        part: SentPart,
    ) -> Iterator[pa.RecordBatch]:
        size = batch_rows(len(schema))
        while batch is not None:
            for start in range(0, batch.num_rows, size):
                yield pa.RecordBatch.from_arrays(batch.slice(start, size).columns, schema=schema)
            self._part, self._work = part, streamed.work  # other statements may be sent in between
            with self._sending.running(), self._sending.working_on(sent, part.sql):
                sent.began()
                batch = next(streamed.batches, None)
                if batch is None:
                    self._profile(sent)
            sent.rows = (sent.rows or 0) + (batch.num_rows if batch is not None else 0)

    @contextmanager
    def selecting(self, sql: str, inputs: Mapping[str, pa.RecordBatchReader]) -> Iterator[pa.RecordBatchReader]:
        with ExitStack() as lent:
            for view, rows in inputs.items():  # temporary views take precedence over tables
                query, _ = lent.enter_context(self._arrived(rows, view))
                if query != _in_order(view):
                    with self._sending.running():
                        self._client.run(f"CREATE OR REPLACE TEMPORARY VIEW {view} AS {query}")
            yield self.read_to_show(f"SELECT * FROM ({sql}\n) AS selected")

    def count_rows(self, asset: str, where: str = "") -> int:
        condition_ = f" WHERE {where}" if where else ""
        return int(self.scalar(f"SELECT count(*) FROM {self._pinned(asset)}{condition_}"))

    def page_sql(self, asset: str, offset: int, limit: int | None, clauses: str = "") -> str:
        page = f" LIMIT {limit}" if limit is not None else ""
        return f"SELECT * FROM {self._pinned(asset)}{clauses}{page} OFFSET {offset}"

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Pins the version of each asset's table at its first use in the block; a query of other SQL is not pinned."""
        self._pins = {}
        try:
            yield
        finally:
            self._pins = None

    def _pinned(self, asset: str) -> str:
        relation = DIALECT.relation(asset)
        if self._pins is None:
            return relation
        if asset not in self._pins:
            self._pins[asset] = self._version(relation)
        return relation + self._pins[asset]

    def _version(self, relation: str) -> str:
        with suppress(*ERRORS):  # a view has no versions
            for newest in self._asked(self._format.newest_version(relation)):
                return f" VERSION AS OF {next(iter(newest.values()))}"
        return ""

    # -- rows in

    def write(self, table: str, rows: pa.RecordBatchReader) -> int:
        with self._arrived(rows, _LENT) as (query, count):
            statement = f"CREATE OR REPLACE TABLE {table} USING {self._materializations.table_format} AS {query}"
            try:
                self._put(statement, count)
            except StatementFailed as error:
                if _other_kind(error) is not RelationKind.VIEW:
                    raise
                self.execute(f"DROP VIEW {table}")
                self._put(statement, count)
            return count

    def _put(self, statement: str, rows: int) -> None:
        """Run a statement that writes this many rows."""
        with self._sending.statement(statement) as sent:
            self._part = SentPart(statement, 0, statement)
            self._command(statement)
            sent.rows = rows
            self._profile(sent)

    @contextmanager
    def _arrived(self, rows: pa.RecordBatchReader, view: str) -> Iterator[tuple[str, int]]:
        """A query of the rows, which are on the server inside the block, and how many there are."""
        arrived = arriving(rows)
        with arrived.watched.raising_cause(), ExitStack() as lent:
            found = pieces(arrived.watched.reader)
            first, second = next(found), next(found, None)
            lent.callback(self._quietly, f"DROP VIEW IF EXISTS {view}")
            if second is None:
                self._lend(view, first)
                yield _in_order(view), first.num_rows
                return
            staging = lent.enter_context(self._staged())
            yield _all_of(staging), self._collected(staging, view, chain((first, second), found), arrived.schema)

    def _collected(self, staging: str, view: str, found: Iterator[pa.Table], schema: pa.Schema) -> int:
        """All rows in a new table; how many there are. As files, as long as the server takes them."""
        self._lend(view, schema.empty_table())
        place = self._folder_for_files(staging, view) if are_plain(schema) else None
        if place is None:
            self._quietly(f"DROP TABLE IF EXISTS {staging}")
            self._put(f"CREATE TABLE {staging} USING {self._materializations.table_format} AS {_all_of(view)}", 0)
            return sum(self._add(staging, view, piece) for piece in found)
        count = 0
        with TemporaryDirectory(prefix="dagscope-spark-") as folder:
            for number, file in enumerate(row_files(found, schema, Path(folder))):
                if not self._takes(staging, file, f"{place}/part-{number:05}.parquet", is_first=not number):
                    return sum(self._add(staging, view, piece) for piece in chain(file.pieces(), found))
                count += file.rows
        return count

    def _folder_for_files(self, staging: str, view: str) -> str | None:
        """Where the server may copy files to, so that they are the rows of a new table; None if there is no such place.

        Nobody reads that table, so it may be a plain one; not all catalogs have such tables.
        """
        with suppress(*ERRORS):
            self._client.run(f"CREATE TABLE {staging} USING parquet AS {_all_of(view)}")
            rows = self._asked(f"DESCRIBE TABLE EXTENDED {staging}")
            return next((folder_for_files(row["data_type"]) for row in rows if row["col_name"] == "Location"), None)
        return None

    def _takes(self, staging: str, file: RowFile, place: str, is_first: bool) -> bool:
        """Copy the file into the folder of the table; false if the first one cannot be, or executors do not see it."""
        with self._sending.running():
            try:
                self._client.upload(file.path, place)
                self._client.run(f"REFRESH TABLE {staging}")
            except ERRORS:
                if is_first and not self._client.is_lost:
                    return False
                raise
        return not is_first or self.scalar(f"SELECT count(*) FROM {staging}") == file.rows

    def _add(self, staging: str, view: str, piece: pa.Table) -> int:
        self._lend(view, piece)
        self._put(f"INSERT INTO {staging} {_in_order(view)}", piece.num_rows)
        return int(piece.num_rows)

    def _lend(self, view: str, rows: pa.Table) -> None:
        with self._sending.running():
            self._part = SentPart("", 0, "")
            self._client.lend(view, rows)

    def _quietly(self, sql: str) -> None:
        """Clean up; also after an error, which is the one to report."""
        with suppress(*ERRORS):
            self._client.run(sql)


def _other_kind(error: StatementFailed) -> RelationKind | None:
    """The kind of the relation that Spark refuses to replace with one of the other kind."""
    if _says(error, _NOT_A_TABLE):
        return RelationKind.VIEW
    return RelationKind.TABLE if _says(error, _NOT_A_VIEW) else None


def _says(error: StatementFailed, reasons: tuple[str, ...]) -> bool:
    """Whether one of these is the error's condition, or in the words of a catalog that names no condition."""
    cause = error.__cause__
    said = f"{condition(cause)} {database_text(message(cause))}" if isinstance(cause, ERRORS) else ""
    return any(reason in said for reason in reasons)


def _all_of(relation: str) -> str:
    return f"SELECT * FROM {relation}"


def _in_order(view: str) -> str:
    """A query of lent rows, which one task writes into one file: several would lose their order."""
    return f"SELECT /*+ COALESCE(1) */ * FROM {view}"
