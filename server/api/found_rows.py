"""The rows that a request asks for, wherever they are: in a kept frame, or in a relation of a database."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from dagscope.dag.connections import Connection
from dagscope.dag.connections.base import Queries
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.connections.row_columns import RowColumn, columns_of_frame, columns_of_relation
from dagscope.dag.connections.row_conditions import AskedRows, WantedRows, wanted_rows
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import RowsRefused
from dagscope.dag.ground.frames import Frame, batch_rows
from dagscope.dag.model.assets import Asset
from dagscope.server.api.row_query import MANY_ROWS, RowQuery
from dagscope.server.http.pages import Page
from dagscope.server.workspace.column_summaries import Summary, summarized
from dagscope.server.workspace.frame_queries import FrameQueries
from dagscope.server.workspace.reads import Reads
from dagscope.server.workspace.workspace import Workspace


@dataclass(frozen=True)
class FoundRows:
    """A page of the wanted rows, and how many rows there are: `total` without a filter, `matching` with it.

    Close `resources` when done.
    """

    columns: tuple[RowColumn, ...]
    schema: pa.Schema
    total: int
    matching: int
    batches: Iterable[pa.RecordBatch]
    resources: ExitStack

    def within(self, most: int | None, page: Page) -> "FoundRows":
        """These rows. If the page has more than `most`, closes the resources and raises `RowsRefused`."""
        rows = max(0, self.matching - page.offset)
        rows = rows if page.limit is None else min(rows, page.limit)
        if most is not None and rows > most:
            self.resources.close()
            raise too_many(rows, most)
        return self


def too_many(rows: int, most: int) -> RowsRefused:
    """What refuses that many rows at once."""
    limit = f"an answer has at most {most:,} rows, the limit that DAGSCOPE_ANSWER_ROWS sets"
    return RowsRefused(f"{limit}, and these are {rows:,}; ask for fewer with 'limit' or 'filter'")


class RowSource(Protocol):
    """Where rows are. The methods raise `RowsRefused` and what a read of a database or a frame raises."""

    @property
    def reads(self) -> Reads:
        """The places for reading from it."""

    @property
    def holds_its_place(self) -> bool:
        """Whether the read lasts until all rows are sent, as it does for a database."""

    def found(self, asked: AskedRows, page: Page, cancellation: Cancellation) -> FoundRows | None:
        """A page of the rows; None if there is no relation."""

    def summary(self, asked: AskedRows, cancellation: Cancellation) -> Summary | None:
        """What the columns of these rows are like; None if there is no relation."""


@dataclass(frozen=True)
class FrameRows:
    """The rows of a kept frame."""

    frame: Frame
    queries: FrameQueries
    reads: Reads
    holds_its_place: bool = False

    def found(self, asked: AskedRows, page: Page, cancellation: Cancellation) -> FoundRows:
        places = self.queries.places(self.frame, asked, cancellation)
        if places is None and page.is_whole:
            rows = self.queries.stream(self.frame)
            columns = columns_of_frame(rows.schema)
            return FoundRows(columns, rows.schema, self.frame.rows, self.frame.rows, iter(rows), ExitStack())
        table = self.queries.table(self.frame)
        batches = _taken(table, places, page) if places is not None else page.slice(table).to_batches()
        matching = self.frame.rows if places is None else len(places)
        columns = columns_of_frame(table.schema)
        return FoundRows(columns, table.schema, self.frame.rows, matching, iter(batches), ExitStack())

    def summary(self, asked: AskedRows, cancellation: Cancellation) -> Summary:
        return self.queries.summary(self.frame, asked, cancellation)


def _taken(table: pa.Table, places: pa.Array, page: Page) -> Iterator[pa.RecordBatch]:
    """The rows at some places, a few thousand at a time: taking costs about as much for one row as for many."""
    wanted = places.slice(page.offset, page.limit)
    size = batch_rows(table.num_columns)
    for start in range(0, len(wanted), size):
        yield from table.take(wanted.slice(start, size)).combine_chunks().to_batches()


@dataclass(frozen=True)
class RelationRows:
    """The rows of an asset's relation as it is now."""

    asset: Asset
    connection: Connection
    queries: FrameQueries
    reads: Reads
    holds_its_place: bool = True

    def found(self, asked: AskedRows, page: Page, cancellation: Cancellation) -> FoundRows | None:
        return rows_of_relation(self.asset, self.connection, asked, page, cancellation)

    def summary(self, asked: AskedRows, cancellation: Cancellation) -> Summary | None:
        with ExitStack() as stack:
            session = stack.enter_context(self.connection.queries(cancellation))
            if session.relation_kind(self.asset.name) is None:
                return None
            stack.enter_context(session.snapshot())
            schema = session.columns_to_show(self.asset.name)
            columns = columns_of_relation(schema, session.dialect)
            wanted = wanted_rows(columns, AskedRows(filters=asked.filters))
            if not session.summarizes:
                rows = session.rows_to_show(self.asset.name, clauses=wanted.clauses())
                return self.queries.summary_of_stream(rows, cancellation)
            return _summarized_there(session, columns, schema, self.asset.name, wanted.where)
        return None


