"""The processes that a server has started, and those that these have, wherever they have moved to since."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

import psutil

from dagscope.dag.ground.process_of_runs import MODULE

MARK = "FAULTS_SERVER"
"""A variable that they inherit; its value is another one for each server."""

GONE_LIMIT_S = 10
_SERVER, _GUARDIAN, RUNS = "server", "guardian", "process of runs"
_OF_PYTHON = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


class Descendants:
    """Those of the servers whose environment has this mark."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def running(self) -> Iterator[tuple[str, psutil.Process]]:
        """Each with what it is: its command if it is none of dagscope's own."""
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    yield _kind(process.cmdline()), process
            except psutil.Error:  # it has just ended, or is another user's
                continue

    def runs(self) -> psutil.Process | None:
        """The process of runs."""
        return next((process for kind, process in self.running() if kind == RUNS), None)

    async def left(self, expected: tuple[str, ...] = ()) -> list[str]:
        """What runs after some time, beside one of each kind that is expected. Returns as soon as that is nothing."""
        until = time.monotonic() + GONE_LIMIT_S
        while (left := self._beside(expected)) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        return left

    def _beside(self, expected: tuple[str, ...]) -> list[str]:
        found = Counter(kind for kind, _ in self.running()) - Counter(expected)
        return [kind for kind in found.elements() if not any(part in kind for part in _OF_PYTHON)]


OF_A_SERVER = (_SERVER, _GUARDIAN, RUNS)


def _kind(command: list[str]) -> str:
    if command[1:4] == ["-P", "-m", MODULE]:
        return RUNS
    if MODULE in command:
        return _GUARDIAN
    return _SERVER if "serve" in command else " ".join(command)
