"""Noticing in the event loop that a part of a task has ended in a thread."""

import asyncio
import threading

from dagscope.server.workspace.end_of_work import EndOfWork


async def _wait_while_set(rounds: int) -> None:
    for _ in range(rounds):
        end = EndOfWork(asyncio.get_running_loop())
        both = threading.Barrier(2)
        thread = threading.Thread(target=lambda both=both, end=end: (both.wait(), end.set()))
        thread.start()
        both.wait()
        await asyncio.wait_for(end.wait(), 30)
        assert end.is_set()
        thread.join()


def test_set_while_waiting() -> None:
    """Whoever waits is woken, also if the end comes at the moment at which the waiting starts."""
    asyncio.run(_wait_while_set(rounds=300))
