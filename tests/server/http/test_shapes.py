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
        (tasks.DataTestResult, status.DataTestResult),
        (tasks.NodeTimings, status.NodeTimings),
        (tasks.NodeStatus, status.NodeStatus),
        (tasks.TaskSummary, status.TaskSummary),
        (logs.LogEntry, status.LogEntry),
        (run_events.RunEvent, LoggedRunEvent),
    ],
    ids=lambda each: each.__name__,
)
def test_fields_of_a_shape(shape: type[Shape], record: type[Record]) -> None:
    """An answer has the fields of what was reported, in the same order; only the server knows what is a selection."""
    shown = [name for name in record.__struct_encode_fields__ if name not in ("isSelection", "fields")]
    assert [info.alias for info in shape.model_fields.values()] == shown
