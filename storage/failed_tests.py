"""Which nodes failed because of data tests alone, as the conditions of a query (dag/events/status.py:NodeStatus)."""

from sqlalchemy import ColumnElement
from sqlmodel import col

from dagscope.dag.events.status import NodeState
from dagscope.storage import tables


def only_tests_failed() -> tuple[ColumnElement[bool], ...]:
    """The conditions that such a node meets: its asset was executed, all of its tests ran, and not all passed."""
    node = tables.Node
    return (
        col(node.state) == NodeState.FAILED,
        col(node.failed_tests) > 0,
        col(node.passed_tests) + col(node.failed_tests) == col(node.total_tests),
    )
