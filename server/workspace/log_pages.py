"""Pages of the log for streams that catch up: those that ask for the same page share one read of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dagscope.dag.events.events import EventKind
from dagscope.server.workspace.newest import Newest
from dagscope.storage.projection import Recorded
from dagscope.storage.reader import Reader

PAGE_ENTRIES = 100
MOST_ENTRIES = 1_000
PAGE_BYTES = 50_000
"""Sent at once, about: what a reader who takes nothing costs."""
KEPT_BYTES = 8 << 20
"""Streams that begin together and read at different speeds find each other's pages here, if they are not far apart."""


@dataclass(frozen=True)
class Wanted:
    """What a stream is about: one task or all, some kinds of entries or all."""

    task_id: str | None
    kinds: frozenset[EventKind] | None

    def includes(self, entry: Recorded) -> bool:
        return (self.task_id is None or entry.task_id == self.task_id) and (
            self.kinds is None or entry.kind in self.kinds
        )


@dataclass(frozen=True)
class LogPage:
    """Entries as the messages of a stream; `position` is the last one's, None where there are none."""

    messages: bytes
    position: int | None
    is_full: bool
    next_limit: int
    """How many entries are to be asked for next: as many as make up a page if they are as long as these."""


@dataclass(frozen=True)
class RecentPage:
    """The wanted ones of some entries as the messages of a stream; `position` is that of the last entry looked at."""

    messages: bytes
    position: int
    may_be_over: bool
    """Whether the wanted task was accepted or ended in between."""


class LogPages:
    """Reads them. Used in the event loop only.

    Full pages are kept for a while, until anything is deleted: an entry that is deleted is in no page that is asked for
    afterwards.
    """

    def __init__(self, reader: Reader, changes: Callable[[], int]) -> None:
        """`changes` counts what may have deleted entries."""
        self._reader, self._changes = reader, changes
        self._reading: dict[tuple[Wanted, int, int, int], asyncio.Task[LogPage]] = {}
        self._kept, self._kept_since = Newest[LogPage](KEPT_BYTES), 0

    async def after(self, wanted: Wanted, position: int, limit: int) -> LogPage:
        """At most `limit` wanted entries after a position. Raises `StateUnreadable`."""
        await asyncio.sleep(0)  # a stream that finds page after page must not keep the others waiting
        if self._kept_since != self._changes():
            self._kept, self._kept_since = Newest[LogPage](KEPT_BYTES), self._changes()
        key = (wanted, position, limit, self._kept_since)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.create_task(self._read(wanted, position, limit))
            self._reading[key] = reading
            reading.add_done_callback(lambda _: self._reading.pop(key))
        await asyncio.wait([reading])  # other streams get the page even if this one is cancelled
        page = reading.result()
        if page.is_full:  # to any other, entries are added
            self._kept.keep(key, page, len(page.messages))
        return page

    async def _read(self, wanted: Wanted, position: int, limit: int) -> LogPage:
        async with self._reader.moment() as moment:
            entries = await moment.log_after(position, limit, wanted.task_id, wanted.kinds)
        messages = messages_of(entries)
        return LogPage(
            messages=messages,
            position=entries[-1].position if entries else None,
            is_full=len(entries) == limit,
            next_limit=max(PAGE_ENTRIES, min(MOST_ENTRIES, len(entries) * PAGE_BYTES // max(1, len(messages)))),
        )


def recent_page(wanted: Wanted, entries: Sequence[Recorded]) -> RecentPage:
    """The first of the entries, as many as make up a page; there must be one."""
    messages, size, may_be_over = list[str](), 0, False
    for entry in entries:
        may_be_over |= entry.kind == EventKind.TASK and entry.task_id == wanted.task_id
        if wanted.includes(entry):
            messages.append(message(entry.kind, entry.data, entry.position))
            size += len(messages[-1])
            if size >= PAGE_BYTES:
                break
    return RecentPage("".join(messages).encode(), entry.position, may_be_over)


def messages_of(entries: Sequence[Recorded]) -> bytes:
    """The entries as messages of a stream."""
    return "".join([message(entry.kind, entry.data, entry.position) for entry in entries]).encode()


def message(event: str, data: str, position: int | None = None) -> str:
    """One server-sent event; JSON never holds a line break, so `data` is one line."""
    identity = f"id: {position}\n" if position is not None else ""
    return f"{identity}event: {event}\ndata: {data}\n\n"
