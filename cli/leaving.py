"""Ending a process in which raw assets may have left threads and processes behind: all is recorded by now."""

import multiprocessing
import os
import sys
import threading
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with that exit code, whatever threads are left that would keep it."""
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
