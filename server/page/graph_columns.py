"""Columns of a drawn graph: which column each asset is in, and which columns each stage has. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, sqrt

from dagscope.dag.model.graph import Graph

LEAST_ROWS = 40
"""A column holds this many assets before the ones after it are put into the next column."""


@dataclass(frozen=True)
class StageColumns:
    """The columns of one stage, from `first` to `last`."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class Columns:
    """The column of each asset, to the right of all its upstreams.

    `stages` is empty if the stages depend on each other in a cycle: an asset's column does not say its stage then.
    """

    of: Mapping[str, int]
    count: int
    stages: tuple[StageColumns, ...]


def columns_of(graph: Graph, stage_of: Mapping[str, str]) -> Columns:
    """Stages side by side, upstream stages first; in each one, assets by the length of the longest path to them."""
    members: dict[str, list[str]] = {}
    for name in graph.order:
        members.setdefault(stage_of[name], []).append(name)
    rows = max(LEAST_ROWS, ceil(sqrt(2 * len(graph.upstreams))))  # makes a graph of one layer about square
    order = _stage_order(graph, stage_of)
    of: dict[str, int] = {}
    if order is None:
        return Columns(of, _place(graph, graph.order, 0, rows, of), ())
    stages = []
    first = 0
    for stage in order:
        after = _place(graph, members[stage], first, rows, of)
        stages.append(StageColumns(stage, first, after - 1))
        first = after
    return Columns(of, first, tuple(stages))


def _stage_order(graph: Graph, stage_of: Mapping[str, str]) -> tuple[str, ...] | None:
    """The stages by the length of the longest path to them, then by name; None if they form a cycle."""
    upstreams: dict[str, set[str]] = {}
    for name, own in graph.upstreams.items():
        found = upstreams.setdefault(stage_of[name], set())
        found.update(stage_of[upstream] for upstream in own)
    stages = Graph({stage: tuple(found - {stage}) for stage, found in upstreams.items()})
    try:
        order = stages.order
    except ValueError:
        return None
    depth: dict[str, int] = {}
    for stage in order:
        depth[stage] = max((depth[upstream] + 1 for upstream in stages.upstreams[stage]), default=0)
    return tuple(sorted(order, key=lambda stage: (depth[stage], stage)))


def _place(graph: Graph, names: Iterable[str], first: int, rows: int, of: dict[str, int]) -> int:
    """Put names, upstreams first, into columns from `first` on; returns the column after the last one."""
    filled: list[int] = []
    free: list[int] = []  # for each column, a column at or after it that may have room
    for name in names:
        wanted = max((of[upstream] + 1 - first for upstream in graph.upstreams[name] if upstream in of), default=0)
        column = _free_column(free, max(0, wanted))
        while len(filled) <= column:
            filled.append(0)
            free.append(len(free))
        filled[column] += 1
        if filled[column] == rows:
            free[column] = column + 1
        of[name] = first + column
    return first + len(filled)


def _free_column(free: list[int], wanted: int) -> int:
    """The first column from `wanted` on that is not full; shortens the way for later searches."""
    passed = []
    while wanted < len(free) and free[wanted] != wanted:
        passed.append(wanted)
        wanted = free[wanted]
    for column in passed:
        free[column] = wanted
    return wanted
