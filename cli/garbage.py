"""Garbage collection of a command: paused while it starts.

Importing and loading create hundreds of thousands of objects that stay, and hardly any garbage: 1,400 of 150,000.
Collecting took a third of the time.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage_left() -> Iterator[None]:
    """Collect no garbage inside the block. What exists at its end is never looked at again (`keep_objects`)."""
    gc.disable()
    try:
        yield
    finally:
        keep_objects()
        gc.enable()


def keep_objects() -> None:
    """What exists now stays: scanning it in each full collection would block the event loop for 150 ms."""
    gc.freeze()
    atexit.register(gc.unfreeze)  # DuckDB's binding would report objects that cannot be collected as leaks
