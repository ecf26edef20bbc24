"""The hub: sends the streams what is new, or wakes them, when the log has grown.

A stream holds nothing but its position. It is sent the newest entries from one ring that all share, and reads older
ones from the database, so a slow reader costs no memory, and nothing is lost, duplicated or reordered.
"""

import asyncio
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from dagscope.server.workspace.fan_out import Line, OpenStream, write_round
from dagscope.server.workspace.log_pages import PAGE_ENTRIES, Wanted
from dagscope.storage.projection import Recorded

RING_ENTRIES = 5_000
PAUSE_PER_WOKEN_S = 0.00012
"""A stream that is woken takes a tenth of a millisecond to send something: a thousand of them, more often than eight
times a second, would occupy the whole loop, and all of them would wait longer."""


class Hub:
    """Takes what the recorder publishes; used in the event loop only."""

    def __init__(self) -> None:
        self._ring: deque[Recorded] = deque(maxlen=RING_ENTRIES)
        self._streams: set[OpenStream] = set()
        self._resets = 0
        self._project_changes = 0
        self._project_message: bytes | None = None
        self._rested_s = 0.0
        self._next_round: asyncio.TimerHandle | None = None

    @property
    def resets(self) -> int:
        """How often the state was cleared; a stream that sees it grow starts over."""
        return self._resets

    def publish(self, recorded: Sequence[Recorded]) -> None:
        """Send committed entries: at once, or together with others if some were sent just now."""
        if recorded:
            self._ring.extend(recorded)
            self._plan_round()

    def _plan_round(self) -> None:
        if self._next_round is None:
            loop = asyncio.get_running_loop()
            self._next_round = loop.call_at(max(self._rested_s, loop.time()), self._round)

    def _round(self) -> None:
        self._next_round = None
        if not self._ring:  # it was cleared, and all were woken
            return
        loop = asyncio.get_running_loop()
        begun_s = time.thread_time()
        done = write_round(self._streams, self._ring[-1].position, lambda after: self.newer_than(after, PAGE_ENTRIES))
        took_s = time.thread_time() - begun_s
        # As long a pause as the round took: rounds leave half of the loop's time to everything else.
        self._rested_s = loop.time() + took_s + done.woken * PAUSE_PER_WOKEN_S
        if done.is_behind:
            self._plan_round()

    def reset(self) -> None:
        """Announce that the state was cleared."""
        self._resets += 1
        self.drop_recent()

    def drop_recent(self) -> None:
        """Some entries were deleted: what a stream has not been sent yet, it reads from the database."""
        self._ring.clear()
        self._wake_all()

    @property
    def project_changes(self) -> int:
        """How often something about the served project changed: its files, or whether its state can be written."""
        return self._project_changes

    def announce_project(self) -> None:
        """Announce that the project was loaded again, that it could not be, or that its state cannot be written."""
        self._project_changes += 1
        self._project_message = None
        self._wake_all()

    def project_message(self, composed: Callable[[], str]) -> bytes:
        """The message about the last change, which is composed once for all streams: redacting problems takes long."""
        if self._project_message is None:
            self._project_message = composed().encode()
        return self._project_message

    def _wake_all(self) -> None:
        for stream in self._streams:
            stream.wake.set()

    @contextmanager
    def opened(self, wanted: Wanted, line: Line | None) -> Iterator[OpenStream]:
        """A stream that is sent what it wants over its line while it waits, or is woken whenever there is something."""
        stream = OpenStream(wanted, line)
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)

    def newer_than(self, position: int, limit: int) -> list[Recorded] | None:
        """At most `limit` entries after a position; None if the ring no longer goes back that far."""
        if not self._ring or position < self._ring[0].position - 1:
            return None
        start = bisect_right(self._ring, position, key=lambda entry: entry.position)
        return list(islice(self._ring, start, start + limit))
