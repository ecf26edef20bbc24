"""Readings that may outlast the POST that requested them: the same POST, sent again, joins them.

They have threads of their own, so that one client's slow views do not hold up other requests.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dagscope.dag.ground.cancellation import Cancellation

_THREADS = 4
_KEPT_S = 60.0  # how long an answer is kept for a POST that is sent again
_INTERRUPT_AGAIN_S = 0.05

Read = Callable[[Cancellation], bytes | None]
"""Creates an answer, in a thread; None if there is nothing to return."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One reading; `answer` is done once it has succeeded or failed."""

    answer: "asyncio.Future[bytes | None]"
    cancellation: Cancellation


class Previews:
    """The readings under way. Used in the event loop only."""

    def __init__(self) -> None:
        self._readings: dict[Hashable, Reading] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="preview")

    async def read(self, key: Hashable, read: Read, limit_ms: int) -> "asyncio.Future[bytes | None] | None":
        """The answer for that key, started or joined; None if it is not ready when the time is up.

        The future is done, and raises what the reading raised.
        """
        reading = self._readings.get(key) or self._start(key, read)
        await asyncio.wait([reading.answer], timeout=limit_ms / 1000)
        if not reading.answer.done():
            return None
        self._drop(key, reading)
        return reading.answer

    def _start(self, key: Hashable, read: Read) -> Reading:
        loop, cancellation = asyncio.get_running_loop(), Cancellation()
        reading = Reading(loop.run_in_executor(self._threads, read, cancellation), cancellation)

        def ended(answer: "asyncio.Future[bytes | None]") -> None:
            if not answer.cancelled():
                answer.exception()  # asyncio would warn of a failure that is never retrieved
            loop.call_later(_KEPT_S, self._drop, key, reading)

        reading.answer.add_done_callback(ended)
        self._readings[key] = reading
        return reading

    def _drop(self, key: Hashable, reading: Reading) -> None:
        if self._readings.get(key) is reading:
            del self._readings[key]

    async def close(self) -> None:
        """Interrupt what is being read, and wait until it has ended."""
        while under_way := [reading for reading in self._readings.values() if not reading.answer.done()]:
            for reading in under_way:
                reading.cancellation.request()
            await asyncio.wait([reading.answer for reading in under_way], timeout=_INTERRUPT_AGAIN_S)
        self._threads.shutdown(wait=False)
