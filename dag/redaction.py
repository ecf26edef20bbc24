"""What may be shown of a text: no connection secret, and nothing that is not Unicode (contract, Logs)."""

import json
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
        long_enough = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        self._secrets = sorted(long_enough, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with secrets as `***` and unpaired surrogates as `?`."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def value(self, value: Any) -> Any:
        """The value as plain JSON data with all its texts redacted; a text for what has no JSON form."""
        if value is None or isinstance(value, bool | int):
            return value
        try:
            return json.loads(self.text(json_text(value)))
        except TypeError:
            return self.text(repr(value))
