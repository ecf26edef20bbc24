"""Finding any of many secrets in a text in one pass, however many there are."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from ahocorasick_rs import AhoCorasick, MatchKind

from dagscope.dag.ground.lower_case import lower

_EXCERPT = re.compile(r"^(LINE \d+: )(\.\.\.)?(.*?)(\.\.\.)?$", re.MULTILINE)
_LONGEST_REST = 200  # characters of a secret that an excerpt cuts; databases quote fewer than 100 of a line


class KnownSecrets:
    """Hides these secrets regardless of case; if two start at the same place, the longer one.

    >>> KnownSecrets(["pass", "password1"]).hidden("PASSWORD1, pass")
    '***, ***'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(map(lower, secrets))
        self._finder = AhoCorasick(self.secrets, matchkind=MatchKind.LeftmostLongest) if self.secrets else None
        self._beginnings = sorted(secret[:_LONGEST_REST] for secret in self.secrets)
        self._ends = sorted(secret[::-1][:_LONGEST_REST] for secret in self.secrets)

    def hidden(self, text: str) -> str:
        """The text, which is valid Unicode, with `***` for each secret, and for the part of one in an excerpt."""
        if self._finder is None:
            return text
        parts: list[str] = []
        done = 0
        for _, start, end in self._finder.find_matches_as_indexes(lower(text)):
            parts += text[done:start], "***"
            done = end
        text = "".join(parts) + text[done:] if parts else text
        return _EXCERPT.sub(self._hidden_at_the_cuts, text) if "LINE " in text else text

    def _hidden_at_the_cuts(self, line: re.Match[str]) -> str:
        """A line that a database quotes may start or end in the middle of a secret."""
        head, before, shown, after = line.groups()
        if before and (cut := _beginning_at_the_end(shown[:_LONGEST_REST][::-1], self._ends)):
            shown = f"***{shown[cut:]}"
        if after and (cut := _beginning_at_the_end(shown[-_LONGEST_REST:], self._beginnings)):
            shown = f"{shown[:-cut]}***"
        return f"{head}{before or ''}{shown}{after or ''}"


def _beginning_at_the_end(text: str, ordered: Sequence[str]) -> int:
    """How many characters, at least two, at the end of the text are the beginning of one of these, or 0."""
    lowered = lower(text)
    for start in range(len(lowered) - 1):
        rest = lowered[start:]
        at = bisect_left(ordered, rest)
        if at < len(ordered) and ordered[at].startswith(rest):
            return len(rest)
    return 0
