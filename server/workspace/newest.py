"""Keeping what took long to find, as long as there is room."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Newest(Generic[Found]):
    """What was used last, up to a total size. Safe from any thread."""

    def __init__(self, size: int) -> None:
        self._free, self._size = size, size
        self._kept: OrderedDict[Hashable, tuple[Found, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Found | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Hashable, found: Found, size: int) -> None:
        """Keep something of this size; nothing that is larger than all the room."""
        with self._lock:
            if size > self._size or key in self._kept:
                return
            self._kept[key] = (found, size)
            self._free -= size
            while self._free < 0:
                _, (_, freed) = self._kept.popitem(last=False)
                self._free += freed
