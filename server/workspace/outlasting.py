"""Work of POSTs that continues after they have answered: the same POST, sent again meanwhile, joins it."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

import structlog

from dagscope.dag.ground.error_text import named_error

_log = structlog.get_logger("dagscope.requests")

Start = Callable[[], Coroutine[Any, Any, Any]]


class Outlasting:
    """What is under way. Used in the event loop only."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}
        self._answered: set[Hashable] = set()
        """Those whose POST has been answered, so that their failure is reported on the console alone."""

    async def within(self, key: Hashable, start: Start, deadline_s: float) -> "asyncio.Task[Any] | None":
        """The work of that key, started or joined; None if it is not done at the deadline, and it continues.

        The task is done, and raises what the work raised.
        """
        working = self._under_way.get(key)
        if working is None:
            working = asyncio.create_task(start())
            self._under_way[key] = working
            working.add_done_callback(lambda done: self._forget(key, done))
        await asyncio.wait([working], timeout=max(0.0, deadline_s - asyncio.get_running_loop().time()))
        if working.done():
            return working
        self._answered.add(key)
        return None

    def _forget(self, key: Hashable, working: "asyncio.Task[Any]") -> None:
        del self._under_way[key]
        failure = None if working.cancelled() else working.exception()
        if failure is not None and key in self._answered:
            _log.error("A request that was answered with 202 has failed", request=str(key), error=named_error(failure))
        self._answered.discard(key)
