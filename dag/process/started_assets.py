"""Which assets of an attempt have started: a byte of each, in memory that the server and the process of runs share.

Events are sent in batches. An asset can end the process before the event that it has started is sent, and the server
must know which one it was. A byte in shared memory is there at once, and costs no message.
"""

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_ASSETS = 1 << 20


class StartedAssets:
    """Safe from any thread and from both processes."""

    def __init__(self, descriptor: int) -> None:
        """Map the file of `shared_file`, which may be closed afterwards."""
        self._bytes = mmap.mmap(descriptor, _MOST_ASSETS)

    def close(self) -> None:
        """Unmap it, in this process."""
        self._bytes.close()

    def clear(self) -> None:
        """None has started."""
        self._bytes[:] = bytes(_MOST_ASSETS)

    def note(self, position: int) -> bool:
        """The asset at this position in the graph's order has started; False if there is no byte for it."""
        if position >= _MOST_ASSETS:
            return False
        self._bytes[position] = 1
        return True

    def positions(self, count: int) -> tuple[int, ...]:
        """Those of the first `count` assets that have started."""
        return tuple(position for position, started in enumerate(self._bytes[:count]) if started)


@contextmanager
def shared_file() -> Iterator[int]:
    """The descriptor of a file without a name, to be passed to the other process and mapped by both."""
    with tempfile.TemporaryFile() as file:
        file.truncate(_MOST_ASSETS)
        yield file.fileno()
