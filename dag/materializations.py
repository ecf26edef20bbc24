"""From an asset's query to what stands in the database (spec, Materialization Types; contract, Projects)."""

import time

from dag.assets import Asset
from dag.connections import RelationKind, Session
from dag.errors import StatementFailed
from dag.project_files import Materialization
from dag.relation_names import identifier, relation

_CONFLICT_TRIES = 8
_CONFLICT_PAUSE_S = 0.02


def statements(asset: Asset, sql: str, existing: RelationKind | None) -> list[str]:
    """The statements that materialize the asset over what stands under its name now; all of one transaction.

    The query follows `AS` on the same line, so that the line numbers in a database's errors are the query's own.
    """
    name = relation(asset.name)
    match asset.materialization:
        case Materialization.VIEW:
            drop = [f"DROP TABLE {name}"] if existing is RelationKind.TABLE else []
            return [*drop, f"CREATE OR REPLACE VIEW {name} AS {sql}"]
        case Materialization.INCREMENTAL if existing is RelationKind.TABLE:
            return [f"INSERT INTO {name} {sql}"]
        case Materialization.TABLE | Materialization.INCREMENTAL:
            drop = [f"DROP VIEW {name}"] if existing is RelationKind.VIEW else []
            return [*drop, f"CREATE OR REPLACE TABLE {name} AS {sql}", *_keys(asset)]
        case _:
            return [sql]


def _keys(asset: Asset) -> list[str]:
    name = relation(asset.name)
    made = []
    if asset.primary_key_fields:
        made.append(f"ALTER TABLE {name} ADD PRIMARY KEY ({_columns(asset.primary_key_fields)})")
    for index in asset.indexes:
        unique = "UNIQUE " if index.unique else ""
        made.append(f"CREATE {unique}INDEX {identifier(index.name)} ON {name} ({_columns(index.fields)})")
    return made


def _columns(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(map(identifier, names))


def compiled(asset: Asset, sql: str, existing: RelationKind | None) -> str:
    """The same statements as one text, as `sqlCompiledQuery` shows them."""
    return ";\n".join(statements(asset, sql, existing))


def materialize(session: Session, asset: Asset, sql: str, existing: RelationKind | None) -> int | None:
    """Make the asset's relation; how many rows were written, None for a view.

    For all but `incremental` it need not be known what exists: a relation of the other kind is found out when the
    database refuses to replace it. Raises `StatementFailed` or `Cancelled`.
    """
    session.create_schema(asset.stage)
    for tries_left in reversed(range(_CONFLICT_TRIES)):
        try:
            return _replace(session, asset, sql, existing)
        except StatementFailed as error:
            if existing is None and _stands_in_the_way(session, asset):
                existing = _OTHER_KIND[asset.materialization]
            elif tries_left and session.is_conflict(error):
                time.sleep(_CONFLICT_PAUSE_S)
            else:
                raise
    raise AssertionError("the last try returns or raises")


_OTHER_KIND = {
    Materialization.TABLE: RelationKind.VIEW,
    Materialization.INCREMENTAL: RelationKind.VIEW,
    Materialization.VIEW: RelationKind.TABLE,
}


def _stands_in_the_way(session: Session, asset: Asset) -> bool:
    other = _OTHER_KIND.get(asset.materialization)
    return other is not None and session.relation_kind(asset.name) is other


def _replace(session: Session, asset: Asset, sql: str, existing: RelationKind | None) -> int | None:
    if asset.materialization is Materialization.CUSTOM:  # runs as it is: it may hold what no transaction takes
        return session.execute(sql)
    first, *rest = statements(asset, sql, existing)
    is_view = asset.materialization is Materialization.VIEW
    with session.transaction():
        rows = session.execute(first)
        for statement in rest:
            rows = max(rows, session.execute(statement))
    return None if is_view else rows
