"""The one clock: UTC, as epoch milliseconds and as ISO 8601."""

import time
from datetime import UTC, datetime
from functools import lru_cache


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def iso_time(epoch_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`.

    >>> iso_time(1737815422000)
    '2025-01-25T14:30:22.000Z'
    """
    return f"{_second(epoch_ms // 1000)}.{epoch_ms % 1000:03d}Z"


@lru_cache(maxsize=8)
def _second(epoch_s: int) -> str:
    """Kept, because a run writes hundreds of times in a second."""
    return datetime.fromtimestamp(epoch_s, UTC).replace(tzinfo=None).isoformat()


def epoch_ms(iso: str) -> int:
    """The inverse of `iso_time`.

    >>> epoch_ms("2025-01-25T14:30:22.005Z")
    1737815422005
    """
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


class Stopwatch:
    """Elapsed time, unaffected by changes of the system clock."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self._started) * 1000)
