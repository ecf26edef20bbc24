"""How many event streams may be open at once: each holds a connection for as long as its client wants."""

from collections.abc import Iterator
from contextlib import contextmanager


class StreamPlaces:
    """The places for streams. Used in the event loop only."""

    def __init__(self, most: int) -> None:
        self.most, self._taken = most, 0

    @property
    def are_taken(self) -> bool:
        return self._taken >= self.most

    @contextmanager
    def one_taken(self) -> Iterator[None]:
        """Inside the block, one place is taken; ask first whether there is one."""
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
