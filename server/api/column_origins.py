"""The columns of upstreams that an asset's columns come from (docs/http-api/assets.md, Column lineage)."""

from collections.abc import Mapping
from dataclasses import dataclass

from dagscope.dag.connections.base import Queries
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import StatementFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.column_lineage import ColumnLineage, QueryColumns, lineage_of
from dagscope.dag.model.dialect import input_table
from dagscope.dag.model.query_parsing import QueryNotParsed
from dagscope.dag.project.project import Project
from dagscope.server.api.node_query import NodeQuery
from dagscope.server.http.shapes.lineage import AssetLineage, ColumnOrigin, LineageColumn


@dataclass(frozen=True)
class Origins:
    """The lineage of an asset's columns, and the assets whose relations they come from."""

    query: QueryColumns
    assets: Mapping[str, str]
    """The asset by its relation's name in lower case."""

    @property
    def columns(self) -> tuple[ColumnLineage, ...]:
        return self.query.columns


def origins_of(project: Project, asset: Asset, cancellation: Cancellation) -> Origins:
    """Raises `QueryRefused`, or what a read of the database raises."""
    query = NodeQuery(project, asset, cancellation)
    assets = {name.lower(): name for name in (asset.name, *asset.upstreams)}
    inputs = {input_table(name).lower(): name for name in asset.upstreams}

    def columns_of(relations: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
        if project.is_of_bundle:  # which has no relations: what does not say its relation is not followed
            return {}
        with query.connection.queries(cancellation) as session:
            found = {each: _columns(session, each, assets, inputs) for each in relations}
        return {relation: columns for relation, columns in found.items() if columns is not None}

    try:
        return Origins(lineage_of(query.sql, query.grammar, columns_of), assets | inputs)
    except QueryNotParsed as error:
        raise query.refused(error) from error


def _columns(
    session: Queries, relation: str, assets: Mapping[str, str], inputs: Mapping[str, str]
) -> tuple[str, ...] | None:
    """The columns of an asset's relation as it is now; None if there is none."""
    try:
        if relation in assets:
            return tuple(session.columns_to_show(assets[relation]).names)
        if relation in inputs:
            table = session.dialect.input_relation(inputs[relation])
            return tuple(session.read_to_show(f"SELECT * FROM {table} LIMIT 0").schema.names)
    except StatementFailed:
        return None
    return None


def lineage_answer(project: Project, asset: Asset, cancellation: Cancellation) -> AssetLineage:
    """The answer. Raises as `origins_of` does."""
    origins, shown = origins_of(project, asset, cancellation), project.redaction.text
    columns = tuple(
        LineageColumn(
            name=shown(column.name),
            how=column.how,
            why=shown(column.why) if column.why is not None else None,
            from_=tuple(
                ColumnOrigin(
                    asset=origins.assets.get(each.relation.lower()),
                    relation=shown(each.relation),
                    column=each.column,
                )
                for each in sorted(column.origins)
            ),
        )
        for column in origins.columns
    )
    return AssetLineage(name=asset.name, path=asset.path, columns=columns)
