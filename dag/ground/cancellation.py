"""Asking a task to stop: a flag, the statements to interrupt, and the Python code to stop."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from dagscope.dag.ground.breaking_off import Breaker, BrokenOff
from dagscope.dag.ground.errors import Cancelled


class Cancellation:
    """Shared by a task's caller and all threads that work for it; safe from any thread."""

    def __init__(self) -> None:
        self.requested: Future[None] = Future()
        """Done once cancellation was requested, so that callers can wait for it along with the work."""
        self._lock = threading.Lock()
        self._interrupts: dict[object, Callable[[], None]] = {}

    @property
    def is_requested(self) -> bool:
        return self.requested.done()

    def request(self) -> None:
        """Interrupt what is running. Call it again until the task has ended: a statement may just be starting."""
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
        """Inside the block, a request calls `interrupt`. Raises `Cancelled` if cancellation was requested before."""
        self.check()
        key = object()  # nested blocks may register the same `interrupt`
        with self._lock:
            self._interrupts[key] = interrupt
        try:
            yield
        finally:
            with self._lock:
                del self._interrupts[key]

    @contextmanager
    def breaking_off(self, is_own: Callable[[str], bool]) -> Iterator[Breaker]:
        """Inside the block, a request raises `BrokenOff` in this thread, in code of files that `is_own` accepts.

        Code that waits in a library notices only when the library returns. Raises `Cancelled`.
        """
        breaker = Breaker(is_own)
        try:
            with self.interrupting(breaker.break_off):
                yield breaker
        except BrokenOff as error:
            raise Cancelled from error
        finally:
            breaker.forget()  # if the code ended before the exception was raised, it must not be raised later
