"""What the server writes to its console, and how entries of other loggers become log entries of their task.

The runner's entries are shown as they happen; entries that a raw asset (or a library it uses) writes through structlog
or `logging` are captured under the task they name, or else the task that is being executed.
"""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from textwrap import indent
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from dagscope.dag.events.captured_entries import installed_capture
from dagscope.dag.events.events import Event, Logged
from dagscope.dag.events.task_log import current_log
from dagscope.dag.ground.carried_fault import CarriedFault
from dagscope.dag.ground.terminal_text import shown, shown_lines
from dagscope.dag.process.foreign_logs import AnyLevel, entry_of, named_level, take_entry
from dagscope.dag.run.process_state import restored_after_raw_assets
from dagscope.server.workspace.settings import LogFormat, LogLevel


class ConsoleLog:
    """Writes entries on the console, through the processors that are left of structlog's. Never raises."""

    def __init__(self, stream: TextIO, processors: Sequence[Processor]) -> None:
        self._stream, self._processors = stream, processors

    def of_redacted_entries(self) -> "ConsoleLog":
        """The same for entries in which no secret is left."""
        return ConsoleLog(self._stream, [process for process in self._processors if process is not _redact])

    def write(self, level: str, message: str, fields: Mapping[str, Any], error: BaseException | None = None) -> None:
        """One entry; `error` is shown with its traceback."""
        own = {f"{key}_" if key in _CONSOLE_KEYS else key: value for key, value in fields.items()}
        entry: Any = own | {"event": message, "level": level} | _fault(error)
        try:
            for process in self._processors:
                entry = process(None, level, entry)
            print(entry, file=self._stream)
        except structlog.DropEvent:
            return
        except BaseException:  # noqa: BLE001  values of any class are rendered, and no log call may fail for that
            print(f"{level}: {shown(message)}", file=self._stream)


def _fault(error: BaseException | None) -> dict[str, Any]:
    """The error under the key that structlog's processors read; one of another process as they would have shown it."""
    if isinstance(error, CarriedFault):
        return {"exception": error.shown}
    return {} if error is None else {"exc_info": error}


_CONSOLE_KEYS = frozenset({"event", "level", "timestamp", "exc_info", "stack", "logger_name"})
"""Keys that the console's own processors give a meaning."""

_console = ConsoleLog(
    sys.stderr, (structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=repr))
)


def console_log() -> ConsoleLog:
    """The console as `configure_console` has set it up; what it shows is in no task's log."""
    return _console


def configure_console(level: LogLevel, form: LogFormat | None, stream: TextIO = sys.stderr) -> None:
    """Log to the stream from a level on: in the form given, else as text on a terminal and as JSON lines elsewhere."""
    global _console  # noqa: PLW0603  a process has one console
    on_terminal = stream.isatty()
    as_text = on_terminal if form is None else form is LogFormat.TEXT
    by_own_clock = on_terminal and as_text
    rendered: tuple[Processor, ...] = (
        (_on_one_line, structlog.dev.ConsoleRenderer(colors=on_terminal))
        if as_text
        else (structlog.processors.JSONRenderer(default=repr),)
    )
    rendering: tuple[Processor, ...] = (
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if by_own_clock else "iso", utc=not by_own_clock),
        _drop_below(level.number),
        structlog.processors.format_exc_info,
        _redact,
        *rendered,
    )
    _console = ConsoleLog(stream, rendering)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _capture,
            *rendering,
        ],
        wrapper_class=AnyLevel,  # what is not shown is still captured
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_ToConsole()], level=logging.WARNING, force=True)
    restored_after_raw_assets(structlog.get_config, lambda config: structlog.configure(**config))


class TaskEntries:
    """A listener that shows the entries of tasks on the console, from a level up; they are not captured again.

    Create it after `configure_console`, whose settings it uses.
    """

    def __init__(self, level: LogLevel) -> None:
        self._level, self._log = level.number, console_log().of_redacted_entries()

    def __call__(self, event: Event) -> None:
        # Asked here already: most entries are for debugging, and preparing them takes time.
        if isinstance(event, Logged) and _number(event.entry.level) >= self._level:
            entry = event.entry
            self._log.write(entry.level, entry.message, {**entry.context, **entry.fields})


def _capture(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """A structlog processor: pass the entry to the installed capture, once; `TaskEntries` shows the result.

    An exception that belongs to no task is the server's own: it is shown here in full, and in no log that clients read.
    """
    capture = installed_capture()
    if capture is None:
        return entry
    if entry.get("exc_info") and current_log.get() is None and "taskId" not in entry:
        return entry
    take_entry(capture, entry)
    raise structlog.DropEvent


def _redact(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """A structlog processor: entries of servers and libraries, and tracebacks, contain no secret of the project."""
    capture = installed_capture()
    if capture is None:
        return entry
    hide = capture.redaction.text
    return {key: hide(value) if isinstance(value, str) else value for key, value in entry.items()}


def _on_one_line(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """A structlog processor for text: no message, key or value looks like another entry, or controls the terminal.

    Tracebacks keep their lines, which are indented, so that none of them looks like an entry either.
    """
    shown_entry: EventDict = {}
    for key, value in entry.items():
        if key in ("exception", "stack"):
            shown_entry[key] = indent(shown_lines(str(value)), "    ")
        elif key == "event":
            shown_entry[key] = shown(str(value))
        else:
            is_plain = isinstance(value, str) and shown(value) == value
            shown_entry[shown(key)] = value if is_plain else _OneLine(value)
    return shown_entry


class _OneLine:
    """A value that is shown on one line, whatever its own `repr` returns."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        return shown(repr(self._value))


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


class _ToConsole(logging.Handler):
    """Takes entries of the standard library's loggers: into the log of their task, or on the console."""

    def emit(self, record: logging.LogRecord) -> None:
        level = logging.getLevelName(named_level(record.levelno)).lower()
        entry = entry_of(record, level)
        try:
            _capture(None, level, structlog.contextvars.merge_contextvars(None, level, entry))
        except structlog.DropEvent:
            return
        console_log().write(level, entry["event"], {"logger": record.name}, record.exc_info and record.exc_info[1])
