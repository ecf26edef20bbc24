"""Run events: what happened in a run, for `dg plus api run events` and `logsForRun` (run API spec, Data Models).

Shared by the server and the `dg` command; imports neither.
"""

from enum import StrEnum

from dagscope.dag.ground.records import Record
from dagscope.dag.ground.shapes import Shape


class RunEventLevel(StrEnum):
    """Severity of a run event."""

    CRITICAL = "CRITICAL"
    ERROR = "ERROR"
    WARNING = "WARNING"
    INFO = "INFO"
    DEBUG = "DEBUG"


class RunEventType(StrEnum):
    """The types that dagscope emits (contract, Run events)."""

    RUN_START = "RUN_START"
    RUN_SUCCESS = "RUN_SUCCESS"
    RUN_FAILURE = "RUN_FAILURE"
    RUN_CANCELED = "RUN_CANCELED"
    STEP_START = "STEP_START"
    STEP_SUCCESS = "STEP_SUCCESS"
    STEP_FAILURE = "STEP_FAILURE"
    STEP_SKIPPED = "STEP_SKIPPED"
    MATERIALIZATION = "MATERIALIZATION"
    ASSET_CHECK_EVALUATION = "ASSET_CHECK_EVALUATION"
    ENGINE_EVENT = "ENGINE_EVENT"
    LOG_MESSAGE = "LOG_MESSAGE"


class RunEvent(Shape):
    """A single event from a run. Code that passes one on takes its fields from here.

    `timestamp` is ISO 8601, UTC, with milliseconds and `Z`; `step_key` is None for events of the whole run;
    `event_type` is a string because other servers have types of their own.
    """

    run_id: str
    message: str
    timestamp: str
    level: RunEventLevel
    step_key: str | None
    event_type: str


class RunEventList(Shape):
    """A page of run events: `total` counts the items, `cursor` is where the next page starts."""

    items: list[RunEvent]
    total: int
    cursor: str | None
    has_more: bool


class LoggedRunEvent(Record, frozen=True, kw_only=True):
    """A run event as a run reports it and the log has it, with the fields of `RunEvent`; no `stepKey` is null."""

    run_id: str
    message: str
    timestamp: str
    level: RunEventLevel
    step_key: str | None
    event_type: str
