"""What may be shown of a text: no connection secret, and nothing that is not Unicode (contract, Logs)."""

import json
import re
import threading
from collections.abc import Iterable
from typing import Any

from dagscope.dag.ground.json_text import json_text
from dagscope.dag.redaction.sql_secrets import hide, secrets_in

_EXCERPT = re.compile(r"^(LINE \d+: )(\.\.\.)?(.*?)(\.\.\.)?$", re.MULTILINE)
_MOST_LEARNED = 1_000
_SHORTEST_SECRET = 4  # characters; hiding shorter values would only make texts unreadable


class Redaction:
    """Hides secrets in texts: the given ones, those it learned of, and what a text itself gives away as one.

    >>> Redaction(["hunter2"]).text("login hunter2 refused; password=x host=db")
    'login *** refused; password=*** host=db'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._secrets: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.learn_all(secrets)

    def learn_all(self, secrets: Iterable[str]) -> None:
        """Hide these too from now on."""
        with self._lock:
            forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
            if not forms <= self._secrets:
                self._secrets |= forms
                longest_first = sorted(self._secrets, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def learn(self, text: str) -> None:
        """Hide from now on, wherever they stand, the secrets that this text holds (`sql_secrets`).

        Once very many are known, as where rows are full of addresses, others are hidden only in their own places.
        """
        if len(self._secrets) < _MOST_LEARNED and (found := secrets_in(text)):
            self.learn_all(found)

    def text(self, text: str) -> str:
        """The text with secrets as `***` and unpaired surrogates as `?`."""
        if self._pattern is not None:
            text = self._pattern.sub("***", text)
            if "LINE " in text:
                text = _EXCERPT.sub(self._excerpt, text)
        text = hide(text)
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def _excerpt(self, line: re.Match[str]) -> str:
        """A line that a database quotes may begin or end in the middle of a secret."""
        head, before, shown, after = line.groups()
        if before:
            cut = max((_overlap(secret, shown) for secret in self._secrets), default=0)
            shown = f"***{shown[cut:]}" if cut else shown
        if after:
            cut = max((_overlap(shown, secret) for secret in self._secrets), default=0)
            shown = f"{shown[:-cut]}***" if cut else shown
        return f"{head}{before or ''}{shown}{after or ''}"

    def value(self, value: Any) -> Any:
        """The value as plain JSON data with all its texts redacted; a text for what has no JSON form."""
        if value is None or type(value) is int:  # most are, and hold no text
            return value
        try:
            return self._texts_redacted(json.loads(json_text(value)))
        except (TypeError, RecursionError):
            return self.text(repr(value))

    def _texts_redacted(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._texts_redacted(item) for item in value]
            case dict():
                return {self.text(key): self._texts_redacted(item) for key, item in value.items()}
        return value


def _overlap(left: str, right: str) -> int:
    """How many characters, at least two, the end of the one and the beginning of the other have in common."""
    for length in range(min(len(left), len(right)), 1, -1):
        if left.endswith(right[:length]):
            return length
    return 0


def _forms(secret: str) -> set[str]:
    """The secret as it is, as SQL quotes it, and as JSON escapes it."""
    escaped = (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    return {secret, secret.replace("'", "''"), *escaped}
