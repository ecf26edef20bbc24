"""Asking a task to stop: a flag, the statements to interrupt, and the Python to break off."""

import ctypes
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from dagscope.dag.ground.errors import Cancelled


class Cancellation:
    """Shared by a task's caller and all threads that work for it; safe from any thread."""

    def __init__(self) -> None:
        self.requested: Future[None] = Future()
        """Done once cancellation was requested: something to wait for beside the work itself."""
        self._lock = threading.Lock()
        self._interrupts: dict[object, Callable[[], None]] = {}

    @property
    def is_requested(self) -> bool:
        return self.requested.done()

    def request(self) -> None:
        """Interrupt what runs now. Call it again until the task has ended: a statement may just be starting."""
        with self._lock:
            if not self.requested.done():
                self.requested.set_result(None)
            for interrupt in self._interrupts.values():
                interrupt()

    def check(self) -> None:
        """Raises `Cancelled` once cancellation was requested."""
        if self.is_requested:
            raise Cancelled

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While inside, a request calls `interrupt`. Raises `Cancelled` if one came before."""
        self.check()
        key = object()  # the same may be given twice, one inside the other
        with self._lock:
            self._interrupts[key] = interrupt
        try:
            yield
        finally:
            with self._lock:
                del self._interrupts[key]

    @contextmanager
    def breaking_off(self) -> Iterator[None]:
        """While inside, a request raises `BrokenOff` in this thread, at the next Python instruction it executes.

        Code that waits in a library written in C notices only when that returns. Raises `Cancelled`.
        """
        thread = threading.get_ident()
        sent = False

        def break_off() -> None:
            nonlocal sent
            if not sent:
                sent = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(BrokenOff))

        try:
            with self.interrupting(break_off):
                yield
        except BrokenOff as error:
            raise Cancelled from error
        finally:
            if sent:  # sent, but the code ended before it was raised: it must not be raised later on
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)


class BrokenOff(BaseException):
    """Raised in a raw asset's code when its task is cancelled; no `except Exception` of the asset's stops it."""
