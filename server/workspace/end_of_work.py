"""Noticing in the event loop that a part of a task has ended in a thread."""

import asyncio


class EndOfWork:
    """The end of an asset or of a data test in an attempt: set in any thread, awaited in the event loop.

    The loop is woken only if the end is awaited, because a task ends hundreds of assets that nobody waits for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._has_come = False
        self._awaited: asyncio.Event | None = None

    def is_set(self) -> bool:
        return self._has_come

    def set(self) -> None:
        self._has_come = True  # before the look at who waits: `wait` does both in the other order
        if self._awaited is not None:
            self._loop.call_soon_threadsafe(self._awaited.set)

    async def wait(self) -> None:
        """Wait until it is set."""
        if self._awaited is None:
            self._awaited = asyncio.Event()
        if not self._has_come:
            await self._awaited.wait()
