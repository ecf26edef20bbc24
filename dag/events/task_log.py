"""A task's log: entries that carry the task, the asset and the connection they belong to."""

import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.events import Event, Logged, RunEventEmitted
from dagscope.dag.events.log_limits import UNLIMITED, EntryCount, LogLimits, shown, shown_fields
from dagscope.dag.events.run_events import LoggedRunEvent, RunEventLevel, RunEventType
from dagscope.dag.events.status import LogEntry
from dagscope.dag.ground.clock import iso_time, now_ms
from dagscope.dag.ground.error_text import class_name
from dagscope.dag.redaction.redaction import Redaction

Emit = Callable[[Event], None]
"""Receives each event as it happens, from any thread; never blocks for long and never raises."""

RESERVED_FIELDS = frozenset(LogEntry.__struct_fields__) - {"fields"} | {"taskId"}
"""Keys that an entry's own fields cannot have."""

_LEVELS = {
    "debug": RunEventLevel.DEBUG,
    "info": RunEventLevel.INFO,
    "warning": RunEventLevel.WARNING,
    "error": RunEventLevel.ERROR,
    "critical": RunEventLevel.CRITICAL,
}


class Log(ABC):
    """A log to write entries to: `log.info("loaded", rows=3)`."""

    @abstractmethod
    def write(self, level: str, message: object, fields: dict[str, Any]) -> None:
        """One entry; `level` is debug, info, warning, error or critical. Never raises, whatever the values are."""

    def debug(self, message: object, /, **fields: Any) -> None:
        self.write("debug", message, fields)

    def info(self, message: object, /, **fields: Any) -> None:
        self.write("info", message, fields)

    def warning(self, message: object, /, **fields: Any) -> None:
        self.write("warning", message, fields)

    def error(self, message: object, /, **fields: Any) -> None:
        self.write("error", message, fields)

    def critical(self, message: object, /, **fields: Any) -> None:
        self.write("critical", message, fields)


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
    limits: LogLimits = UNLIMITED
    own_entries: EntryCount = field(default_factory=lambda: EntryCount(UNLIMITED.task_entries))
    """Counts the entries that raw assets write."""

    @classmethod
    def of_attempt(cls, emit: Emit, redaction: Redaction, task_id: str, attempt: int, limits: LogLimits) -> "TaskLog":
        """The log of an attempt, which counts the entries of its raw assets."""
        return cls(emit, redaction, task_id, attempt, limits=limits, own_entries=EntryCount(limits.task_entries))

    def for_asset(self, asset: str, connection: str) -> "TaskLog":
        return replace(self, asset=asset, connection=connection)

    def for_test(self, test: str) -> "TaskLog":
        return replace(self, test=test)

    def shown(self, text: str) -> str:
        """The text as it is stored: secrets hidden, and truncated if it is longer than a message may be."""
        return shown(text, self.redaction, self.limits.message_chars, "DAGSCOPE_MESSAGE_CHARS")

    def write(self, level: str, message: object, fields: dict[str, Any]) -> None:
        self._write(level, message, fields)

    def fault(self, message: str, fault: BaseException | None, /, **fields: Any) -> None:
        """An error entry; `fault` is the unexpected error behind it, if there is one."""
        self._write("error", message, fields, fault)

    def _write(self, level: str, message: object, fields: dict[str, Any], fault: BaseException | None = None) -> None:
        if "exc_info" in fields:
            fields = _with_exception(fields)
        entry = LogEntry(
            level=level,
            time=iso_time(now_ms()),
            message=self.shown(_as_text(message)),
            task_id=self.task_id,
            asset=self.asset,
            connection=self.connection,
            test=self.test,
            fields=shown_fields(_renamed(fields, self.redaction), self.redaction, self.limits.entry_chars),
        )
        self.emit(Logged(self.task_id, self.attempt, entry, fault))

    def run_event(
        self, type_: RunEventType, level: RunEventLevel, message: str, error: ErrorInfo | None = None
    ) -> None:
        """Emit one run event; its step key is the log's asset."""
        event = LoggedRunEvent(
            run_id=self.task_id,
            message=self.shown(message),
            timestamp=iso_time(now_ms()),
            level=level,
            step_key=self.asset,
            event_type=type_.value,
        )
        self.emit(RunEventEmitted(self.task_id, self.attempt, event, error))


@dataclass(frozen=True)
class RawAssetLog(Log):
    """The `log` of a raw asset: entries at info or above become run events too (contract, Run events)."""

    log: TaskLog

    def write(self, level: str, message: object, fields: dict[str, Any]) -> None:
        if not self.log.own_entries.admits_one_more():
            return
        text = _as_text(message)
        self.log.write(level, text, fields)
        if level != "debug":
            self.log.run_event(RunEventType.LOG_MESSAGE, _LEVELS.get(level, RunEventLevel.INFO), text)


current_log: ContextVar[TaskLog | None] = ContextVar("current_log", default=None)
"""The log of the asset that this thread executes, for entries that other loggers write (contract, Logs)."""


def _with_exception(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with the exception that `exc_info` means, as for other loggers, as the text `exception`."""
    fields = dict(fields)
    error: BaseException | None
    match fields.pop("exc_info"):
        case BaseException() as error:
            pass
        case (_, BaseException() as error, _):
            pass
        case bool() | None | int() as wanted:
            error = sys.exc_info()[1] if wanted else None
        case other:  # a field of the asset's own
            return fields | {"exc_info": other}
    return fields if error is None else fields | {"exception": "".join(traceback.format_exception(error)).rstrip()}


def _renamed(fields: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    """The fields under keys that can be stored; a reserved key gets an underscore at the end."""
    renamed: dict[str, Any] = {}
    for key, value in fields.items():
        own = redaction.text(key)
        while own in RESERVED_FIELDS or own in renamed:
            own += "_"
        renamed[own] = value
    return renamed


def _as_text(message: object) -> str:
    try:
        return str.__str__(message if isinstance(message, str) else str(message))
    except BaseException as error:  # noqa: BLE001  the code of an unknown class, which may even raise SystemExit
        return f"a message that cannot be shown: {class_name(error)}"
