"""Reading the statements that nodes sent: one row per node and attempt, with its statements as the API returns them."""

from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlmodel import col

from dagscope.dag.events.statements import KeptStatements
from dagscope.dag.events.status import NodeState
from dagscope.storage import tables
from dagscope.storage.node_records import LOOKED_AT_TASKS
from dagscope.storage.rows import Rows


class Execution(NamedTuple):
    """A node, or the root tests ("" as the asset), in the attempt that executed it."""

    task_id: str
    attempt: int
    asset_name: str
    state: NodeState | None
    duration_ms: int = 0


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
        return Execution(task_id, rows[0].attempt, asset, NodeState(rows[0].state), rows[0].execution_time_ms)

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

    async def last_fast(self, execution: Execution, most_ms: float) -> Execution | None:
        """The newest execution with success in an earlier task that took at most this time, if possible a profiled one.

        None if there is none in the 200 tasks before.
        """
        values = {"task_id": execution.task_id, "attempt": execution.attempt, "asset": execution.asset_name}
        rows = await self.rows(_LAST_FAST, {**values, "most_ms": most_ms})
        if not rows:
            return None
        return Execution(
            rows[0].task_id, rows[0].attempt, execution.asset_name, NodeState.SUCCESS, rows[0].execution_time_ms
        )

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


# CROSS JOIN keeps the order of the tables: each node is then found by its whole key.
_LAST_FAST = text(
    f"""
    WITH earlier AS MATERIALIZED (
        SELECT task_id, start_time FROM task
        WHERE (start_time, task_id) < (
            SELECT start_time, task_id FROM attempt WHERE task_id = :task_id AND attempt = :attempt
        )
        ORDER BY start_time DESC, task_id DESC LIMIT {LOOKED_AT_TASKS}
    )
    SELECT node.task_id, node.attempt, node.execution_time_ms
    FROM earlier CROSS JOIN attempt USING (task_id) CROSS JOIN node USING (task_id, attempt)
    WHERE node.asset_name = :asset AND node.state = 'SUCCESS' AND NOT node.carried AND NOT node.is_selection
        AND node.execution_time_ms <= :most_ms
    ORDER BY attempt.profile DESC, earlier.start_time DESC, task_id DESC, attempt DESC LIMIT 1
    """
)
