"""What all assets of a process share, and a raw asset may change for all: put back once it has ended.

While it is executed the others see what it changed; only a process of its own would keep that apart.
"""

import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_Setting = tuple[Callable[[], Any], Callable[[Any], object]]


class ProcessState:
    """The state at the time when this is made."""

    def __init__(self) -> None:
        self._values = [(read, write, read()) for read, write in _settings]

    def restore(self) -> None:
        """Make it what it was."""
        for read, write, before in self._values:
            with suppress(OSError, RecursionError):  # the folder is gone, for example
                if _now(read) != before:
                    write(before)


def restored_after_raw_assets(read: Callable[[], Any], write: Callable[[Any], object]) -> None:
    """Something else that is put back by `write` as `read` gave it."""
    _settings.append((read, write))


def _now(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except OSError:
        return None


def _root_logger() -> tuple[list[logging.Handler], int, int]:
    return list(logging.root.handlers), logging.root.level, logging.root.manager.disable


def _set_root_logger(values: tuple[list[logging.Handler], int, int]) -> None:
    handlers, level, disabled = values
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.disable(disabled)


def _set_streams(streams: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = streams


_settings: list[_Setting] = [
    (os.getcwd, os.chdir),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.getswitchinterval, sys.setswitchinterval),
    (socket.getdefaulttimeout, socket.setdefaulttimeout),
    (lambda: (sys.stdout, sys.stderr), _set_streams),
    (_root_logger, _set_root_logger),
]
