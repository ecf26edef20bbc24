"""Fanning out: the newest entries, framed once for all streams that want the same, and written to their connections.

A stream that waits for entries and whose client keeps up is sent them here, without a turn of its own task. Any other
is woken, and sends them itself, as fast as its client reads.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from dagscope.server.workspace.log_pages import Wanted, recent_page
from dagscope.storage.projection import Recorded


class Line(Protocol):
    """The connection of a stream; it takes whole chunks of the answer's body. Used in the event loop only."""

    @property
    def is_free(self) -> bool:
        """Whether it is open, and everything that was written has been handed to the system."""

    def write(self, chunk: bytes) -> None:
        """Send a chunk that is framed already."""


@dataclass(eq=False)
class OpenStream:
    """A stream, while it is open. Everything wanted up to `position` has been sent."""

    wanted: Wanted
    line: Line | None
    position: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _is_waiting: bool = False

    @property
    def follows(self) -> bool:
        """Whether its entries may be written for it: it waits, and was not woken to send something itself."""
        return self._is_waiting and not self.wake.is_set()

    async def waits(self, position: int) -> int:
        """Wait after a position until there is something that the stream sends itself. Returns the position then."""
        self.position, self._is_waiting = position, True
        try:
            await self.wake.wait()
        finally:
            self._is_waiting = False
        return self.position


@dataclass(frozen=True)
class Round:
    """How many streams were woken; `is_behind` if some of the others have more to receive."""

    woken: int
    is_behind: bool


@dataclass(frozen=True)
class _Framed:
    """A page as one chunk of an answer, empty if it has no messages; `position` is where it ends."""

    chunk: bytes
    position: int


def write_round(
    streams: Iterable[OpenStream], newest: int, newer_than: Callable[[int], Sequence[Recorded] | None]
) -> Round:
    """Send at most one page to each stream that follows, up to the position `newest`, and wake the others.

    `newer_than` gives the next entries after a position, or None if they must be read from the database.
    """
    pages: dict[tuple[Wanted, int], _Framed | None] = {}
    recent = cache(newer_than)
    woken, is_behind = 0, False
    for stream in streams:
        if not stream.follows:
            stream.wake.set()  # it may have looked for entries just before these were there
            continue
        if stream.position >= newest:
            continue
        key = (stream.wanted, stream.position)
        if key not in pages:
            pages[key] = _framed(stream.wanted, recent(stream.position))
        page = pages[key]
        if page is not None and _is_sent(page, stream.line):
            stream.position = page.position
            is_behind |= page.position < newest
        else:
            stream.wake.set()
            woken += 1
    return Round(woken, is_behind)


def _framed(wanted: Wanted, entries: Sequence[Recorded] | None) -> _Framed | None:
    """None if the stream has to ask the database: for older entries, or whether its task is over."""
    page = recent_page(wanted, entries) if entries else None
    if page is None or page.may_be_over:
        return None
    return _Framed(b"%x\r\n%b\r\n" % (len(page.messages), page.messages) if page.messages else b"", page.position)


def _is_sent(page: _Framed, line: Line | None) -> bool:
    if not page.chunk:
        return True
    if line is None or not line.is_free:
        return False
    line.write(page.chunk)
    return True
