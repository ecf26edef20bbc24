"""The shapes of answers that are built from what a run reports."""

import pytest

from dagscope.dag.events import run_events, status
from dagscope.dag.events.run_events import LoggedRunEvent
from dagscope.dag.ground.records import Record
from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.shapes import logs, tasks


@pytest.mark.parametrize(
    ("shape", "record"),
    [
        (tasks.HistoryTask, status.TaskSummary),
        (logs.LogEntry, status.LogEntry),
        (run_events.RunEvent, LoggedRunEvent),
    ],
    ids=lambda each: each.__name__,
)
def test_fields_of_a_shape(shape: type[Shape], record: type[Record]) -> None:
    """A shape that has to repeat the fields of what was reported has all of them, first and in the same order."""
    left_out = ("fields", "pausedAt")  # tasks in a history do not say where they hold
    repeated = [name for name in record.__struct_encode_fields__ if name not in left_out]
    assert [info.alias for info in shape.model_fields.values()][: len(repeated)] == repeated


def test_records_in_a_shape() -> None:
    """An answer has nodes as they were reported, without the field that no JSON has."""
    node = status.NodeStatus(name="Selecting s.a", asset_name="s.a", order=1, is_selection=True, rows=0)
    body = tasks.UnknownTask(task_id="t", nodes=(node,))
    assert body.nodes == (node,)
    assert body.to_json() == (
        '{"taskId":"t","status":"NOT_STARTED","nodes":[' + node.to_json() + '],"lastTaskName":""}'
    )
    assert "isSelection" not in tasks.TaskBody.model_json_schema()["$defs"]["NodeStatus"]["properties"]
