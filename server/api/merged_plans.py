"""Two plans of a statement as one tree, in which each operator stands once, with what it did now and before.

Operators are matched from the top. Those below each other in both plans stay so: an operator that stands between two
matching ones in only one of the plans is new or gone there. What an operator reads in the end says which of several
children belong together, because an optimizer may swap the sides of a join.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from dagscope.dag.events.statements import ProfileNode
from dagscope.server.http.shapes.plans import PlanChange, PlanOperator

LEAST_FACTOR = 1.5  # between two times or two numbers of rows that are said to differ
LEAST_MS = 5  # between two such times
LEAST_ROWS = 100  # between two such numbers of rows

_DEEPEST = 80  # operators above each other; those below are left out. Parsers of JSON stop at twice as many
_COLUMN_NUMBER = re.compile(r"#\d+")  # an engine may number the columns anew in each plan

Number = float | None


def merged_plan(now: ProfileNode, before: ProfileNode) -> PlanOperator:
    """Both plans as one. An operator that another one took the place of stands above it, and is gone."""
    return _Merging(_total_ms(now)).merged(_branch(now), _branch(before), 0)


def time_change(now: Number, before: Number) -> PlanChange:
    """Whether a time in ms is clearly another one."""
    return _change(now, before, LEAST_MS, PlanChange.SLOWER, PlanChange.FASTER)


def change_of(rows: Number, rows_before: Number, ms: Number, ms_before: Number) -> PlanChange:
    """What differs: the time, or else the number of rows."""
    change = time_change(ms, ms_before)
    if change is not PlanChange.SAME:
        return change
    return _change(rows, rows_before, LEAST_ROWS, PlanChange.MORE_ROWS, PlanChange.FEWER_ROWS)


def _change(now: Number, before: Number, least: int, more: PlanChange, fewer: PlanChange) -> PlanChange:
    if now is None or before is None or abs(now - before) < least:
        return PlanChange.SAME
    if now >= before * LEAST_FACTOR:
        return more
    return fewer if before >= now * LEAST_FACTOR else PlanChange.SAME


def _total_ms(node: ProfileNode) -> float:
    return (node.duration_ms or 0) + sum(map(_total_ms, node.children))


@dataclass(frozen=True, slots=True)
class _Branch:
    """An operator with those below it. `whole` is the same for equal ones, `reads` for those that read the same.

    `parts` has the `reads` of all of them, in order.
    """

    node: ProfileNode
    whole: int
    reads: int
    parts: Mapping[int, None]
    children: tuple["_Branch", ...]

    def is_like(self, other: "_Branch", strictly: bool) -> bool:
        return self.node.name == other.node.name and (not strictly or self.reads == other.reads)


def _branch(node: ProfileNode) -> _Branch:
    children = tuple(map(_branch, node.children))
    detail = _COLUMN_NUMBER.sub("#", node.detail)
    whole = hash((node.name, detail, tuple(child.whole for child in children)))
    # Of a scan, the first fact names the relation; a sum, because the order of the sides does not matter.
    reads = sum(child.reads for child in children) if children else hash((node.name, detail.partition(";")[0]))
    if len(children) == 1:
        parts = children[0].parts
    else:
        parts = dict.fromkeys((reads, *chain.from_iterable(child.parts for child in children)))
    return _Branch(node, whole, reads, parts, children)


class _Merging:
    def __init__(self, total_ms: float) -> None:
        self._total_ms = total_ms

    def merged(self, now: _Branch | None, before: _Branch | None, depth: int) -> PlanOperator:
        """Of one branch alone, everything is new or gone."""
        if now is None or before is None or _is_same_place(now, before):
            return self._operator(now, before, _pairs(now, before), depth)
        strictly = now.node.name == before.node.name
        added, taken = _steps(now, before, strictly), _steps(before, now, strictly)
        if added is not None and (taken is None or added <= taken):
            return self._operator(now, None, _around(now, before), depth)
        if taken is not None:
            gone = [(child, other) for other, child in _around(before, now)]
            return self._operator(None, before, gone, depth)
        if strictly:
            return self._operator(now, before, _pairs(now, before), depth)
        return self._replaced(now, before, depth)

    def _replaced(self, now: _Branch, before: _Branch, depth: int) -> PlanOperator:
        new = self._operator(now, None, _pairs(now, before), depth + 1)
        gone = self._operator(None, before, (), depth)
        return gone.model_copy(update={"children": (new,)})

    def _operator(
        self,
        now: _Branch | None,
        before: _Branch | None,
        below: Sequence[tuple[_Branch | None, _Branch | None]],
        depth: int,
    ) -> PlanOperator:
        shown = now or before
        assert shown is not None
        new, old = now.node if now else None, before.node if before else None
        rows, rows_before = new.rows if new else None, old.rows if old else None
        ms, ms_before = new.duration_ms if new else None, old.duration_ms if old else None
        if new is None or old is None:
            change = PlanChange.GONE if new is None else PlanChange.NEW
        else:
            change = change_of(rows, rows_before, ms, ms_before)
        return PlanOperator(
            name=shown.node.name,
            detail=shown.node.detail,
            change=change,
            rows=rows,
            rows_before=rows_before,
            duration_ms=ms,
            duration_ms_before=ms_before,
            share=round(ms / self._total_ms, 3) if ms is not None and self._total_ms else None,
            children=tuple(self.merged(*pair, depth + 1) for pair in below) if depth < _DEEPEST else (),
        )


def _is_same_place(now: _Branch, before: _Branch) -> bool:
    return now.is_like(before, strictly=True)


def _way_down(branch: _Branch, other: _Branch) -> Iterator[_Branch]:
    """What is below the branch and may be in the other's place: only children, and those above what it reads."""
    while branch.children:
        below = [child for child in branch.children if other.reads in child.parts] or branch.children
        if len(below) > 1 and below is branch.children:
            return
        branch = below[0]
        yield branch


