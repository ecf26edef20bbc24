"""Figures: a measured value, the value it is compared with, and the goal."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table
from rich.text import Text

from benchmarks.machine import Machine


class LeftOut(Exception):
    """What a benchmark needs is not on this machine."""


@dataclass(frozen=True)
class Figure:
    """One line of the table. `ours` and `theirs` are in `unit`.

    `goal` is the maximum of the ratio if there is something to compare with, and the maximum of `ours` otherwise.
    `accepted` is a ratio above the goal that is still acceptable. Both are None if they are not set.
    """

    name: str
    ours: float
    unit: str
    theirs: float | None = None
    goal: float | None = None
    accepted: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """`ours` as a multiple of `theirs`."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def verdict(self) -> str:
        """`met`, `accepted` or `missed`; "" if there is no goal."""
        if self.goal is None:
            return ""
        value = self.ours if self.ratio is None else self.ratio
        if value <= self.goal:
            return "met"
        return "accepted" if self.accepted is not None and value <= self.accepted else "missed"


_STYLES = {"met": "green", "accepted": "yellow", "missed": "red"}


def ratios_first(figures: Sequence[Figure]) -> list[Figure]:
    """The figures with a ratio, then the others, each in the order in which they were measured."""
    return sorted(figures, key=lambda figure: figure.ratio is None)


def as_table(figures: Sequence[Figure]) -> Table:
    """The figures as one table, those with a ratio first."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("figure", overflow="fold")
    for heading in ("ratio", "ours", "theirs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("unit", "goal", ""):
        table.add_column(heading, no_wrap=True)
    table.add_column("note", overflow="fold", style="dim")
    for figure in ratios_first(figures):
        table.add_row(
            figure.name,
            _number(figure.ratio),
            _number(figure.ours),
            _number(figure.theirs),
            figure.unit,
            _number(figure.goal),
            Text(figure.verdict, _STYLES.get(figure.verdict, "")),
            figure.note,
        )
    return table


def as_json(figures: Sequence[Figure], machine: Machine) -> str:
    """The figures and their machine as a JSON document.

    `{"machine": {...}, "figures": [{"name", "ours", "unit", "theirs", "goal", "accepted", "note", "ratio",
    "verdict"}]}`
    """
    rows = [asdict(figure) | {"ratio": figure.ratio, "verdict": figure.verdict} for figure in ratios_first(figures)]
    return json.dumps({"machine": asdict(machine), "figures": rows}, indent=2, ensure_ascii=False) + "\n"


def _number(value: float | None) -> str:
    """Three significant digits: `0.0123`, `1.25`, `184`, `12,345`; "" for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
