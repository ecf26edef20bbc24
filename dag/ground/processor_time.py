"""Limits of processor time, which do not depend on how busy the machine is."""

import time


class ProcessorTime:
    """A limit of the processor time that this thread may use from now on."""

    def __init__(self, limit_s: float) -> None:
        self._clock_ends_at = time.perf_counter() + limit_s
        self._ends_at = time.thread_time() + limit_s

    @property
    def is_over(self) -> bool:
        # Wall-clock time never lags behind processor time, and reading it takes no system call.
        return time.perf_counter() >= self._clock_ends_at and time.thread_time() >= self._ends_at
