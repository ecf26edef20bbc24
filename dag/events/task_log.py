"""A task's log: entries that carry the task, the asset and the connection they belong to."""

import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.events import Event, Logged, RunEventEmitted
from dagscope.dag.events.run_events import RunEvent, RunEventLevel, RunEventType
from dagscope.dag.events.status import LogEntry
from dagscope.dag.ground.clock import iso_time, now_ms
from dagscope.dag.redaction.redaction import Redaction

Emit = Callable[[Event], None]
"""Takes each event as it happens, from any thread; never blocks for long and never raises."""

RESERVED_FIELDS = frozenset(LogEntry.model_fields) | {"taskId"}
"""Keys that an entry's own fields cannot take."""

_LEVELS = {
    "debug": RunEventLevel.DEBUG,
    "info": RunEventLevel.INFO,
    "warning": RunEventLevel.WARNING,
    "error": RunEventLevel.ERROR,
    "critical": RunEventLevel.CRITICAL,
}


class Log(ABC):
    """Something to write entries into: `log.info("loaded", rows=3)`."""

    @abstractmethod
    def write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        """One entry; `level` is debug, info, warning, error or critical."""

    def debug(self, message: object, /, **fields: Any) -> None:
        self.write("debug", str(message), fields)

    def info(self, message: object, /, **fields: Any) -> None:
        self.write("info", str(message), fields)

    def warning(self, message: object, /, **fields: Any) -> None:
        self.write("warning", str(message), fields)

    def error(self, message: object, /, **fields: Any) -> None:
        self.write("error", str(message), fields)

    def critical(self, message: object, /, **fields: Any) -> None:
        self.write("critical", str(message), fields)


@dataclass(frozen=True)
class TaskLog(Log):
    """Writes log entries of one task; `for_asset` and `for_test` narrow it. Safe from any thread."""

    emit: Emit
    redaction: Redaction
    task_id: str
    attempt: int
    asset: str | None = None
    connection: str | None = None
    test: str | None = None

    def for_asset(self, asset: str, connection: str) -> "TaskLog":
        return replace(self, asset=asset, connection=connection)

    def for_test(self, test: str) -> "TaskLog":
        return replace(self, test=test)

    def write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        if "exc_info" in fields:
            fields = _with_exception(fields)
        entry = LogEntry(
            level=level,
            time=iso_time(now_ms()),
            message=self.redaction.text(message),
            task_id=self.task_id,
            asset=self.asset,
            connection=self.connection,
            test=self.test,
            **{_own_key(key): self.redaction.value(value) for key, value in fields.items()},
        )
        self.emit(Logged(self.task_id, self.attempt, entry))

    def run_event(
        self, type_: RunEventType, level: RunEventLevel, message: str, error: ErrorInfo | None = None
    ) -> None:
        """One run event; its step key is the log's asset."""
        event = RunEvent(
            run_id=self.task_id,
            message=self.redaction.text(message),
            timestamp=iso_time(now_ms()),
            level=level,
            step_key=self.asset,
            event_type=type_,
        )
        self.emit(RunEventEmitted(self.task_id, self.attempt, event, error))


@dataclass(frozen=True)
class RawAssetLog(Log):
    """The `log` of a raw asset: entries at info or above are run events too (contract, Run events)."""

    log: TaskLog

    def write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.log.write(level, message, fields)
        if level != "debug":
            self.log.run_event(RunEventType.LOG_MESSAGE, _LEVELS[level], message)


current_log: ContextVar[TaskLog | None] = ContextVar("current_log", default=None)
"""The log of the asset that this thread executes, for entries written by other loggers (contract, Logs)."""


def _with_exception(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with what `exc_info` stands for, as loggers take it, as the text `exception`."""
    fields = dict(fields)
    error: BaseException | None
    match fields.pop("exc_info"):
        case BaseException() as error:
            pass
        case (_, BaseException() as error, _):
            pass
        case wanted:
            error = sys.exc_info()[1] if wanted else None
    return fields if error is None else fields | {"exception": "".join(traceback.format_exception(error)).rstrip()}


def _own_key(key: str) -> str:
    return f"{key}_" if key in RESERVED_FIELDS else key
