"""The outcome of testing a promise."""

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Outcome:
    """What was done, how often, measurements, and one line per loss. Without losses the promise was kept."""

    counts: Counter[str] = field(default_factory=Counter)
    measures: dict[str, str] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)
    _longest_s: dict[str, float] = field(default_factory=dict)
    latest: ClassVar["Outcome | None"] = None
    """The outcome of the promise that is being tested, for progress reports."""

    def __post_init__(self) -> None:
        Outcome.latest = self

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] += by

    def note_longest(self, name: str, seconds: float) -> None:
        """Measure the longest of several times."""
        self._longest_s[name] = max(seconds, self._longest_s.get(name, 0.0))
        self.measures[f"longest {name}"] = f"{self._longest_s[name]:.1f} s"

    def expect(self, kept: bool, loss: str) -> bool:
        """Record a loss unless the promise was kept. Returns whether it was."""
        if not kept:
            self.losses.append(loss)
        return kept

    def __str__(self) -> str:
        counts = [f"{count:,} {name}" for name, count in self.counts.items()]
        measures = [f"{name} {value}" for name, value in self.measures.items()]
        return ", ".join([*counts, *measures, f"lost {len(self.losses)}"])