def rows_of_relation(
    asset: Asset, connection: Connection, asked: AskedRows, page: Page, cancellation: Cancellation
) -> FoundRows | None:
    """Rows of the asset's relation as it is now, all counted and read at one moment; None if there is none."""
    with ExitStack() as stack:
        session = stack.enter_context(connection.queries(cancellation))
        kind = session.relation_kind(asset.name)
        if kind is None:
            return None
        stack.enter_context(session.snapshot())
        schema = session.columns_to_show(asset.name)
        columns = columns_of_relation(schema, session.dialect)
        wanted = wanted_rows(columns, asked)
        total = session.count_rows(asset.name)
        matching = session.count_rows(asset.name, wanted.where) if wanted.where else total
        row_order = _row_order(session, kind, columns)
        if session.writes_texts and page.limit is None and matching - page.offset >= MANY_ROWS:
            query = session.page_sql(asset.name, page.offset, None, wanted.clauses(row_order))
            rows = RowQuery(session, schema, query)
            return FoundRows(columns, schema, total, matching, rows, stack.pop_all())
        rows = _rows_of_page(session, asset.name, wanted, row_order, page)
        return FoundRows(columns, rows.schema, total, matching, rows, stack.pop_all())


def _row_order(session: Queries, kind: RelationKind, columns: tuple[RowColumn, ...]) -> str:
    """What identifies the rows of a table in their order; "" for a view, or if a column hides it."""
    name = session.dialect.row_order
    is_hidden = any(column.name.lower() == name for column in columns)
    return name if kind is RelationKind.TABLE and not is_hidden else ""


def _rows_of_page(session: Queries, asset: str, wanted: WantedRows, row_order: str, page: Page) -> pa.RecordBatchReader:
    """A sorted page of a table is found by its keys alone: sorting whole rows takes twice as long or more."""
    clauses = wanted.clauses(row_order)
    if not (wanted.order and row_order and page.limit is not None):
        return session.rows_to_show(asset, page.offset, page.limit, clauses)
    places = f"SELECT {row_order} FROM {session.dialect.relation(asset)}{clauses}"
    found = f"{row_order} IN ({places} LIMIT {page.limit} OFFSET {page.offset})"
    return session.rows_to_show(asset, clauses=WantedRows(found, wanted.order).clauses(row_order))


def _summarized_there(
    session: Queries, columns: tuple[RowColumn, ...], schema: pa.Schema, asset: str, where: str
) -> Summary:
    relation = session.dialect.relation(asset)
    return summarized(columns, schema, relation, where, lambda sql: session.read_to_show(sql).read_all())


def frame_rows(workspace: Workspace, frame: Frame) -> FrameRows:
    return FrameRows(frame, workspace.frame_queries, workspace.reads.frames)


def relation_rows(workspace: Workspace, asset: Asset) -> RelationRows:
    connection = workspace.project.connections[asset.connection]
    return RelationRows(asset, connection, workspace.frame_queries, workspace.reads.data)
