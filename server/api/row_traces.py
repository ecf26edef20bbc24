"""The rows of upstreams that a row can come from, and those of downstreams that it can be in, by their values."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from dagscope.dag.connections.row_conditions import AskedRows
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError, RowsRefused
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.column_lineage import ColumnLineage
from dagscope.dag.model.query_parsing import QueryNotParsed
from dagscope.dag.model.row_readings import Reading, readings_of
from dagscope.dag.project.project import Project
from dagscope.dag.run.data_tests import rows_text
from dagscope.server.api.column_origins import Origins, origins_of
from dagscope.server.api.found_rows import rows_of_relation
from dagscope.server.api.node_query import QueryRefused
from dagscope.server.api.row_answers import columns_shape
from dagscope.server.api.row_json import parsed_rows
from dagscope.server.api.row_ways import Row, RowWay, filters_of, way_down, way_up
from dagscope.server.http.pages import Page
from dagscope.server.http.shapes.lineage import FollowedColumn, RowTrace, TracedRows, TraceRequest
from dagscope.server.http.shapes.rows import DataColumn

_MOST_WAYS = 10  # to one relation that are traced
_SHOWN = 3  # reasons in a sentence


def trace(project: Project, asset: Asset, request: TraceRequest, cancellation: Cancellation) -> RowTrace:
    """The rows around a row of the asset. Raises `QueryRefused`, or what a read of the database raises."""
    origins = origins_of(project, asset, cancellation)
    _refuse_unknown(asset, request.row, origins.columns)
    rows = _RowsOf(project, request.limit, cancellation)
    row, sentence = _completed(rows, asset, request.row, origins.columns)
    tracing = _Tracing(project, asset, row, rows, cancellation)
    return RowTrace(
        name=asset.name,
        sentence=sentence,
        row=dict(row),
        upstreams=tuple(tracing.upstreams(origins)),
        downstreams=tuple(each for name in project.graph.downstreams[asset.name] for each in tracing.downstream(name)),
    )


def _refuse_unknown(asset: Asset, row: Row, columns: Sequence[ColumnLineage]) -> None:
    known = {column.name for column in columns}
    unknown = next((name for name in row if name not in known), None)
    if unknown is not None and "*" not in known:
        details = f'it has no column "{unknown[:100]}"; its columns are {", ".join(sorted(known))}'
        raise QueryRefused(f'"{asset.name}" has no such row', details)


@dataclass(frozen=True)
class _Found:
    matching: int
    columns: tuple[DataColumn, ...]
    rows: list[list[JsonValue]]


@dataclass(frozen=True)
class _RowsOf:
    """Rows of relations as they are now."""

    project: Project
    limit: int
    cancellation: Cancellation

    def found(self, asset: Asset, filters: Iterable[str], limit: int) -> "_Found | None":
        """The rows that meet all filters; None if there is no relation."""
        connection = self.project.connections[asset.connection]
        found = rows_of_relation(
            asset, connection, AskedRows(filters=tuple(filters)), Page(limit=limit), self.cancellation
        )
        if found is None:
            return None
        with found.resources:
            rows = parsed_rows(found.batches)
        return _Found(found.matching, columns_shape(found.columns, ()), rows)


def _completed(rows: _RowsOf, asset: Asset, row: Row, columns: Sequence[ColumnLineage]) -> tuple[Row, str]:
    """All values of the row that is meant, and how that was found out. Raises `QueryRefused`."""
    if {column.name for column in columns} <= row.keys():
        return row, "All values of the row are given."
    try:
        found = rows.found(asset, filters_of(row), 1)
    except RowsRefused as error:
        raise QueryRefused(f'"{asset.name}" has no such row', str(error)) from error
    if found is None or not found.matching:
        return row, f"No row of {asset.name} has these values now; they are followed alone."
    if found.matching > 1:
        return row, f"{rows_text(found.matching)} of {asset.name} have these values; they are followed alone."
    whole = zip((column.name for column in found.columns), found.rows[0], strict=True)
    return dict(whole), f"1 row of {asset.name} has these values; all its values are followed."


class _Tracing:
    def __init__(self, project: Project, asset: Asset, row: Row, rows: _RowsOf, cancellation: Cancellation) -> None:
        self._project, self._asset, self._row = project, asset, row
        self._rows, self._cancellation = rows, cancellation

    def upstreams(self, origins: Origins) -> Iterator[TracedRows]:
        """The rows of each upstream, one entry for each place where the query reads it in another way."""
        try:
            found = readings_of(origins.query)
        except QueryNotParsed as error:
            sentence = f"{self._asset.name} cannot be followed: {self._shown(error)}."
            yield from (TracedRows(asset=name, sentence=sentence) for name in self._asset.upstreams)
            return
        for name in self._asset.upstreams:
            yield from self._upstream(name, origins, found)

    def _upstream(self, name: str, origins: Origins, found: Iterable[Reading]) -> Iterator[TracedRows]:
        ways = _ways(found, name, origins, lambda reading: way_up(reading, self._row))
        for way in ways[:_MOST_WAYS]:
            yield self._traced(name, way)
        if len(ways) > _MOST_WAYS:
            yield TracedRows(asset=name, sentence=f"{name} is read in {len(ways) - _MOST_WAYS} more places.")
        if not ways:
            of_it = (column for column in origins.columns if name in _assets_of(column, origins))
            reasons = [f"{column.name}: {column.why}" for column in of_it if column.why]
            because = f" ({'; '.join(reasons[:_SHOWN])})" if reasons else ""
            yield TracedRows(asset=name, sentence=f"No column of the row leads to {name} unchanged{because}.")

    def downstream(self, name: str) -> Iterator[TracedRows]:
        """The rows of a downstream, likewise."""
        try:
            origins = origins_of(self._project, self._project.assets[name], self._cancellation)
            found = readings_of(origins.query)
        except Cancelled:
            raise
        except (DagscopeError, QueryNotParsed) as error:
            yield TracedRows(asset=name, sentence=f"{name} cannot be followed: {self._shown(error)}.")
            return
        ways = _ways(found, self._asset.name, origins, lambda reading: way_down(reading, self._row))
        for way in ways[:_MOST_WAYS]:
            if way.compared and self._is_left_out(way):
                no_row = f"{name} reads no such row of {self._asset.name}: it needs {way.conditions}."
                yield TracedRows(asset=name, sentence=no_row, read_as=way.read_as, matching_records=0)
            else:
                yield self._traced(name, replace(way, compared=()))
        if not ways:
            yield TracedRows(asset=name, sentence=f"No column of the row is in {name} unchanged.")

    def _is_left_out(self, way: RowWay) -> bool:
        """Whether the row does not meet what a downstream asks of it."""
        try:
            found = self._rows.found(self._asset, (*filters_of(self._row), *way.compared_filters), 0)
        except RowsRefused:
            return False
        return found is not None and not found.matching

    def _traced(self, name: str, way: RowWay) -> TracedRows:
        followed = tuple(FollowedColumn(column=column, other=other) for column, other, _ in way.pairs)
        about = TracedRows(asset=name, sentence="", read_as=way.read_as, followed=followed, not_followed=way.unread)
        if way.missing:
            no_row = f"No row of {name} was joined: {way.missing} is NULL."
            return about.model_copy(update={"sentence": no_row, "matching_records": 0})
        try:
            found, way = self._found(name, way)
        except Cancelled:
            raise
        except DagscopeError as error:
            return about.model_copy(update={"sentence": self._shown(error)})
        if found is None:
            return about.model_copy(update={"sentence": f"{name} has no table or view."})
        return about.model_copy(
            update={
                "sentence": way.sentence(name, found.matching),
                "not_followed": way.unread,
                "matching_records": found.matching,
                "columns": found.columns,
                "rows": found.rows,
            }
        )

    def _found(self, name: str, way: RowWay) -> tuple[_Found | None, RowWay]:
        """The rows, and the way that found them: a comparison may be one that only the database understands."""
        asset = self._project.assets[name]
        try:
            return self._rows.found(asset, (*way.filters, *way.compared_filters), self._rows.limit), way
        except RowsRefused:
            if not way.compared:
                raise
        return self._rows.found(asset, way.filters, self._rows.limit), way.without_compared()

    def _shown(self, error: Exception) -> str:
        return self._project.redaction.text(str(error))


def _ways(
    readings: Iterable[Reading], relation_of: str, origins: Origins, way: Callable[[Reading], RowWay]
) -> Sequence[RowWay]:
    """The different ways through the places where a query reads the relation of an asset, if they lead on."""
    places = [way(each) for each in readings if origins.assets.get(each.relation.lower()) == relation_of]
    different = {replace(each, read_as=None): each for each in places if each.pairs or each.missing}
    return [each if len(places) > 1 else replace(each, read_as=None) for each in different.values()]


def _assets_of(column: ColumnLineage, origins: Origins) -> set[str | None]:
    return {origins.assets.get(origin.relation.lower()) for origin in column.origins}
