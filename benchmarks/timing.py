"""How long something takes: always the median of several times, those that are compared in turn."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

Action = Callable[[], object]


def seconds(action: Action) -> float:
    """How long it takes once."""
    started = perf_counter()
    action()
    return perf_counter() - started


def median_seconds(times: int, *actions: Action) -> list[float]:
    """The median of each action; they take turns, so that what else the machine does meets all alike."""
    taken = [[seconds(action) for action in actions] for _ in range(times)]
    return [median(column) for column in zip(*taken, strict=True)]
