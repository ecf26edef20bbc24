"""Asking a task to stop: a flag, and the statements to interrupt."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dag.errors import Cancelled


class Cancellation:
    """Shared by a task's caller and all threads that work for it; safe from any thread."""

    def __init__(self) -> None:
        self._flag = threading.Event()
        self._lock = threading.Lock()
        self._interrupts: dict[int, Callable[[], None]] = {}

    @property
    def is_requested(self) -> bool:
        return self._flag.is_set()

    def request(self) -> None:
        """Interrupt what runs now. Call it again until the task has ended: a statement may just be starting."""
        self._flag.set()
        with self._lock:
            interrupts = list(self._interrupts.values())
        for interrupt in interrupts:
            interrupt()

    def check(self) -> None:
        """Raises `Cancelled` once cancellation was requested."""
        if self.is_requested:
            raise Cancelled

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While inside, a request calls `interrupt`. Raises `Cancelled` if one came before."""
        self.check()
        key = id(interrupt)
        with self._lock:
            self._interrupts[key] = interrupt
        try:
            yield
        finally:
            with self._lock:
                del self._interrupts[key]
