"""The current state of assets and data tests: what the DAG shows, whichever task it comes from."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from dagscope.dag.events.status import DataTestStatus, NodeState
from dagscope.dag.ground.frames import Result
from dagscope.storage import tables
from dagscope.storage.failed_tests import only_tests_failed
from dagscope.storage.results import result_of, with_result
from dagscope.storage.rows import Rows


@dataclass(frozen=True)
class AssetNow:
    """The current state of an asset, with the task and attempt that last executed it. Durations in milliseconds."""

    state: NodeState
    task_id: str | None
    attempt: int | None
    relation_task_id: str | None
    relation_attempt: int | None
    successful_tests: int
    last_execution_ms: int
    last_tests_ms: int


class AssetsNow(Rows):
    """The assets and data tests at one moment."""

    async def assets(self) -> dict[str, AssetNow]:
        """Every asset that was part of a task since the last reset."""
        return {row.asset_name: _asset_now(row) for row in await self.rows(select(tables.AssetState))}

    async def with_failed_tests(self) -> frozenset[str]:
        """The assets whose newest execution failed because of data tests alone."""
        node, now = tables.Node, tables.AssetState
        newest = (col(node.task_id) == now.task_id) & (col(node.attempt) == now.attempt)
        rows = await self.rows(
            select(col(node.asset_name))
            .join(now, newest & (col(node.asset_name) == now.asset_name))
            .where(*only_tests_failed())
        )
        return frozenset(row.asset_name for row in rows)

    async def asset(self, name: str) -> AssetNow | None:
        """One of them."""
        rows = await self.rows(select(tables.AssetState).where(col(tables.AssetState.asset_name) == name))
        return _asset_now(rows[0]) if rows else None

    async def test_statuses(self) -> dict[str, DataTestStatus]:
        """Every data test that was run since the last reset."""
        rows = await self.rows(select(tables.DataTestState))
        return {row.test_name: DataTestStatus(row.status) for row in rows}

    async def results_of(self, assets: Collection[str]) -> dict[str, Result]:
        """The kept result of the newest execution of each asset; assets without one are absent."""
        node, now = tables.Node, tables.AssetState
        newest = (col(node.task_id) == now.task_id) & (col(node.attempt) == now.attempt)
        rows = await self.columns(
            with_result(select(col(node.asset_name), col(node.result_digest)))
            .join(now, newest & (col(node.asset_name) == now.asset_name))
            .where(col(node.asset_name).in_(assets))
        )
        results = {row["asset_name"]: result_of(row) for row in rows}
        return {asset: result for asset, result in results.items() if result is not None}

    async def fingerprints_of(self, assets: Collection[str]) -> dict[str, str]:
        """The fingerprint that the newest execution of each asset left; assets without one are absent."""
        record, now = tables.NodeRecord, tables.AssetState
        newest = (col(record.task_id) == now.task_id) & (col(record.attempt) == now.attempt)
        rows = await self.rows(
            select(col(record.asset_name), col(record.fingerprint))
            .join(now, newest & (col(record.asset_name) == now.asset_name))
            .where(col(record.asset_name).in_(assets), col(record.fingerprint).is_not(None))
        )
        return {row.asset_name: row.fingerprint for row in rows}

    async def frames(self) -> frozenset[str]:
        """The digests of all frames that anything refers to."""
        return frozenset(row.digest for row in await self.rows(select(col(tables.Frame.digest))))


def _asset_now(row: Any) -> AssetNow:
    return AssetNow(
        state=NodeState(row.state),
        task_id=row.task_id,
        attempt=row.attempt,
        relation_task_id=row.relation_task_id,
        relation_attempt=row.relation_attempt,
        successful_tests=row.successful_tests,
        last_execution_ms=row.last_execution_ms or 0,
        last_tests_ms=row.last_tests_ms or 0,
    )
