"""Standard output and standard error that never block or fail the writer, whatever their reader does.

Output goes into a bounded queue, and a separate thread writes it out. If the reader is gone, the disk is full or
nothing is read, lines are dropped and counted; once lines can be written again, one says how many are missing.
"""

import asyncio
import contextlib
import io
import os
import sys
import threading
import time
from collections import deque
from typing import TextIO

from dagscope.dag.run.process_state import restored_after_raw_assets

QUEUED_BYTES = 1_000_000
"""The most bytes that wait to be written to one stream."""

_AT_ONCE = 65_536  # bytes of one write
_STUCK_S = 0.2  # without a byte written, after which writers no longer wait for room
_GATHER_S = 0.02  # how long log entries gather after a write: waking the thread for each costs more than writing it
_DRAIN_S = 1.0  # how long the end of the process waits for a reader that does not read


class StandardStreams:
    """Replaces `sys.stdout` and `sys.stderr` while it is entered; `log` is for entries that never wait."""

    def __init__(self) -> None:
        self._outlets = _Outlet(1), _Outlet(2)
        out, err = self._outlets
        self.log = _text(out=err, patient=False)
        self._texts = _text(out=out, patient=True), _text(out=err, patient=True)
        for outlet in self._outlets:
            restored_after_raw_assets(outlet.is_open, outlet.open_again)

    def __enter__(self) -> "StandardStreams":
        self._before = sys.stdout, sys.stderr
        for stream in self._before:
            _flush(stream)
        sys.stdout, sys.stderr = self._texts
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self._before
        for stream in (*self._texts, self.log):
            _flush(stream)
        for outlet in self._outlets:
            outlet.drain()


def _flush(stream: TextIO | None) -> None:
    with contextlib.suppress(OSError, ValueError):  # it is broken or closed: there is nothing to flush
        if stream is not None:
            stream.flush()


def _text(out: "_Outlet", patient: bool) -> TextIO:
    return io.TextIOWrapper(_Bytes(out, patient), encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[type-var]  # its stub requires more of a buffer than it uses


class _Bytes(io.RawIOBase):
    """An outlet as a file of bytes, which cannot be closed: closing `sys.stderr` does not close it for others."""

    def __init__(self, outlet: "_Outlet", patient: bool) -> None:
        self._outlet, self._patient = outlet, patient

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        written = bytes(data)  # type: ignore[call-overload]  # a buffer, as RawIOBase has it
        self._outlet.put(written, self._patient)
        return len(written)

    def fileno(self) -> int:
        return self._outlet.descriptor

    def isatty(self) -> bool:
        return os.isatty(self._outlet.descriptor)

    def close(self) -> None:
        pass


class _Outlet:
    """The queue and the thread of one descriptor."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._target = _duplicate(descriptor)
        self._is_child = False
        self._begin()
        os.register_at_fork(after_in_child=self._in_child)

    def is_open(self) -> bool:
        """Whether the descriptor itself is open; a raw asset can close it."""
        with contextlib.suppress(OSError):
            os.fstat(self.descriptor)
            return True
        return False

    def open_again(self, was_open: bool) -> None:
        """Open the descriptor again if it was open."""
        if was_open and self._target != self.descriptor:
            os.dup2(self._target, self.descriptor)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._queued_bytes = self._written_bytes = self._dropped_lines = 0
        self._is_stuck = self._is_gathering = False
        self._thread: threading.Thread | None = None

    def _in_child(self) -> None:
        """A forked child has neither the thread nor the state of the lock: it writes directly."""
        self._begin()
        self._is_child = True

    def put(self, data: bytes, patient: bool) -> None:
        """Queue it for writing. A patient caller waits for room while the reader reads; the event loop never waits."""
        if self._is_child:
            with contextlib.suppress(OSError):
                os.write(self._target, data)
            return
        with self._changed:
            if patient and not self._has_room(data) and not _in_event_loop():
                self._wait_for_room(data)
            if not self._has_room(data):
                self._dropped_lines += _lines(data)
                return
            self._append_note()
            self._append(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_out, name="console", daemon=True)
                self._thread.start()
            if patient or not self._is_gathering:  # what is printed is written at once: the asset may crash
                self._changed.notify_all()

    def drain(self) -> None:
        """Wait until everything is written, but not for a reader that does not read."""
        with self._changed:
            self._changed.notify_all()
            deadline = time.monotonic() + _DRAIN_S
            while self._queued_bytes and time.monotonic() < deadline:
                written = self._written_bytes
                self._changed.wait(_DRAIN_S / 10)
                if self._written_bytes > written:
                    deadline = time.monotonic() + _DRAIN_S

    def _has_room(self, data: bytes) -> bool:
        return not self._queued_bytes or self._queued_bytes + len(data) <= QUEUED_BYTES

    def _wait_for_room(self, data: bytes) -> None:
        while not self._has_room(data) and not self._is_stuck:
            written = self._written_bytes
            self._changed.wait(_STUCK_S)
            self._is_stuck = self._written_bytes == written

    def _append(self, data: bytes) -> None:
        self._queue.append(data)
        self._queued_bytes += len(data)

    def _append_note(self) -> None:
        if self._dropped_lines:
            self._append(f"dagscope: {self._dropped_lines} lines could not be written here\n".encode())
            self._dropped_lines = 0

    def _write_out(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    self._changed.wait()
                data = self._taken()
            is_written = self._write(data)
            with self._changed:
                self._queued_bytes -= len(data)
                if is_written and not self._queue:
                    self._append_note()
                self._changed.notify_all()
                self._gather()

    def _gather(self) -> None:
        if self._queued_bytes < _AT_ONCE:
            self._is_gathering = True
            self._changed.wait(_GATHER_S)
            self._is_gathering = False

    def _taken(self) -> bytes:
        """The head of the queue, for one write."""
        data, length = [], 0
        while self._queue and length < _AT_ONCE:
            data.append(self._queue.popleft())
            length += len(data[-1])
        return b"".join(data)

    def _write(self, data: bytes) -> bool:
        """Whether all of it was written; the lines that were not are counted."""
        rest = memoryview(data)
        while rest:
            try:
                count = os.write(self._target, rest[:_AT_ONCE])
            except BlockingIOError:  # another process made the terminal non-blocking
                time.sleep(_STUCK_S / 4)
                continue
            except OSError:  # the reader is gone, the disk is full, the descriptor is closed
                with self._changed:
                    self._dropped_lines += _lines(bytes(rest))
                return False
            rest = rest[count:]
            with self._changed:
                self._written_bytes += count
                self._is_stuck = False
        return True


def _duplicate(descriptor: int) -> int:
    """Another descriptor of the same file: if an asset closes 1, the next connection of a client has that number."""
    try:
        return os.dup(descriptor)
    except OSError:  # it is closed
        return descriptor


def _lines(data: bytes) -> int:
    return data.count(b"\n") or 1


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
