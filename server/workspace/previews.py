"""Readings that may outlast the POST that asked for them: the same POST, sent again, joins them."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.server.workspace.reads import Gone, Reads

_KEPT_S = 60.0  # how long an answer that no request waits for is kept

MakeAnswer = Callable[[Cancellation], bytes | None]
"""Makes an answer, in a thread; None where there is nothing to answer."""


@dataclass(eq=False)
class Reading:
    """One reading; `answer` is done once it has succeeded or failed."""

    answer: "asyncio.Task[bytes | None]"
    waiting: int = 0
    """Clients that wait for it now."""
    is_promised: bool = False
    """If a client was answered that it may come again."""


class Previews:
    """The readings under way. Used in the event loop only."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._readings: dict[Hashable, Reading] = {}

    async def read(
        self, key: Hashable, make: MakeAnswer, limit_ms: int, gone: Gone
    ) -> "asyncio.Future[bytes | None] | None":
        """The answer of that key, started or joined; None if it is not there when the time is up.

        The future is done, and raises what the reading raised. Raises `ClientGone` or `ShuttingDown`. A reading
        whose only client disconnects ends; one that a client was asked to come back for continues to its time limit.
        """
        reading = self._readings.get(key) or self._begin(key, make)
        reading.waiting += 1
        try:
            await self._reads.first_of(reading.answer, gone, limit_ms / 1000)
        except BaseException:
            if reading.waiting == 1 and not reading.is_promised:
                self._forget(key, reading)
                reading.answer.cancel()
            raise
        finally:
            reading.waiting -= 1
        if not reading.answer.done():
            reading.is_promised = True
            return None
        self._forget(key, reading)
        return reading.answer

    def _begin(self, key: Hashable, make: MakeAnswer) -> Reading:
        reading = Reading(asyncio.create_task(self._reads.answer(make)))

        def ended(answer: "asyncio.Task[bytes | None]") -> None:
            if not answer.cancelled():
                answer.exception()  # asyncio warns about a failure that is never looked at
            asyncio.get_running_loop().call_later(_KEPT_S, self._forget, key, reading)

        reading.answer.add_done_callback(ended)
        self._readings[key] = reading
        return reading

    def _forget(self, key: Hashable, reading: Reading) -> None:
        if self._readings.get(key) is reading:
            del self._readings[key]
