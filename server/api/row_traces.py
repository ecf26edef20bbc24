"""The rows of upstreams that a row can come from, and those of downstreams that it can be in, by their values."""

import json
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from dagscope.dag.connections.row_conditions import AskedRows
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.column_lineage import ColumnLineage, How
from dagscope.dag.project.project import Project
from dagscope.dag.run.data_tests import rows_text
from dagscope.server.api.column_origins import Origins, origins_of
from dagscope.server.api.found_rows import relation_rows
from dagscope.server.api.node_query import QueryRefused
from dagscope.server.api.row_json import array_chunks
from dagscope.server.http.pages import Page
from dagscope.server.http.shapes.lineage import FollowedColumn, RowTrace, TracedRows, TraceRequest
from dagscope.server.http.shapes.rows import DataColumn
from dagscope.server.workspace.workspace import Workspace

Pair = tuple[str, str]
"""A column of the row, and the column of the other relation."""


def trace(workspace: Workspace, asset: Asset, request: TraceRequest, cancellation: Cancellation) -> RowTrace:
    """The rows around a row of the asset. Raises `QueryRefused`, or what a read of the database raises."""
    return _Trace(workspace, asset, request, cancellation).answer()


class _Trace:
    def __init__(self, workspace: Workspace, asset: Asset, request: TraceRequest, cancellation: Cancellation) -> None:
        self._workspace, self._asset, self._cancellation = workspace, asset, cancellation
        self._project: Project = workspace.project
        self._row, self._limit = request.row, request.limit

    def answer(self) -> RowTrace:
        origins = origins_of(self._project, self._asset, self._cancellation)
        self._refuse_unknown(origins.columns)
        downstreams = self._project.graph.downstreams[self._asset.name]
        return RowTrace(
            name=self._asset.name,
            upstreams=tuple(self._upstream(name, origins) for name in self._asset.upstreams),
            downstreams=tuple(map(self._downstream, downstreams)),
        )

    def _refuse_unknown(self, columns: Sequence[ColumnLineage]) -> None:
        known = {column.name for column in columns}
        unknown = next((name for name in self._row if name not in known), None)
        if unknown is not None and "*" not in known:
            details = f'it has no column "{unknown[:100]}"; its columns are {", ".join(sorted(known))}'
            raise QueryRefused(f'"{self._asset.name}" has no such row', details)

    def _upstream(self, name: str, origins: Origins) -> TracedRows:
        of_it = [column for column in origins.columns if name in _assets_of(column, origins)]
        pairs = tuple((column, other) for column, other in _same(origins, name) if column in self._row)
        grouped = any(column.how is How.AGGREGATE for column in of_it)
        if not pairs:
            reasons = [f"{column.name}: {column.why}" for column in of_it if column.why]
            because = f" ({'; '.join(reasons[:3])})" if reasons else ""
            return TracedRows(asset=name, sentence=f"No column of the row leads to {name} unchanged{because}.")
        return self._rows(name, pairs, "the group that was aggregated" if grouped else "")

    def _downstream(self, name: str) -> TracedRows:
        try:
            origins = origins_of(self._project, self._project.assets[name], self._cancellation)
        except Cancelled:
            raise
        except DagscopeError as error:
            return TracedRows(asset=name, sentence=self._shown(error))
        pairs = tuple((column, other) for other, column in _same(origins, self._asset.name) if column in self._row)
        if not pairs:
            return TracedRows(asset=name, sentence=f"No column of the row is in {name} unchanged.")
        return self._rows(name, pairs)

    def _rows(self, name: str, pairs: tuple[Pair, ...], meaning: str = "") -> TracedRows:
        followed = tuple(FollowedColumn(column=column, other=other) for column, other in pairs)
        asked = AskedRows(filters=tuple(_condition(other, self._row[column]) for column, other in pairs))
        source = relation_rows(self._workspace, self._project.assets[name])
        try:
            found = source.found(asked, Page(limit=self._limit), self._cancellation)
            if found is None:
                return TracedRows(asset=name, sentence=f"{name} has no table or view.", followed=followed)
            with found.resources:
                rows = json.loads(b"[" + b"".join(array_chunks(found.batches)) + b"]")
        except Cancelled:
            raise
        except DagscopeError as error:
            return TracedRows(asset=name, sentence=self._shown(error), followed=followed)
        verb = "has" if found.matching == 1 else "have"
        sentence = f"{rows_text(found.matching)} of {name} {verb} the same {_listed([other for _, other in pairs])}"
        return TracedRows(
            asset=name,
            sentence=f"{sentence}; that is {meaning}." if meaning and found.matching else f"{sentence}.",
            followed=followed,
            matching_records=found.matching,
            columns=tuple(DataColumn(name=each.name, type=each.type) for each in found.columns),
            rows=rows,
        )

    def _shown(self, error: DagscopeError) -> str:
        return self._project.redaction.text(str(error))


def _assets_of(column: ColumnLineage, origins: Origins) -> set[str | None]:
    return {origins.assets.get(origin.relation.lower()) for origin in column.origins}


def _same(origins: Origins, asset: str) -> Iterator[Pair]:
    """The columns that are passed on unchanged from an asset: their own names, and those there."""
    for column in origins.columns:
        for origin in sorted(column.origins) if column.how is How.SAME else ():
            if origins.assets.get(origin.relation.lower()) == asset:
                yield column.name, origin.column


def _condition(column: str, value: JsonValue) -> str:
    """The filter for rows with that value."""
    if value is None:
        return f"{column}:isnull"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{column}:eq:{text}"


def _listed(names: Sequence[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last
