"""The models that server and client share, and the errors of failed steps."""

import subprocess
import sys
from enum import Enum
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from dagscope.dag.events.error_info import describe_error
from dagscope.dag.events.run_events import RunEvent, RunEventLevel, RunEventList
from dagscope.dag.redaction.redaction import Redaction
from tests.dag.run.task_run import MakeProject, RunProject
from tests.projects import raw

SPEC_EVENT = {
    "run_id": "abc123-def456",
    "message": "Step completed successfully",
    "timestamp": "2025-08-12T18:04:12",
    "level": RunEventLevel.INFO,
    "step_key": "transform_data",
    "event_type": "STEP_SUCCESS",
}


def test_fields() -> None:
    """The models have the spec's fields, in its order, all required."""
    assert list(RunEvent.model_fields) == ["run_id", "message", "timestamp", "level", "step_key", "event_type"]
    assert list(RunEventList.model_fields) == ["items", "total", "cursor", "has_more"]
    fields = (RunEvent.model_fields | RunEventList.model_fields).values()
    assert all(field.is_required() for field in fields)


def test_levels() -> None:
    """The levels are the spec's, and are strings."""
    assert [level.value for level in RunEventLevel] == ["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"]
    assert issubclass(RunEventLevel, str)
    assert issubclass(RunEventLevel, Enum)
    assert RunEventLevel["INFO"] == "INFO"


def test_from_attributes() -> None:
    """The models can be created from objects with the same attributes, and from lists of them."""
    event = SimpleNamespace(**SPEC_EVENT)
    page = SimpleNamespace(items=[event], total=1, cursor=None, has_more=False)
    assert RunEventList.model_validate(page).items == [RunEvent.model_validate(event)]


def test_step_key_may_be_none() -> None:
    """An event of the whole run has no step; an unknown level is refused."""
    assert RunEvent.model_validate(SPEC_EVENT | {"step_key": None}).step_key is None
    with pytest.raises(ValidationError):
        RunEvent.model_validate(SPEC_EVENT | {"level": "LOUD"})


@pytest.mark.server
def test_imports_neither_client_nor_server() -> None:
    """The models can be imported without the server, storage, command line or any database."""
    code = "import sys, dagscope.dag.events.run_events; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & {"server", "storage", "cli", "duckdb", "pyarrow", "starlette", "click"}


def test_error_with_its_causes(tmp_path: Path) -> None:
    """An error has its class and causes, with secrets hidden; a circular chain of causes ends."""
    first, second = ValueError("the password is hunter22"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    info, chain = describe_error(first, tmp_path, Redaction(["hunter22"]).text), []
    while info is not None:
        chain.append((info.class_name, info.message))
        info = info.cause  # type: ignore[assignment]
    value, key = ("ValueError", "the password is ***"), ("KeyError", "'b'")
    assert chain == [value, key, value, key, value]


def test_log_lines_of_a_raw_asset(make_project: MakeProject, run_project: RunProject) -> None:
    """An entry that a raw asset logs at info or above is a run event with its level."""
    code = """
def execute(context):
    context.log.debug("too much")
    context.log.info("loaded", rows=3)
    context.log.warning("low on disk")
    context.log.error("broken")
"""
    run = run_project(make_project({raw("staging.load"): code}))
    lines = [(event.level, event.message) for event in run.run_events if event.event_type == "LOG_MESSAGE"]
    assert lines == [("INFO", "loaded"), ("WARNING", "low on disk"), ("ERROR", "broken")]
    assert {event.step_key for event in run.run_events if event.event_type == "LOG_MESSAGE"} == {"staging.load"}
