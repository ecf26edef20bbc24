"""What a child that a raw asset forks does not share with this process: descriptors, handlers of signals, the way home.

A child that is forked has all that its parent has open. With the lock of the state and the listening socket it would
keep both for as long as it lives, and with the parent's handlers a signal that is meant for the child would reach the
parent.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_closers: list[Callable[[], object]] = []
_SIGNALS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}


@contextmanager
def closed_in_children(close: Callable[[], object]) -> Iterator[None]:
    """Inside, a child that is forked calls `close`, and handles signals as any process does."""
    _closers.append(close)
    try:
        yield
    finally:
        _closers.remove(close)


@contextmanager
def children_end_here() -> Iterator[None]:
    """A child that is forked inside and comes out of the block ends there, as a process ends whose main code ends."""
    process, code = os.getpid(), 0
    try:
        yield
    except BaseException as error:
        if os.getpid() == process:
            raise
        code = _exit_code(error)
    finally:
        if os.getpid() != process:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _exit_code(error: BaseException) -> int:
    if type(error) is SystemExit:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    traceback.print_exc()
    return 1


def _in_child() -> None:
    if not _closers:
        return
    for close in _closers:
        close()
    signal.set_wakeup_fd(-1)  # the parent's event loop learns of signals by it
    for number, handler in _SIGNALS.items():
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, handler)


os.register_at_fork(after_in_child=_in_child)
