"""Breakpoints: where an attempt holds, until someone tells it how to go on (docs/http-api/dag.md, Breakpoints)."""

import operator
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dagscope.dag.events.status import PausedAt
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.model.file_shapes import Materialization

if TYPE_CHECKING:
    from dagscope.dag.project.project import Project

BEFORE, AFTER, FAILED = "before", "after", "failed"

_CONDITION = re.compile(r"\s*rows\s*(<=|>=|!=|<|>|=)\s*(\d{1,18})\s*")
_HOLDS: Mapping[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


class BreakpointInvalid(DagscopeError):
    """A breakpoint that no attempt could hold at."""


@dataclass(frozen=True)
class Breakpoint:
    """Hold at this asset: before it is executed, after it, after it if it failed, or if it wrote so many rows.

    `when` is "before", "after", "failed", or a condition such as "rows < 1" (`check_breakpoint`).
    """

    asset: str
    when: str = AFTER

    @property
    def is_about_rows(self) -> bool:
        return _CONDITION.fullmatch(self.when) is not None

    def holds_after(self, rows: int | None, has_failed: bool) -> bool:
        """Whether to hold after the asset, which wrote so many rows."""
        if self.when in (AFTER, FAILED):
            return self.when == AFTER or has_failed
        condition = _CONDITION.fullmatch(self.when)
        if rows is None or condition is None:
            return False
        return _HOLDS[condition[1]](rows, int(condition[2]))


def by_asset(points: tuple[Breakpoint, ...]) -> dict[str, list[Breakpoint]]:
    """The breakpoints of each asset that has some."""
    found: dict[str, list[Breakpoint]] = {}
    for point in points:
        found.setdefault(point.asset, []).append(point)
    return found


def check_breakpoint(project: "Project", point: Breakpoint, to_execute: frozenset[str]) -> None:
    """Raises `BreakpointInvalid` if the attempt does not execute the asset, or cannot find out whether to hold."""
    if point.when not in (BEFORE, AFTER, FAILED) and not point.is_about_rows:
        allowed = f'"{BEFORE}", "{AFTER}", "{FAILED}" or a condition such as "rows < 1"'
        raise BreakpointInvalid(f'"when" must be {allowed}, found "{point.when}"')
    asset = project.assets.get(point.asset)
    if asset is None:
        raise BreakpointInvalid(f'there is no asset "{point.asset}"')
    if point.asset not in to_execute:
        raise BreakpointInvalid(f'"{point.asset}" is not executed in this run')
    if point.is_about_rows and asset.materialization is Materialization.VIEW:
        raise BreakpointInvalid(f'"{point.asset}" is a view, whose rows are not counted; use "{AFTER}"')


class GoOn(StrEnum):
    """How an attempt goes on at a breakpoint."""

    CONTINUE = "continue"
    AGAIN = "again"
    SKIP = "skip"


@dataclass(frozen=True)
class Answer:
    """How to go on, and the project as its files are now."""

    how: GoOn
    project: "Project | None" = None


class Holding:
    """Holds threads of one attempt at breakpoints. Safe from any thread."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._changed = threading.Condition()
        self._held: dict[str, PausedAt] = {}
        self._answers: dict[str, Answer] = {}
        self._cancellation = cancellation
        cancellation.requested.add_done_callback(lambda _: self._wake())

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def hold(self, point: Breakpoint, report: Callable[[tuple[PausedAt, ...]], None]) -> Answer:
        """Wait for the answer; a cancellation counts as `CONTINUE`.

        `report` receives where the attempt holds, when this begins and when it ends.
        """
        with self._changed:
            self._held[point.asset] = PausedAt(asset=point.asset, when=point.when, since=now_ms())
            report(tuple(self._held.values()))
            while point.asset not in self._answers and not self._cancellation.is_requested:
                self._changed.wait()
            del self._held[point.asset]
            report(tuple(self._held.values()))
            return self._answers.pop(point.asset, Answer(GoOn.CONTINUE))

    def go_on(self, asset: str, answer: Answer) -> None:
        """Answer at one asset; ignored if the attempt does not hold there."""
        with self._changed:
            if asset in self._held:
                self._answers[asset] = answer
                self._changed.notify_all()
