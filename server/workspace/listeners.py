"""The listeners of every event: the console, and other packages' entry points in the group `dagscope.listeners`.

A listener cannot fail a task: if it raises, the console reports it and it is not called again.
"""

import threading
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points

from dagscope.dag.events.events import Event, Logged
from dagscope.server.workspace.console import console_log

GROUP = "dagscope.listeners"

Listener = Callable[[Event], None]
"""Called with every event as it happens, from any thread, before it is committed."""


class Listeners:
    """Several listeners as one; safe from any thread."""

    def __init__(self, listeners: tuple[Listener, ...]) -> None:
        self._listeners = listeners
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except BaseException as error:  # noqa: BLE001  another package's code may raise anything
                self._drop(listener, error)

    def _drop(self, listener: Listener, error: BaseException) -> None:
        with self._lock:
            is_first = listener in self._listeners
            self._listeners = tuple(other for other in self._listeners if other is not listener)
        if is_first:
            _report("A listener raised an exception and is no longer called", _name(listener), error)


def show_fault(event: Event) -> None:
    """A listener that shows on the console where an unexpected error in a node or a data test was raised."""
    if isinstance(event, Logged) and event.fault is not None:
        entry = event.entry
        at = {"taskId": entry.task_id, "asset": entry.asset, "test": entry.test}
        known = {key: name for key, name in at.items() if name is not None}
        console_log().write("error", "Unexpected fault", known, event.fault)


@cache  # finding them reads a file of every installed package
def listener_entries() -> EntryPoints:
    """The listeners that other packages declare."""
    return entry_points(group=GROUP)


def installed_listeners() -> tuple[Listener, ...]:
    """The listeners of other packages; one that cannot be imported is reported on the console and left out."""
    loaded = (_loaded(entry) for entry in listener_entries())
    return tuple(listener for listener in loaded if listener is not None)


def _loaded(entry: EntryPoint) -> Listener | None:
    try:
        listener = entry.load()
    except BaseException as error:  # noqa: BLE001  another package's code may raise anything
        _report("A listener cannot be imported", entry.value, error)
        return None
    if not callable(listener):
        _report("A listener cannot be called", entry.value, None)
        return None
    loaded: Listener = listener
    return loaded


def _name(listener: Listener) -> str:
    named = listener if hasattr(listener, "__qualname__") else type(listener)
    return f"{named.__module__}:{named.__qualname__}"


def _report(what: str, listener: str, error: BaseException | None) -> None:
    # Not captured: a task's log is served to clients, and the fault is not the task's.
    console_log().write("error", what, {"listener": listener}, error)
