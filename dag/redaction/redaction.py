"""Text that is safe to show: no connection secrets, and valid Unicode (contract, Logs)."""

import json
import threading
from collections.abc import Iterable
from typing import Any

from dagscope.dag.ground.json_text import json_text
from dagscope.dag.ground.lower_case import lower
from dagscope.dag.redaction.known_secrets import KnownSecrets
from dagscope.dag.redaction.sql_secrets import hide, secrets_in

_MOST_LEARNED = 1_000
_LONGEST_LEARNED = 5_000  # characters, more than any key has; anything longer is a literal that is not closed
_SHORTEST_SECRET = 4  # characters; hiding shorter values would make text unreadable


class Redaction:
    """Hides secrets in text: the given ones, those it has learned, and those that the text itself reveals.

    The time grows with the length of the text, not with the number of secrets.

    >>> Redaction(["hunter2"]).text("login hunter2 refused; password=x host=db")
    'login *** refused; password=*** host=db'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._known = KnownSecrets()
        self.learn_all(secrets)

    @property
    def secrets(self) -> frozenset[str]:
        """All that is hidden, in every form that it may have in a text."""
        return self._known.secrets

    def learn_all(self, secrets: Iterable[str]) -> None:
        """Hide these too in future texts."""
        forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        with self._lock:
            if not forms <= self._known.secrets:
                self._known = KnownSecrets(self._known.secrets | forms)

    def learn(self, text: str) -> None:
        """Hide in future texts, at any place, the secrets that this text contains (`sql_secrets`).

        Once very many are known, for example because rows are full of addresses, more are hidden only where recognized.
        """
        room = _MOST_LEARNED - len(self._known.secrets)
        if room > 0:
            found = [secret for secret in secrets_in(text) if len(secret) <= _LONGEST_LEARNED]
            self.learn_all(found[:room])

    def text(self, text: str) -> str:
        """The text with secrets as `***` and unpaired surrogates as `?`."""
        return hide(self._known.hidden(_unicode(text)))

    def value(self, value: Any) -> Any:
        """The value as plain JSON data with all strings redacted; a string for NaN and for values without JSON form."""
        if value is None or type(value) is int:  # most values are, and contain no text
            return value
        try:
            return self._texts_redacted(json.loads(json_text(value, not_finite=json.dumps)))
        except (TypeError, ValueError, RecursionError):
            return self.text(_described(value))

    def _texts_redacted(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._texts_redacted(item) for item in value]
            case dict():
                return {self.text(key): self._texts_redacted(item) for key, item in value.items()}
        return value


def _described(value: Any) -> str:
    try:
        return repr(value)
    except (ValueError, RecursionError) as error:  # an integer with thousands of digits, lists that contain themselves
        return f"<{type(value).__name__}: {error}>"


def _unicode(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _forms(secret: str) -> set[str]:
    """The secret unchanged, as SQL quotes it, and as JSON escapes it."""
    escaped = (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    return {lower(_unicode(form)) for form in (secret, secret.replace("'", "''"), *escaped)}
