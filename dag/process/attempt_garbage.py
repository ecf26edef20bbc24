"""Collecting garbage while an attempt is executed: hardly any, unless it executes Python of raw assets.

A full collection in a project of 10,000 assets stops all threads for 0.1 to 1 s, several times in a run.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

_YOUNG_OBJECTS = 100_000


@contextmanager
def garbage_left() -> Iterator[Callable[[], None]]:
    """Inside the block, what exists at its start is not looked at, and what is created is looked at seldom.

    The function has it looked at as often as usual: the garbage of raw assets may be large.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *thresholds[1:])
    try:
        yield partial(gc.set_threshold, *thresholds)
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
