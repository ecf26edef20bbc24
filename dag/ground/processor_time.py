"""Limits of processor time, which a busy machine uses up no sooner than an idle one."""

import time


class ProcessorTime:
    """How much processor time this thread may take from now on."""

    def __init__(self, limit_s: float) -> None:
        self._clock_ends_at = time.perf_counter() + limit_s
        self._ends_at = time.thread_time() + limit_s

    @property
    def is_over(self) -> bool:
        # The clock on the wall is never behind, and takes no system call to read.
        return time.perf_counter() >= self._clock_ends_at and time.thread_time() >= self._ends_at
