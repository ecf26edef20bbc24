"""Entries that other loggers write, as log entries of their task (contract, Logs).

An entry belongs to the asset that its thread executes; in a thread of a raw asset's own, to that asset if no other raw
asset runs; else to the task that it names, or to none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dagscope.dag.events.events import Event
from dagscope.dag.events.log_limits import LogLimits
from dagscope.dag.events.task_ids import NO_TASK, check_task_id
from dagscope.dag.events.task_log import RawAssetLog, TaskLog, current_log
from dagscope.dag.redaction.redaction import Redaction

_raw_assets: list[TaskLog] = []


@contextmanager
def raw_asset_writes_to(log: TaskLog) -> Iterator[None]:
    """Inside the block, a raw asset with this log runs."""
    _raw_assets.append(log)
    try:
        yield
    finally:
        _raw_assets.remove(log)


def log_here() -> TaskLog | None:
    """The log of the asset that this thread works for, None if that is not known."""
    running = current_log.get()
    if running is not None:
        return running
    return _raw_assets[0] if len(_raw_assets) == 1 else None


class Capture:
    """Turns entries of other loggers into log entries, while it is installed."""

    def __init__(self, emit: Callable[[Event], None], redaction: Callable[[], Redaction], limits: LogLimits) -> None:
        self._emit, self._redaction, self._limits = emit, redaction, limits

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
        task_id = _task_id_of(fields)
        running = log_here()
        if running is not None and task_id in (None, running.task_id):
            RawAssetLog(running).write(level, message, fields)
        else:
            attempt = 0  # no attempt's: the entry names a task, if any, that this thread does not execute
            log = TaskLog(self._emit, self.redaction, task_id or NO_TASK, attempt, limits=self._limits)
            log.write(level, message, fields)


_installed: list[Capture] = []


def installed_capture() -> Capture | None:
    """The capture that was installed last."""
    return _installed[-1] if _installed else None


def _task_id_of(fields: dict[str, Any]) -> str | None:
    """The task that an entry names, taken out of its fields; what cannot name one stays a field."""
    task_id = fields.get("taskId")
    try:
        checked = check_task_id(task_id) if type(task_id) is str and task_id.encode() else None
    except ValueError:
        return None
    if checked is not None or not task_id:
        fields.pop("taskId", None)
    return checked
