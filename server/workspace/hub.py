"""The hub: wakes the streams when the log has grown.

A listener holds nothing but its position. It reads the newest entries from one ring that all share, and older ones
from the database, so a slow reader costs no memory, and nothing is lost, duplicated or reordered.
"""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from dagscope.storage.projection import Recorded

RING_ENTRIES = 5_000
PAUSE_PER_LISTENER_S = 0.00012
"""A thousand listeners are woken eight times a second: each send takes a tenth of a millisecond, so that more often
they would occupy the whole loop, and all of them would wait longer."""


class Hub:
    """Takes what the recorder publishes; used in the event loop only."""

    def __init__(self) -> None:
        self._ring: deque[Recorded] = deque(maxlen=RING_ENTRIES)
        self._listeners: set[asyncio.Event] = set()
        self._resets = 0
        self._project_changes = 0
        self._woken_s = 0.0
        self._waking: asyncio.TimerHandle | None = None

    @property
    def resets(self) -> int:
        """How often the state was cleared; a listener that sees it grow starts over."""
        return self._resets

    def publish(self, recorded: Sequence[Recorded]) -> None:
        """Announce committed entries: at once, or together with others if the listeners were woken just now."""
        self._ring.extend(recorded)
        if self._waking is None:
            loop = asyncio.get_running_loop()
            due_s = self._woken_s + len(self._listeners) * PAUSE_PER_LISTENER_S
            self._waking = loop.call_at(max(due_s, loop.time()), self._wake_all)

    def reset(self) -> None:
        """Announce that the state was cleared."""
        self._ring.clear()
        self._resets += 1
        self._wake_all()

    @property
    def project_changes(self) -> int:
        """How often something about the served project changed: its files, or whether its state can be written."""
        return self._project_changes

    def announce_project(self) -> None:
        """Announce that the project was loaded again, that it could not be, or that its state cannot be written."""
        self._project_changes += 1
        self._wake_all()

    def _wake_all(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        self._woken_s = asyncio.get_running_loop().time()
        for wake in self._listeners:
            wake.set()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever there is something new."""
        wake = asyncio.Event()
        self._listeners.add(wake)
        try:
            yield wake
        finally:
            self._listeners.discard(wake)

    def newer_than(self, position: int, limit: int) -> list[Recorded] | None:
        """At most `limit` entries after a position; None if the ring no longer goes back that far."""
        if not self._ring or position < self._ring[0].position - 1:
            return None
        start = bisect_right(self._ring, position, key=lambda entry: entry.position)
        return list(islice(self._ring, start, start + limit))
