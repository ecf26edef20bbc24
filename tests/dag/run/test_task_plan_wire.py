"""Plans as bytes, on their way from one process to another."""

from hypothesis import given

from dagscope.dag.run.task_plan import TaskPlan
from dagscope.dag.run.task_plan_wire import decode_plan, encode_plan
from tests.random_values import values


@given(values(TaskPlan))
def test_plan_that_was_sent(plan: TaskPlan) -> None:
    """A plan arrives as it was sent: its input has all digits, and its nodes are in the same order."""
    arrived = decode_plan(encode_plan(plan))
    assert arrived == plan
    assert list(arrived.nodes) == list(plan.nodes)
    assert repr(arrived.task.data) == repr(plan.task.data)
