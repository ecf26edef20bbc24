"""A plan as bytes, for the process that executes it."""

from dagscope.dag.ground import exact_packing
from dagscope.dag.run.task_plan import TaskPlan


def encode_plan(plan: TaskPlan) -> bytes:
    """The plan, which is the same after `decode_plan`: its input too, with all digits of its numbers."""
    return exact_packing.pack(plan)


def decode_plan(data: bytes) -> TaskPlan:
    """The plan that was encoded. Raises `ValueError` if the bytes are none."""
    return exact_packing.unpack(data, TaskPlan)