def _steps(branch: _Branch, other: _Branch, strictly: bool) -> int | None:
    """How far below the branch there is an operator like the other one; None if there is none."""
    return next((step for step, below in enumerate(_way_down(branch, other)) if below.is_like(other, strictly)), None)


def _around(branch: _Branch, other: _Branch) -> list[tuple[_Branch | None, _Branch | None]]:
    """The children of the branch, the one in which the other stands beside it."""
    within = next(_way_down(branch, other))
    return [(child, other if child is within else None) for child in branch.children]


def _pairs(now: _Branch | None, before: _Branch | None) -> list[tuple[_Branch | None, _Branch | None]]:
    """The children of both that belong together, in the order of those now, and then those that are gone."""
    new = dict(enumerate(now.children if now else ()))
    old = dict(enumerate(before.children if before else ()))
    pairs: dict[int, tuple[_Branch | None, _Branch | None]] = {place: (branch, None) for place, branch in new.items()}
    for keys_of_new, keys_of_old in _KEYS:
        places: defaultdict[Hashable, list[int]] = defaultdict(list)
        for place, branch in reversed(old.items()):
            for key in keys_of_old(branch):
                places[key].append(place)  # the first one is on top
        for place, branch in [*new.items()]:
            found = _first_left((places[key] for key in keys_of_new(branch) if key in places), old)
            if found is not None:
                pairs[place] = (new.pop(place), old.pop(found))
    return [*pairs.values(), *((None, branch) for branch in old.values())]


def _first_left(stacks: Iterable[list[int]], left: Container[int]) -> int | None:
    for stack in stacks:
        while stack:
            if (place := stack.pop()) in left:
                return place
    return None


def _whole(branch: _Branch) -> Iterable[Hashable]:
    return (branch.whole,)


def _reads(branch: _Branch) -> Iterable[Hashable]:
    return (branch.reads,)


def _parts(branch: _Branch) -> Iterable[Hashable]:
    return branch.parts


def _name(branch: _Branch) -> Iterable[Hashable]:
    """Scans of different relations do not belong together, although they have the same name."""
    return (branch.node.name,) if branch.children else ()


def _any(branch: _Branch) -> Iterable[Hashable]:
    return (None,) if branch.children else ()


_Keys = Callable[[_Branch], Iterable[Hashable]]
_KEYS: tuple[tuple[_Keys, _Keys], ...] = (
    (_whole, _whole),
    (_reads, _reads),
    (_parts, _reads),
    (_reads, _parts),
    (_name, _name),
    (_any, _any),
)
"""Children belong together by the first of these that they have in common."""
