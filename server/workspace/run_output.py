"""What is written to a descriptor of the process of runs, line by line: by C code, by child processes."""

import fcntl
import os
import select
import struct
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO

_AT_ONCE_BYTES = 65_536
_LONGEST_LINE = 65_536  # bytes, after which a line without an end is taken as one


class RunOutput:
    """Reads a pipe in a thread of its own, and calls `log` with each line.

    `catch_up` is called before: what was reported before a line was written is known when it is logged.
    """

    def __init__(self, pipe: IO[bytes], name: str, catch_up: Callable[[], None], log: Callable[[str], None]) -> None:
        self._pipe, self._catch_up, self._log = pipe, catch_up, log
        self._reading = threading.Lock()
        self._rest = b""
        self._thread = threading.Thread(target=self._read_to_end, name=f"{name} of runs", daemon=True)
        self._thread.start()

    def take_all(self) -> None:
        """Log what is there by now, also what has no end of a line: it belongs to an asset that is about to end."""
        with self._reading:
            size = self._waiting_bytes()
            while size > 0 and (data := os.read(self._pipe.fileno(), min(size, _AT_ONCE_BYTES))):
                self._take(data)
                size -= len(data)
            self._end_line()

    def close(self, timeout_s: float) -> None:
        """Wait until all of it is logged, as the process has ended, and close the pipe."""
        self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._pipe.close()

    def _waiting_bytes(self) -> int:
        with suppress(OSError, ValueError):  # it is closed
            (size,) = struct.unpack("i", fcntl.ioctl(self._pipe.fileno(), termios.FIONREAD, bytes(4)))
            return int(size)
        return 0

    def _read_to_end(self) -> None:
        ready = select.poll()
        ready.register(self._pipe, select.POLLIN)
        while True:
            ready.poll()
            self._catch_up()
            with self._reading:
                if ready.poll(0):  # it may have been taken meanwhile
                    data = os.read(self._pipe.fileno(), _AT_ONCE_BYTES)
                    if not data:
                        self._end_line()
                        return
                    self._take(data)

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._log_line(line)
        if len(self._rest) > _LONGEST_LINE:
            self._end_line()

    def _end_line(self) -> None:
        rest, self._rest = self._rest, b""
        self._log_line(rest)

    def _log_line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        if text.strip():
            self._log(text)
