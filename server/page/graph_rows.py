"""Rows of a drawn graph: the order and the height of what is in each column. Pure, and linear in the lines drawn.

The items of a column are assets and lanes: a lane is where the line of a distant upstream passes through the column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, inf

_ORDER_SWEEPS = 6
_HEIGHT_SWEEPS = 6
GRID = 8
"""Heights are multiples of it, so that lines that are nearly level are level."""
_LANE_WEIGHT = 8.0  # a lane that bends is worse than an asset off its upstreams' middle


@dataclass(frozen=True)
class Items:
    """Items by number. `columns` has the items of each column in a first order.

    `left` and `right` are the neighbours of an item in the columns beside it. `room` is half of the distance that an
    item keeps from others like it.
    """

    columns: Sequence[list[int]]
    left: Sequence[Sequence[int]]
    right: Sequence[Sequence[int]]
    room: Sequence[int]
    is_lane: Sequence[bool]


def heights(items: Items) -> list[int]:
    """The height of each item's middle, so that neighbours are level and no two items of a column overlap.

    Heights are multiples of `GRID`, the least one is 0, and so must be the sum of the room of any two items.
    """
    columns = _ordered(items)
    return _on_grid(items, columns, _heights(items, columns))


def _ordered(items: Items) -> list[list[int]]:
    """The columns in an order with few crossings: sweeps to and fro put items at the mean place of their neighbours."""
    columns = [list(column) for column in items.columns]
    place = [0.0] * len(items.room)
    for column in columns:
        _number(column, place)
    for sweep in range(_ORDER_SWEEPS):
        neighbours, ways = (items.left, columns) if sweep % 2 == 0 else (items.right, columns[::-1])
        for column in ways:
            means = [_mean(near, place) if (near := neighbours[i]) else place[i] for i in column]
            column[:] = [column[k] for k in sorted(range(len(column)), key=means.__getitem__)]  # ties keep their order
            _number(column, place)
    return columns


def _number(column: Sequence[int], place: list[float]) -> None:
    """Places from 0 to 1, so that columns of different lengths can be compared."""
    step = 1 / len(column) if column else 0
    for index, item in enumerate(column):
        place[item] = (index + 0.5) * step


def _mean(neighbours: Sequence[int], value: Sequence[float]) -> float:
    if len(neighbours) == 1:
        return value[neighbours[0]]
    return sum([value[i] for i in neighbours]) / len(neighbours)


def _heights(items: Items, columns: Sequence[Sequence[int]]) -> list[float]:
    height = [0.0] * len(items.room)
    offsets = [_offsets(column, items.room) for column in columns]
    tallest = max((column[-1] for column in offsets if column), default=0)
    for column, offset in zip(columns, offsets, strict=True):
        start = (tallest - offset[-1]) / 2 if offset else 0.0
        for item, at in zip(column, offset, strict=True):
            height[item] = start + at
    weight = [_LANE_WEIGHT if lane else 1.0 for lane in items.is_lane]
    for sweep in range(_HEIGHT_SWEEPS):
        forth = sweep % 2 == 1
        beside, other = (items.left, items.right) if forth else (items.right, items.left)
        beside = [near or far for near, far in zip(beside, other, strict=True)]
        for index in range(len(columns)) if forth else reversed(range(len(columns))):
            _settle(columns[index], offsets[index], beside, weight, height)
    return height


def _offsets(column: Sequence[int], room: Sequence[int]) -> list[int]:
    """The least height of each item below the first."""
    offsets: list[int] = []
    at = 0
    for index, item in enumerate(column):
        at += room[column[index - 1]] + room[item] if index else 0
        offsets.append(at)
    return offsets


def _on_grid(items: Items, columns: Sequence[Sequence[int]], height: Sequence[float]) -> list[int]:
    least = min(height, default=0.0)
    rounded = [0] * len(height)
    for column in columns:
        before: int | None = None
        for item in column:
            nearest = floor((height[item] - least) / GRID + 0.5) * GRID
            if before is not None:  # rounding may bring two items nearer to each other
                nearest = max(nearest, rounded[before] + items.room[before] + items.room[item])
            rounded[item] = nearest
            before = item
    return rounded


def _settle(
    column: Sequence[int],
    offsets: Sequence[int],
    beside: Sequence[Sequence[int]],
    weight: Sequence[float],
    height: list[float],
) -> None:
    """Move the items of a column as near to their neighbours' middle as their order and distances allow."""
    wanted = [
        (height[near[0]] if len(near) == 1 else _mean(near, height) if near else height[item]) - offset
        for item, offset, near in zip(column, offsets, [beside[item] for item in column], strict=True)
    ]
    settled = isotonic(wanted, [weight[item] for item in column])
    for item, offset, value in zip(column, offsets, settled, strict=True):
        height[item] = value + offset


def isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The values that never decrease and have the least weighted squares of distances from the given ones.

    >>> isotonic([1.0, 3.0, 2.0], [1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5]
    """
    means: list[float] = []
    sums: list[float] = []
    counts: list[int] = []
    highest = -inf
    for mean, total in zip(values, weights, strict=True):
        count = 1
        while highest > mean:  # joins the block before
            before = sums.pop()
            mean = (means.pop() * before + mean * total) / (before + total)  # noqa: PLW2901
            total += before  # noqa: PLW2901
            count += counts.pop()
            highest = means[-1] if means else -inf
        means.append(mean)
        sums.append(total)
        counts.append(count)
        highest = mean
    return [mean for mean, count in zip(means, counts, strict=True) for _ in range(count)]
