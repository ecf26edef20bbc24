"""Ending the process when it is time, whatever raw assets have left behind in it."""

import multiprocessing
import os
import signal
import sys
import threading
from typing import NoReturn


def outlive_timers() -> None:
    """A timer that a raw asset sets does not end the process, as its signal would by itself."""
    for number in (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF):
        signal.signal(number, lambda *_: None)


def leave(code: int) -> NoReturn:
    """End the process with that exit code, whatever threads are left that would keep it: all is recorded by now."""
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    if not any(not thread.daemon for thread in others):
        sys.exit(code)
    for child in multiprocessing.active_children():
        if child.daemon:  # as the interpreter itself does at its end
            child.terminate()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
