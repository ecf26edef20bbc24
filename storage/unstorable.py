"""What is recorded instead of an event that cannot be stored: one that says so.

This happens if a value from outside reaches an event unchecked, such as a lone surrogate or a number out of range. Such
an event fails its node, or is lost if it is a log entry; the state itself is not affected.
"""

from sqlite3 import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError

from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError

from dagscope.dag.events.closing import closed_node
from dagscope.dag.events.events import DataTestChanged, Event, EventKind, Logged, NodeChanged, RunEventEmitted
from dagscope.dag.events.status import DataTestStatus, LogEntry
from dagscope.dag.ground.clock import iso_time, now_ms
from dagscope.dag.ground.error_text import named_error

OF_VALUES = (DataError, IntegrityError, InterfaceError, ProgrammingError)
"""Errors of the database that are about the values; all others are about the database."""


def is_of_the_event(error: Exception) -> bool:
    """Whether the values of an event are at fault, and not the disk or the database."""
    of_driver = error.orig if isinstance(error, DBAPIError) else error  # the former from a change of the state
    return isinstance(of_driver, OF_VALUES) or not isinstance(of_driver, DatabaseError | OSError)


def replacements(event: Event, error: Exception) -> tuple[Event, ...]:
    """What to record instead: the first of these that can be stored."""
    message = f"could not be stored: {named_error(error)}"
    alike, entry = _alike(event, message), _entry(event, message)
    return (entry,) if alike is None else (alike, entry)


def _alike(event: Event, message: str) -> Event | None:
    """An event of the same kind, without the values that cannot be stored."""
    match event:
        case RunEventEmitted():
            changed = event.run_event.changed(run_id=_plain(event.task_id), message=f"a run event {message}")
            return RunEventEmitted(_plain(event.task_id), event.attempt, changed)
        case NodeChanged():
            node = event.node.changed(test_results=(), rows=None)
            return NodeChanged(event.task_id, event.attempt, closed_node(node, message, now_ms()))
        case DataTestChanged():
            result = event.result.changed(status=DataTestStatus.FAILED, error=message, row_count=None)
            return replace(event, result=result, violation_count=0, violations=None)
    return None


def _entry(event: Event, message: str) -> Logged:
    task_id = _plain(event.task_id)
    asset = event.entry.asset if isinstance(event, Logged) else None
    text = f"{_NAMES[event.kind]} {message}"
    entry = LogEntry(level="error", time=iso_time(now_ms()), message=text, task_id=task_id, asset=asset)
    return Logged(task_id, event.attempt, entry)


_NAMES = {
    EventKind.TASK: "the state of the task",
    EventKind.NODE: "the state of a node",
    EventKind.TEST: "the result of a data test",
    EventKind.LOG: "a log entry",
    EventKind.RUN_EVENT: "a run event",
}


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
