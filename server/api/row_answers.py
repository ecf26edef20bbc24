"""Answers made of rows: arrays for a grid, files to download, and summaries of columns."""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.connections.row_columns import Kind, RowColumn
from dagscope.dag.connections.row_conditions import AskedRows
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError, RowsRefused
from dagscope.dag.ground.shapes import Shape
from dagscope.server.api.asset_data import Rows, RowsResponse, json_rows, read_rows
from dagscope.server.api.found_rows import FoundRows, RowSource
from dagscope.server.api.row_files import FileFormat, file_chunks
from dagscope.server.api.row_json import array_chunks, cells
from dagscope.server.http.answers import Refused, ShapeResponse, bad_request, unread
from dagscope.server.http.attachments import attachment
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.pages import Page
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.row_requests import asked_rows, chosen
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.data_tests import DataTestRows
from dagscope.server.http.shapes.rows import (
    AssetRows,
    ColumnSummaryNow,
    CommonValue,
    DataColumn,
    DataSummary,
    HistogramBin,
)
from dagscope.server.workspace.column_summaries import Bin, ColumnSummary, Summary
from dagscope.server.workspace.reads import Read
from dagscope.server.workspace.workspace import Workspace

Failed = Callable[[str], Shape]
"""The body of an answer to rows that cannot be read, for the reason in the text."""

_KEY = True


def unreadable(reason: str) -> Shape:
    """The body if no endpoint has its own."""
    return Error(error="The rows cannot be read", details=reason)


def _is_key(column: RowColumn, keys: Collection[str]) -> Any:
    return _KEY if column.name.lower() in {key.lower() for key in keys} else None


def columns_shape(columns: Iterable[RowColumn], keys: Collection[str]) -> tuple[DataColumn, ...]:
    """The columns of rows as arrays. `keys` are the fields of the primary key."""
    return tuple(DataColumn(name=each.name, type=each.type, key=_is_key(each, keys)) for each in columns)


async def rows_answer(
    request: Request, source: RowSource, page: Page, written: Callable[[FoundRows], Rows], failed: Failed
) -> Response:
    """The rows that the request asks for, as `written` writes them; 204 if there are none to find."""
    asked, most = asked_rows(request), workspace_of(request).settings.answer_rows

    def find(cancellation: Cancellation) -> Rows | None:
        found = source.found(asked, page, cancellation)
        return written(found.within(most, page)) if found is not None else None

    async with RowRefusals(workspace_of(request), failed):
        rows = await _begun(request, source, find)
    return RowsResponse(*rows) if rows is not None else Response(status_code=204)


async def _begun(
    request: Request, source: RowSource, find: Callable[[Cancellation], Rows | None]
) -> tuple[Rows, Read | None] | None:
    """Rows whose first ones are read, and the read that reads the rest, if that needs one."""
    if source.holds_its_place:
        return await read_rows(source.reads, find, until_gone(request))

    def begun(cancellation: Cancellation) -> Rows | None:
        rows = find(cancellation)
        if rows is not None:
            rows.begin()
        return rows

    rows = await source.reads.answer(begun, until_gone(request))
    return (rows, None) if rows is not None else None


def array_rows(about: AssetRows | DataTestRows, found: FoundRows, page: Page, keys: Collection[str] = ()) -> Rows:
    """The rows as arrays, and `about` with their columns and numbers. `keys` are the fields of the primary key."""
    facts = {
        "columns": columns_shape(found.columns, keys),
        "total_records": found.total,
        "matching_records": found.matching,
        "offset": page.offset,
        "limit": page.limit,
    }
    return json_rows(about.model_copy(update=facts), "rows", array_chunks(found.batches), found.resources)


async def file_answer(request: Request, source: RowSource, name: str) -> Response:
    """The rows that the request asks for as a file to save."""
    asked, format_ = asked_rows(request), chosen(request, "as", FileFormat)
    most = workspace_of(request).settings.answer_rows

    def find(cancellation: Cancellation) -> Rows | None:
        found = source.found(asked, Page(), cancellation)
        if found is None:
            return None
        found.within(most, Page())
        return Rows("", file_chunks(format_, found.schema, found.batches), "", found.resources)

    async with RowRefusals(workspace_of(request), unreadable):
        rows = await _begun(request, source, find)
    if rows is None:
        return Response(status_code=204)
    return RowsResponse(*rows, media_type=format_.media_type, headers=attachment(f"{name}.{format_}"))


async def summary_answer(request: Request, source: RowSource, keys: Collection[str]) -> Response:
    """What the columns of the rows that the request asks for are like."""
    asked = AskedRows(filters=asked_rows(request).filters)

    def read(cancellation: Cancellation) -> Shape | None:
        summary = source.summary(asked, cancellation)
        return _shape(summary, keys) if summary is not None else None

    async with RowRefusals(workspace_of(request), unreadable):
        shape = await source.reads.answer(read, until_gone(request))
    return ShapeResponse(shape) if shape is not None else Response(status_code=204)


def _shape(summary: Summary, keys: Collection[str]) -> DataSummary:
    return DataSummary(total_records=summary.rows, columns=tuple(_column_shape(each, keys) for each in summary.columns))


def _column_shape(summary: ColumnSummary, keys: Collection[str]) -> ColumnSummaryNow:
    column = summary.column
    least, most = cells(summary.field, summary.ends) if summary.ends is not None else (None, None)
    commonest = None
    if summary.commonest is not None:
        values, counts = summary.commonest
        shown = cells(summary.field, values)
        commonest = tuple(CommonValue(value=value, count=n) for value, n in zip(shown, counts, strict=True))
    return ColumnSummaryNow(
        name=column.name,
        type=column.type,
        key=_is_key(column, keys),
        nulls=summary.nulls,
        distinct=summary.distinct,
        distinct_is_approximate=summary.is_approximate,
        least=least,
        most=most,
        mean=summary.mean,
        histogram=tuple(_bin_shape(column.kind, each) for each in summary.bins) if summary.bins is not None else None,
        commonest=commonest,
    )


def _bin_shape(kind: Kind, bin_: Bin) -> HistogramBin:
    return HistogramBin(from_=_edge(kind, bin_.least), to=_edge(kind, bin_.most), count=bin_.count)


def _edge(kind: Kind, position: float) -> float | str:
    if kind.is_number:
        return position
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=position)
    except OverflowError:  # outside the years 1 to 9999
        return f"{position / 31_556_952e6 + 1970:.0f}"
    if kind is Kind.DATE:
        return moment.date().isoformat()
    text = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    return text + "Z" if kind is Kind.ZONED else text


class RowRefusals:
    """Turns what reading rows raises into refusals of the request."""

    def __init__(self, workspace: Workspace, failed: Failed) -> None:
        self._redaction, self._failed = workspace.project.redaction, failed

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, RowsRefused):
            raise bad_request(str(error)) from error
        if isinstance(error, DagscopeError):
            raise Refused(unread(error), self._failed(self._redaction.text(str(error)))) from error
