"""Reading a task as clients see it, quickly: its attempt and the statuses of all its nodes.

SQLite writes the statuses of a task as one JSON text: a row for each node would be ten thousand Python objects.
"""

import msgspec
from sqlalchemy import text

from dagscope.dag.events.status import DataTestResult, NodeStatus
from dagscope.storage.tasks import ShownTask, Tasks


class ShownTasks(Tasks):
    """The tasks at one moment, as clients see them."""

    async def shown_task(self, task_id: str, attempt: int | None = None) -> ShownTask | None:
        """A task's newest attempt, or the given one; None if there is no such attempt. Takes a task id or uuid."""
        kept = await self.attempt(task_id, attempt)
        if kept is None:
            return None
        key = {"task_id": kept.summary.task_id, "attempt": kept.attempt}
        [[nodes]] = await self.rows(_NODES, key)
        [[results]] = await self.rows(_ROOT_RESULTS, key)
        return ShownTask(**vars(kept), nodes=_nodes(nodes), root_test_results=_results(results))


_nodes = msgspec.json.Decoder(tuple[NodeStatus, ...]).decode
_results = msgspec.json.Decoder(tuple[DataTestResult, ...]).decode

_RESULT = """json_object('testName', test_name, 'status', status, 'error', error, 'durationMs', duration_ms,
    'rowCount', nullif(violation_count, 0))"""

# The subqueries' order is that of the arrays, since nothing comes between the two.
_ROOT_RESULTS = text(
    f"""
    SELECT json_group_array({_RESULT}) FROM (
        SELECT * FROM data_test_result
        WHERE task_id = :task_id AND attempt = :attempt AND asset_name = '' AND status <> 'IN_PROGRESS'
        ORDER BY ordinal
    )
    """
)
_NODES = text(
    f"""
    WITH result AS (
        SELECT asset_name, json_group_array({_RESULT}) AS results FROM (
            SELECT * FROM data_test_result
            WHERE task_id = :task_id AND attempt = :attempt AND asset_name <> '' AND status <> 'IN_PROGRESS'
            ORDER BY ordinal
        )
        GROUP BY asset_name
    )
    SELECT json_group_array(json_object(
        'name', name, 'assetName', asset_name, 'state', state, 'order', "order", 'startTime', start_time,
        'endTime', end_time, 'executionTimeMs', execution_time_ms, 'message', message, 'totalTests', total_tests,
        'passedTests', passed_tests, 'failedTests', failed_tests, 'testResults', json(coalesce(results, '[]')),
        'timings', json(CASE WHEN waiting_ms IS NOT NULL THEN json_object('waitingMs', waiting_ms,
            'queuedMs', queued_ms, 'executingMs', executing_ms, 'testingMs', testing_ms) END),
        'rows', rows, 'isSelection', json(CASE WHEN is_selection THEN 'true' ELSE 'false' END)
    )) FROM (
        SELECT * FROM node LEFT JOIN result USING (asset_name)
        WHERE task_id = :task_id AND attempt = :attempt
        ORDER BY "order"
    )
    """
)
