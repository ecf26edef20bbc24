"""What a child process that a raw asset forks must not share with this one: descriptors, signal handlers, the caller.

A forked child inherits all that its parent has open. It would keep the lock of the state and the listening socket as
long as it lives, and with the parent's handlers a signal that is meant for the child would reach the parent.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_closers: list[Callable[[], object]] = []
_SIGNALS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    **dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF), signal.SIG_DFL),
}


@contextmanager
def closed_in_children(close: Callable[[], object]) -> Iterator[None]:
    """Inside the block, a forked child calls `close`, and handles signals like any other process."""
    _closers.append(close)
    try:
        yield
    finally:
        _closers.remove(close)


@contextmanager
def children_end_here() -> Iterator[None]:
    """A child that is forked inside the block ends where the block ends, like a process whose main code ends."""
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


def _before() -> None:
    """A signal that arrives before the child has its own handlers waits until it has them."""
    if _closers:
        _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _unblock() -> None:
    before = _mask.__dict__.pop("before", None)
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_child() -> None:
    if _closers:
        for close in _closers:
            close()
        signal.set_wakeup_fd(-1)  # it notifies the parent's event loop of signals
        for number, handler in _SIGNALS.items():
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, handler)
    _unblock()


_mask = threading.local()
os.register_at_fork(before=_before, after_in_parent=_unblock, after_in_child=_in_child)
