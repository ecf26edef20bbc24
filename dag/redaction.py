"""What may be shown of a text: no connection secret, and nothing that is not Unicode (contract, Logs)."""

import json
import re
from collections.abc import Iterable
from typing import Any

from dag.json_text import json_text

_SHORTEST_SECRET = 4  # characters; hiding shorter values would only make texts unreadable


class Redaction:
    """Hides the given secrets in texts.

    >>> Redaction(["hunter2"]).text("login hunter2 refused")
    'login *** refused'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if forms else None

    def text(self, text: str) -> str:
        """The text with secrets as `***` and unpaired surrogates as `?`."""
        if self._pattern is not None:
            text = self._pattern.sub("***", text)
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def value(self, value: Any) -> Any:
        """The value as plain JSON data with all its texts redacted; a text for what has no JSON form."""
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


def _forms(secret: str) -> set[str]:
    """The secret as it is, as SQL quotes it, and as JSON escapes it."""
    escaped = (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    return {secret, secret.replace("'", "''"), *escaped}
