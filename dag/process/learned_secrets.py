"""The secrets that redaction learns while projects are used, for the server, which redacts what it shows itself."""

import threading
from weakref import WeakKeyDictionary

from dagscope.dag.redaction.redaction import Redaction


class LearnedSecrets:
    """What the redactions of projects have learned since the last call. Safe from any thread.

    A task continues on the project that it started with, so there can be more than one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: WeakKeyDictionary[Redaction, frozenset[str]] = WeakKeyDictionary()
        self.newest = Redaction()
        """That of the project that was loaded last."""

    def watch(self, redaction: Redaction) -> None:
        """Return from now on what it learns; what it knows already, the server knows too."""
        with self._lock:
            self.newest = redaction
            self._known.setdefault(redaction, redaction.secrets)

    def taken(self) -> tuple[str, ...]:
        """The secrets that were not returned before."""
        new: frozenset[str] = frozenset()
        with self._lock:
            for redaction, known in list(self._known.items()):
                now = redaction.secrets
                if now is not known:
                    new |= now - known
                    self._known[redaction] = now
        return tuple(new)
