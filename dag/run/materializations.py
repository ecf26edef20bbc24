"""From an asset's query to what stands in the database (spec, Materialization Types; contract, Projects).

What an engine does to replace a relation is its own matter: `Session.materialize`.
"""

import time
from collections.abc import Container

from dagscope.dag.connections import RelationKind, Session
from dagscope.dag.ground.errors import StatementFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Materialization

_CONFLICT_TRIES = 8
_CONFLICT_PAUSE_S = 0.02


def materialize(
    session: Session, asset: Asset, sql: str, existing: RelationKind | None, remade: Container[str] = ()
) -> int | None:
    """Make the asset's relation in its stage's schema, which is there; how many rows were written, None for a view.

    `existing` and `remade` are those of `Session.materialize`. Raises `StatementFailed` or `Cancelled`.
    """
    for tries_left in reversed(range(_CONFLICT_TRIES)):
        try:
            if asset.materialization is Materialization.CUSTOM:  # runs as it is: it may hold what no transaction takes
                return session.execute(sql)
            return session.materialize(asset, sql, existing, remade)
        except StatementFailed as error:
            if not (tries_left and session.is_conflict(error)):
                raise
            time.sleep(_CONFLICT_PAUSE_S)
    raise AssertionError("the last try returns or raises")
