"""How long something takes: the median of several measurements, in turn if they are compared."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

Action = Callable[[], object]


def seconds(action: Action) -> float:
    """How long the action takes once."""
    started = perf_counter()
    action()
    return perf_counter() - started


def median_seconds(times: int, *actions: Action) -> list[float]:
    """The median time of each action. They take turns, so that other load on the machine affects all equally."""
    taken = [[seconds(action) for action in actions] for _ in range(times)]
    return [median(column) for column in zip(*taken, strict=True)]
