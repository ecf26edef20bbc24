"""Entries of structlog and `logging` in the process of runs become log entries of the asset that wrote them."""

import logging
from contextlib import suppress
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from dagscope.dag.events.captured_entries import Capture, installed_capture
from dagscope.dag.ground.error_text import class_name
from dagscope.dag.run.process_state import restored_after_raw_assets


def capture_foreign_logs() -> None:
    """Set up both; entries below warning are taken from structlog only, as libraries write many to `logging`."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, _capture],
        wrapper_class=AnyLevel,
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_ToLog()], level=logging.WARNING, force=True)
    restored_after_raw_assets(structlog.get_config, lambda config: structlog.configure(**config))


_NotFiltering: Any = structlog.make_filtering_bound_logger(logging.NOTSET)


class AnyLevel(_NotFiltering):  # type: ignore[misc]  # structlog makes the class when it is called
    """A logger that also takes levels that have no name."""

    def log(self, level: int, event: str, *args: object, **fields: Any) -> Any:
        return super().log(named_level(level), event, *args, **fields)


def _capture(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    capture = installed_capture()
    if capture is not None:
        take_entry(capture, entry)
    raise structlog.DropEvent


def take_entry(capture: Capture, entry: EventDict) -> None:
    """Make an entry of structlog a log entry."""
    fields = {key: value for key, value in entry.items() if key not in ("event", "level", "timestamp")}
    capture.take(str(entry.get("level", "info")), str(entry.get("event", "")), fields)


def named_level(number: int) -> int:
    """The nearest level below that has a name."""
    return max(logging.DEBUG, min(number // 10 * 10, logging.CRITICAL))


class _ToLog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = logging.getLevelName(named_level(record.levelno)).lower()
        with suppress(structlog.DropEvent):
            _capture(None, level, structlog.contextvars.merge_contextvars(None, level, entry_of(record, level)))


def entry_of(record: logging.LogRecord, level: str) -> EventDict:
    """An entry of `logging` as structlog has them."""
    return {"event": message_of(record), "level": level, "logger": record.name, "exc_info": record.exc_info}


def message_of(record: logging.LogRecord) -> str:
    """The message of an entry of `logging`, whatever its arguments are."""
    try:
        return record.getMessage()
    except BaseException as error:  # noqa: BLE001  wrong arguments, or a value of any class
        return f"{record.msg!s} (a message that cannot be shown: {class_name(error)})"
