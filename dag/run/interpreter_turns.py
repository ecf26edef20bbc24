"""How long a thread keeps the interpreter while others wait for it.

Each one that waits wakes up once a turn. With 500 threads and the short turns of `dag/run/process_state.py`, that is a
million times a second, which leaves the processors little time for the one that they wait for.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PER_THREAD_S = 0.0001


@contextmanager
def long_turns(threads: int) -> Iterator[None]:
    """Inside the block, turns are long enough for that many threads."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(max(before_s, threads * _PER_THREAD_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
