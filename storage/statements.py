"""Reading the statements that nodes sent: one row per node and attempt, with its statements as the API returns them."""

from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import col

from dagscope.dag.events.statements import KeptStatements
from dagscope.dag.events.status import NodeState
from dagscope.storage import tables
from dagscope.storage.rows import Rows


class Execution(NamedTuple):
    """A node, or the root tests ("" as the asset), in the attempt that executed it."""

    task_id: str
    attempt: int
    asset_name: str
    state: NodeState | None


class Statements(Rows):
    """The statements at one moment."""

    async def execution(self, task_id: str, attempt: int, asset: str) -> Execution | None:
        """The execution of an asset that an attempt shows: its own, or the earlier one that it carried over."""
        node = tables.Node
        rows = await self.rows(
            select(node)
            .where(
                col(node.task_id) == task_id,
                col(node.asset_name) == asset,
                col(node.attempt) <= attempt,
                col(node.carried).is_(False),
            )
            .order_by(col(node.attempt).desc())
            .limit(1)
        )
        if not rows or rows[0].start_time is None:
            return None
        return Execution(task_id, rows[0].attempt, asset, NodeState(rows[0].state))

    async def execution_of_test(self, test: str, task_id: str | None, attempt: int | None) -> Execution | None:
        """The newest execution of a data test, in this task and attempt if they are given."""
        result, run = tables.DataTestResult, tables.Attempt
        statement = (
            select(col(result.task_id), col(result.attempt), col(result.asset_name))
            .join(run, (col(run.task_id) == col(result.task_id)) & (col(run.attempt) == col(result.attempt)))
            .where(col(result.test_name) == test)
            .order_by(col(run.start_time).desc(), col(run.attempt).desc())
            .limit(1)
        )
        if task_id is not None:
            statement = statement.where(col(result.task_id) == task_id)
        if attempt is not None:
            statement = statement.where(col(result.attempt) <= attempt)
        rows = await self.rows(statement)
        if not rows:
            return None
        asset = rows[0].asset_name
        if asset:
            return await self.execution(rows[0].task_id, rows[0].attempt, asset)
        return Execution(rows[0].task_id, await self._root_attempt(rows[0].task_id, rows[0].attempt), "", None)

    async def _root_attempt(self, task_id: str, attempt: int) -> int:
        """The attempt that ran the root tests which this one shows: itself, or an earlier one."""
        table = tables.NodeStatements
        found = await self.rows(
            select(func.max(col(table.attempt))).where(
                col(table.task_id) == task_id, col(table.attempt) <= attempt, col(table.asset_name) == ""
            )
        )
        return found[0][0] or attempt

    async def sent(self, execution: Execution) -> KeptStatements:
        """The statements of an execution; no statements until it has ended."""
        table = tables.NodeStatements
        rows = await self.rows(
            select(col(table.total), col(table.data)).where(
                col(table.task_id) == execution.task_id,
                col(table.attempt) == execution.attempt,
                col(table.asset_name) == execution.asset_name,
            )
        )
        return KeptStatements(rows[0].total, rows[0].data) if rows else KeptStatements()
