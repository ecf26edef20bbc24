"""The way of a column through the DAG, up to where it comes from and down to where it goes, in both directions."""

from collections import deque
from collections.abc import Iterator, Mapping

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError
from dagscope.dag.ground.problems import did_you_mean
from dagscope.dag.model.assets import Asset
from dagscope.dag.project.project import Project
from dagscope.server.api.column_origins import lineage_answer
from dagscope.server.api.node_query import QueryRefused
from dagscope.server.http.shapes.lineage import AssetLineage, ColumnOrigin, ColumnWay, LineageColumn, Side, WayColumn

_MOST_ASSETS = 500  # whose queries are looked at for one answer

_Place = tuple[str, str]
"""An asset, and a column in lower case."""


def way_answer(project: Project, asset: Asset, column: str, cancellation: Cancellation) -> ColumnWay:
    """The answer. Raises `QueryRefused`, or what a read of the database raises."""
    lineage = lineage_answer(project, asset, cancellation)
    start = next((each for each in lineage.columns if each.name.lower() == column.lower()), None)
    if start is None:
        near = did_you_mean(column[:100], [each.name for each in lineage.columns])
        raise QueryRefused(f'"{asset.name}" has no such column', f'it has no column "{column[:100]}"{near}', 404)
    return _Way(project, cancellation, asset.name, lineage).answer(asset.name, start)


class _Way:
    def __init__(self, project: Project, cancellation: Cancellation, asset: str, lineage: AssetLineage) -> None:
        self._project, self._cancellation = project, cancellation
        self._known = {asset: _by_name(lineage)}
        self._reasons: dict[str, str] = {}
        self._is_whole = True

    def answer(self, asset: str, start: LineageColumn) -> ColumnWay:
        columns = (*self._upstream(asset, start), *self._downstream(asset, start))
        return ColumnWay(name=asset, column=start.name, columns=columns, reasons=self._reasons, is_whole=self._is_whole)

    def _upstream(self, asset: str, start: LineageColumn) -> Iterator[WayColumn]:
        """The column itself, and all that it comes from, the nearest first."""
        yield _on_way("self", asset, start)
        waiting, found = deque(start.from_), {(asset, start.name.lower())}
        while waiting:
            origin = waiting.popleft()
            if origin.asset is None or (origin.asset, origin.column.lower()) in found:
                continue
            found.add((origin.asset, origin.column.lower()))
            column = self._columns(origin.asset).get(origin.column.lower())
            yield _on_way("upstream", origin.asset, column or LineageColumn.unknown(origin.column))
            waiting.extend(column.from_ if column is not None else ())

    def _downstream(self, asset: str, start: LineageColumn) -> Iterator[WayColumn]:
        """All columns that come from it, in the order of the DAG."""
        found: set[_Place] = {(asset, start.name.lower())}
        reached = {asset}
        for name in self._project.graph.order:
            if not reached.intersection(self._project.assets[name].upstreams):
                continue
            for column in self._columns(name).values():
                origins = tuple(each for each in column.from_ if (each.asset or "", each.column.lower()) in found)
                if origins and (name, column.name.lower()) not in found:
                    found.add((name, column.name.lower()))
                    reached.add(name)
                    yield _on_way("downstream", name, column, origins)

    def _columns(self, asset: str) -> Mapping[str, LineageColumn]:
        """By name in lower case; none, with a reason, if the asset has no query that can be followed."""
        if asset not in self._known and len(self._known) >= _MOST_ASSETS:
            self._is_whole = False
            return {}
        if asset not in self._known:
            self._known[asset] = self._read(asset)
        return self._known[asset]

    def _read(self, asset: str) -> Mapping[str, LineageColumn]:
        try:
            return _by_name(lineage_answer(self._project, self._project.assets[asset], self._cancellation))
        except Cancelled:
            raise
        except QueryRefused as error:
            self._reasons[asset] = self._project.redaction.text(error.details)
        except DagscopeError as error:
            self._reasons[asset] = self._project.redaction.text(str(error))
        return {}


def _by_name(lineage: AssetLineage) -> Mapping[str, LineageColumn]:
    return {each.name.lower(): each for each in lineage.columns}


def _on_way(
    side: Side, asset: str, column: LineageColumn, origins: tuple[ColumnOrigin, ...] | None = None
) -> WayColumn:
    from_ = column.from_ if origins is None else origins
    return WayColumn(side=side, asset=asset, column=column.name, how=column.how, why=column.why, from_=from_)
