"""Reads of a project's databases for answers: each lasts as long as its request, in a thread that only reads use.

A read ends when its work is done, when its client goes away, at its time limit, and when the server is stopped. The
running statement is interrupted. If the database does not stop it, it keeps its place until it ends, but its client is
answered.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError
from dagscope.server.workspace.task_queue import ShuttingDown

READ_THREAD = "database read"
"""The start of the names of these threads."""

_INTERRUPT_AGAIN_S = 0.05  # a statement may start just as the interrupt passes
_CLOSING_S = 2.0
_LONGEST_WAIT_S = 10.0  # for a place

Done = TypeVar("Done")
Gone = Callable[[], Awaitable[None]]
"""Returns once the client has gone away."""


@dataclass(frozen=True)
class TimeLimit:
    """How long a read may take, and the setting that says so."""

    seconds: float
    setting: str


class TimeLimitReached(DagscopeError):
    """A read took longer than it may."""

    def __init__(self, limit: TimeLimit) -> None:
        super().__init__(f"the database was not read within {limit.seconds:g} s, the limit that {limit.setting} sets")


class ClientGone(Exception):
    """The client went away before its answer was there."""


class ReadsBusy(DagscopeError):
    """All places for reads of this kind are taken."""

    def __init__(self, places: int) -> None:
        super().__init__(f"{places} reads of databases are under way, which is the limit; try again later")


class Reads:
    """At most `places` reads at once. Used in the event loop only."""

    def __init__(self, kind: str, places: int, limit: TimeLimit) -> None:
        self._places, self.limit = places, limit
        self._free = asyncio.Semaphore(places)
        self._threads = ThreadPoolExecutor(places, thread_name_prefix=f"{READ_THREAD} ({kind})")
        # Interrupting a PostgreSQL statement is a connection of its own, which the event loop must not wait for.
        self._interrupting = ThreadPoolExecutor(places, thread_name_prefix=f"{READ_THREAD} (interrupts, {kind})")
        self._under_way: set[Read] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def answer(
        self, work: Callable[[Cancellation], Done], gone: Gone | None = None, limit: TimeLimit | None = None
    ) -> Done:
        """What the work returns. Raises as `begin` and `Read.run` do."""
        read = await self.begin(gone, limit)
        try:
            return await read.run(lambda: work(read.cancellation), gone)
        finally:
            read.end()

    async def begin(self, gone: Gone | None = None, limit: TimeLimit | None = None) -> "Read":
        """A read that has a place; `end` it. Waits for one, at most 10 s and half the time that the read may take.

        Raises `ReadsBusy`, `ClientGone` or `ShuttingDown`.
        """
        limit = limit or self.limit
        deadline_s = asyncio.get_running_loop().time() + limit.seconds
        taking = asyncio.ensure_future(self._free.acquire())
        try:
            await self.first_of(taking, gone, min(limit.seconds / 2, _LONGEST_WAIT_S))
        except BaseException:
            if taking.done() and not taking.cancelled():
                self._free.release()
            raise
        finally:
            taking.cancel()
        if not taking.done() or taking.cancelled():
            raise ReadsBusy(self._places)
        read = Read(self, limit, deadline_s)
        self._under_way.add(read)
        return read

    async def first_of(self, working: "asyncio.Future[Done]", gone: Gone | None, timeout_s: float) -> None:
        """Wait for the work, or until the time is up. Raises `ClientGone` or `ShuttingDown` if that comes first."""
        closing = asyncio.ensure_future(self._closing.wait())
        leaving = asyncio.ensure_future(gone()) if gone is not None else None
        watched = [closing] if leaving is None else [closing, leaving]
        try:
            await asyncio.wait([working, *watched], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            self.check_open()
            if working.done():
                return
            if leaving is not None and leaving.done():
                raise ClientGone
        finally:
            for watch in watched:
                watch.cancel()

    def check_open(self) -> None:
        """Raises `ShuttingDown` once the reads are being closed."""
        if self._closing.is_set():
            raise ShuttingDown

    def start(self, work: Callable[[], Done]) -> "asyncio.Future[Done]":
        """The work, in a thread of the reads."""
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    def end(self, read: "Read") -> None:
        """Interrupt what the read still does, close what it holds, and then give its place to the next."""
        if read in self._under_way:
            self._under_way.discard(read)
            ending = asyncio.create_task(self._end(read))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _end(self, read: "Read") -> None:
        try:
            while read.working is not None and not read.working.done():
                await asyncio.get_running_loop().run_in_executor(self._interrupting, read.cancellation.request)
                await asyncio.wait([read.working], timeout=_INTERRUPT_AGAIN_S)
            if read.on_end is not None:
                with suppress(DagscopeError):  # its client has been answered
                    await self.start(read.on_end)
        finally:
            self._free.release()

    async def close(self) -> None:
        """Begin no more reads, and interrupt all. Waits for their end, but no longer than two seconds."""
        self._closing.set()
        for read in tuple(self._under_way):
            read.end()
        if self._ending:
            _, unended = await asyncio.wait(self._ending, timeout=_CLOSING_S)
            for ending in unended:
                ending.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._interrupting.shutdown(wait=False, cancel_futures=True)


class Read:
    """One of them."""

    def __init__(self, reads: Reads, limit: TimeLimit, deadline_s: float) -> None:
        self._reads, self._limit, self._deadline_s = reads, limit, deadline_s
        self.cancellation = Cancellation()
        """Requested when the read is ended before its work is."""
        self.working: asyncio.Future[Any] | None = None
        self.on_end: Callable[[], None] | None = None
        """Closes what the work has opened; called in a thread of the reads."""

    async def run(self, work: Callable[[], Done], gone: Gone | None = None) -> Done:
        """What one step of the work returns; one step at a time.

        Raises what the work raises, `TimeLimitReached`, `ClientGone` or `ShuttingDown`.
        """
        self._reads.check_open()
        working = self._reads.start(work)
        self.working = working
        working.add_done_callback(_look_at_failure)
        await self._reads.first_of(working, gone, max(0.0, self._deadline_s - asyncio.get_running_loop().time()))
        if not working.done():
            raise TimeLimitReached(self._limit)
        try:
            return working.result()
        except Cancelled:  # only `close` leads here: what else ends a read does not wait for it
            raise ShuttingDown from None

    def end(self) -> None:
        """Returns at once; a running statement is interrupted in the background. Safe to call twice."""
        self._reads.end(self)


def _look_at_failure(working: "asyncio.Future[Done]") -> None:
    if not working.cancelled():
        working.exception()  # asyncio warns about a failure that is never looked at
