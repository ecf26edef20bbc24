"""Listeners of events."""

import io
import json

import pytest
import structlog

from dagscope.dag.events.events import Event, Logged
from dagscope.dag.events.status import LogEntry
from dagscope.dag.events.wire import decode, encode
from dagscope.server.workspace import console
from dagscope.server.workspace.listeners import show_fault


def test_fault_of_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console shows an unexpected error of another process as it shows its own: with the traceback."""
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    entry = LogEntry(level="error", time="12:00", message="Asset execution failed", task_id="t", asset="s.a")
    event = Logged("t", 1, entry, caught.value)

    def shown(event: Event) -> str:
        stream = io.StringIO()
        processors = (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
        monkeypatch.setattr(console, "_console", console.ConsoleLog(stream, processors))
        show_fault(event)
        return stream.getvalue()

    (sent,) = decode(encode([event]))
    assert shown(sent) == shown(event)
    assert json.loads(shown(sent))["exception"].endswith("\nZeroDivisionError: division by zero")
