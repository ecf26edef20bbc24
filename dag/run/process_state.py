"""State that all assets of a process share and that a raw asset may change: restored once the asset has ended.

While the asset runs, other assets see its changes; only a separate process would prevent that.
"""

import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

SHORT_TURN_S = 0.0005
"""How long a thread runs Python while others wait to; by default, Python lets it run ten times as long."""

_Setting = tuple[Callable[[], Any], Callable[[Any], object]]


class ProcessState:
    """The state at the time when this object is created."""

    def __init__(self) -> None:
        self.read_again()

    def read_again(self) -> None:
        """From now on, restore what is there now."""
        self._values = [(read, write, read()) for read, write in _settings]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore the state at the end of the block."""
        try:
            yield
        finally:
            self._restore()

    def _restore(self) -> None:
        for read, write, before in self._values:
            with suppress(OSError, RecursionError, ValueError):  # the folder is gone, for example
                if _now(read) != before:
                    write(before)


def take_short_turns() -> None:
    """Switch between threads often, so that computing assets hardly delay the others. Call it before any task."""
    sys.setswitchinterval(SHORT_TURN_S)


def outlive_timers() -> None:
    """Keep a timer that a raw asset sets from ending the process, which its signal does by default."""
    for number in (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF):
        signal.signal(number, lambda *_: None)


def restored_after_raw_assets(read: Callable[[], Any], write: Callable[[Any], object]) -> None:
    """Other state: `write` restores what `read` returned."""
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


def _umask() -> int:
    umask = os.umask(
        0o077
    )  # it can be read only by setting it; files that others create meanwhile are the owner's alone
    os.umask(umask)
    return umask


def _set_streams(streams: tuple[Any, Any]) -> None:
    sys.stdout, sys.stderr = streams


def _set_environment(values: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


def _set_collecting(values: tuple[bool, tuple[int, int, int]]) -> None:
    is_enabled, thresholds = values
    gc.set_threshold(*thresholds)
    (gc.enable if is_enabled else gc.disable)()


def _most_descriptors() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _set_most_descriptors(most: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def _imports() -> tuple[list[str], list[Any], list[Any]]:
    return list(sys.path), list(sys.meta_path), list(sys.path_hooks)


def _set_imports(values: tuple[list[str], list[Any], list[Any]]) -> None:
    sys.path[:], sys.meta_path[:], sys.path_hooks[:] = values


_settings: list[_Setting] = [
    (threading.gettrace, threading.settrace),  # those of the asset's own thread end where its function returns
    (threading.getprofile, threading.setprofile),
    (_umask, os.umask),
    (os.getcwd, os.chdir),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.getswitchinterval, sys.setswitchinterval),
    (socket.getdefaulttimeout, socket.setdefaulttimeout),
    (lambda: (sys.stdout, sys.stderr), _set_streams),
    (_root_logger, _set_root_logger),
    (lambda: dict(os.environ), _set_environment),
    (_imports, _set_imports),
    (lambda: (gc.isenabled(), gc.get_threshold()), _set_collecting),
    (_most_descriptors, _set_most_descriptors),
]
