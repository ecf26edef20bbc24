"""What the server writes to its console, and how entries of other loggers become log entries of their task.

structlog everywhere: the runner's entries are shown as they happen; entries that a raw asset (or a library it uses)
writes through structlog or `logging` are captured under the task they name, or else the task that is being executed.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from dagscope.dag.events.events import Event, Logged
from dagscope.dag.events.task_log import RawAssetLog, TaskLog, current_log
from dagscope.dag.redaction.redaction import Redaction
from dagscope.server.workspace.settings import LogFormat, LogLevel

DEFAULT_TASK = "default"
"""Where entries without a task go (contract, Logs)."""


def configure_console(level: LogLevel, form: LogFormat | None, stream: TextIO = sys.stderr) -> None:
    """Log to the stream from a level up: in the given form, by default text on a terminal and JSON lines elsewhere."""
    on_terminal = stream.isatty()
    as_text = on_terminal if form is None else form is LogFormat.TEXT
    by_own_clock = on_terminal and as_text
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if by_own_clock else "iso", utc=not by_own_clock),
            _capture,
            _drop_below(level.number),
            structlog.processors.format_exc_info,
            _redact,
            structlog.dev.ConsoleRenderer(colors=on_terminal) if as_text else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),  # what is not shown is still captured
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)


def uncaptured_log() -> Any:
    """A logger for the console alone, as `configure_console` set it up: no task's log keeps its entries."""
    processors = [processor for processor in structlog.get_config()["processors"] if processor is not _capture]
    return structlog.wrap_logger(None, processors=processors).bind()  # bound once: binding for each entry is slow


class TaskEntries:
    """A listener that shows the entries of tasks on the console, from a level up; they are not captured again.

    Create it after `configure_console`, whose settings it uses.
    """

    def __init__(self, level: LogLevel) -> None:
        self._level, self._log = level.number, uncaptured_log()

    def __call__(self, event: Event) -> None:
        # Checked here, before structlog does: most entries are for debugging, and preparing them takes time.
        if isinstance(event, Logged) and _number(event.entry.level) >= self._level:
            fields = event.entry.model_dump(exclude={"level", "time", "message"}, exclude_none=True, by_alias=True)
            log = getattr(self._log, event.entry.level, self._log.info)
            log(event.entry.message, **fields)


class Capture:
    """Turns entries of other loggers into log entries, while it is installed."""

    def __init__(self, emit: Callable[[Event], None], redaction: Callable[[], Redaction]) -> None:
        self._emit, self._redaction = emit, redaction

    def __enter__(self) -> "Capture":
        _installed.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _installed.remove(self)

    @property
    def redaction(self) -> Redaction:
        """That of the current project, which may have been loaded again."""
        return self._redaction()

    def take(self, level: str, message: str, fields: dict[str, Any]) -> None:
        task_id = fields.pop("taskId", None)
        running = current_log.get()
        if running is not None and task_id in (None, running.task_id):
            RawAssetLog(running).write(level, message, fields)
        else:
            attempt = 0  # of no attempt: the entry names no task, or one that this thread does not execute
            log = TaskLog(self._emit, self.redaction, str(task_id or DEFAULT_TASK), attempt)
            log.write(level, message, fields)


_installed: list[Capture] = []


def _capture(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """A structlog processor: pass the entry to the installed capture, once; `TaskEntries` shows the result.

    An exception that belongs to no task is the server's own: it is shown here in full, and in no log that clients read.
    """
    if not _installed:
        return entry
    if entry.get("exc_info") and current_log.get() is None and "taskId" not in entry:
        return entry
    fields = {key: value for key, value in entry.items() if key not in ("event", "level", "timestamp")}
    _installed[-1].take(str(entry.get("level", "info")), str(entry.get("event", "")), fields)
    raise structlog.DropEvent


def _redact(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """A structlog processor: entries of servers and libraries, and tracebacks, contain no secret of the project."""
    if not _installed:
        return entry
    hide = _installed[-1].redaction.text
    return {key: hide(value) if isinstance(value, str) else value for key, value in entry.items()}


def _drop_below(level: int) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    def drop(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
        if _number(str(entry.get("level"))) < level:
            raise structlog.DropEvent
        return entry

    return drop


def _number(level: str) -> int:
    """A level's number; an unknown level is always shown."""
    return _LEVELS.get(level.upper(), logging.CRITICAL)


_LEVELS = logging.getLevelNamesMapping()


class _ToStructlog(logging.Handler):
    """Hands entries of the standard library's loggers to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        write = getattr(log, record.levelname.lower(), log.info)
        write(record.getMessage(), logger=record.name, exc_info=record.exc_info)
