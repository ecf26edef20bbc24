"""What is wrong in a project's files: where, what, and what would be right."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a project file.

    `path` is relative to the project folder; `line` counts from 1, 0 where the whole file is meant.
    """

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` for the nearest known word, else the words there are."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    if not words:
        return ""
    shown = ", ".join(words[:8]) + (", …" if len(words) > 8 else "")
    return f"; known: {shown}"
