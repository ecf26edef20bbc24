"""What is wrong in a project's files: where, what, and how to fix it."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

_MOST_COMPARED = 1_000  # words
_NEAR = 0.6  # similarity from which a word counts as a typo


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a project file.

    `path` is relative to the project folder; `line` counts from 1, and is 0 for the whole file.
    """

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` for the nearest known word, or the list of known words if no word is near.

    With more than a thousand words, only those that start with the same letters are compared.
    """
    words = sorted(known)
    if len(words) > _MOST_COMPARED:  # each takes 20 microseconds, and a large project may have as many typos as names
        words = [other for other in words if _last_part(other)[:2].lower() == _last_part(word)[:2].lower()]
        words = words[:_MOST_COMPARED]
    near = [other for other in words if _likeness(_last_part(word), _last_part(other)) >= _NEAR]
    if near:
        return f'; did you mean "{max(near, key=partial(_likeness, word))}"?'
    if not words:
        return ""
    shown = ", ".join(words[:8]) + (", …" if len(words) > 8 else "")
    return f"; known: {shown}"


def _last_part(name: str) -> str:
    """Ignores the stage, which many names share: `staging.customers` is not near `staging.orders`."""
    return name.rpartition(".")[2]


def _likeness(word: str, other: str) -> float:
    return difflib.SequenceMatcher(None, word, other).ratio()
