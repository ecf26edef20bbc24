"""Dropping and truncating an asset's relation at a user's request; never part of a run."""

from enum import StrEnum

from dagscope.dag.connections import Queries, RelationKind
from dagscope.dag.ground.errors import UpkeepRefused
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Materialization


class Upkeep(StrEnum):
    """What is done to a relation."""

    DROP = "drop"
    TRUNCATE = "truncate"


_DONE = {Upkeep.DROP: "Dropped", Upkeep.TRUNCATE: "Truncated"}


def check_upkeep(asset: Asset, upkeep: Upkeep) -> None:
    """Raises `UpkeepRefused` for an asset that dagscope creates no relation for, or one that cannot be truncated."""
    if asset.materialization is Materialization.RAW:
        raise UpkeepRefused(f'"{asset.name}" is a raw asset and has no relation to {upkeep}')
    if asset.materialization is Materialization.CUSTOM:
        raise UpkeepRefused(
            f'"{asset.name}" is a custom asset: its own SQL creates its relations, so dagscope does not {upkeep} them'
        )
    if upkeep is Upkeep.TRUNCATE and asset.materialization is Materialization.VIEW:
        raise _view(asset)


def drop_or_truncate(session: Queries, asset: Asset, upkeep: Upkeep) -> str:
    """Drop or truncate the relation with the asset's name, in one statement; returns what was done as text.

    Nothing else is dropped with it. Raises `UpkeepRefused`, `StatementFailed` or `Cancelled`.
    """
    check_upkeep(asset, upkeep)
    kind, name = session.relation_kind(asset.name), session.dialect.relation(asset.name)
    if kind is None:
        return f"There is no {asset.name}: nothing to {upkeep}"
    if upkeep is Upkeep.DROP:
        session.execute(f"DROP {kind.upper()} {name}")
    elif kind is RelationKind.VIEW:
        raise _view(asset)
    else:
        session.execute(f"TRUNCATE TABLE {name}")
    return f"{_DONE[upkeep]} {kind} {asset.name}"


def _view(asset: Asset) -> UpkeepRefused:
    return UpkeepRefused(
        f'"{asset.name}" is a view, which has no rows of its own to truncate; truncate what it reads, or drop the view'
    )
