"""What raw assets print, as log entries of theirs: `sys.stdout` and `sys.stderr` of the process of runs."""

import codecs
import io
import os
import threading
from contextlib import suppress

from dagscope.dag.events.captured_entries import log_here
from dagscope.dag.events.task_log import RawAssetLog
from dagscope.dag.run.process_state import restored_after_raw_assets

_DESCRIPTORS = (1, 2)
_LONGEST_LINE = 1_000_000  # characters, after which a line without an end becomes an entry


class LoggedOutput(io.TextIOBase):
    """A text stream whose lines become entries of the asset that the thread executes; `buffer` takes the same as bytes.

    Where that is not known, and in child processes, text goes to the descriptor itself, which the server reads.
    """

    def __init__(self, name: str, descriptor: int) -> None:
        self._name, self._descriptor = name, descriptor
        self._process = os.getpid()
        self._lines = threading.local()
        self.buffer = _Bytes(self)

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in its stub
        return "utf-8"

    def reconfigure(self, **_: object) -> None:
        """Change nothing: no line waits, and the encoding is the log's."""

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if log_here() is None or os.getpid() != self._process:
            with suppress(OSError):  # the server is gone, or an asset closed the descriptor
                _write_all(self._descriptor, text.encode("utf-8", "backslashreplace"))
            return len(text)
        ended, newline, rest = text.rpartition("\n")
        if newline:
            for line in (self._taken() + ended).split("\n"):
                self._log(line)
        self._parts.append(rest)  # joined once: a line can consist of a million characters that are written one by one
        self._lines.characters += len(rest)
        if self._lines.characters > _LONGEST_LINE:
            self.end_line()
        return len(text)

    @property
    def _parts(self) -> list[str]:
        if not hasattr(self._lines, "parts"):
            self._lines.parts, self._lines.characters = list[str](), 0
        parts: list[str] = self._lines.parts
        return parts

    def _taken(self) -> str:
        pending = self.pending
        self._lines.parts, self._lines.characters = list[str](), 0
        return pending

    @property
    def pending(self) -> str:
        """What this thread has written since the last end of a line."""
        return "".join(self._parts)

    def end_line(self) -> None:
        """Log what this thread has written without the end of a line."""
        if rest := self._taken():
            self._log(rest)

    def _log(self, line: str) -> None:
        log = log_here()
        if log is not None and line.strip():
            RawAssetLog(log).write("info", line.rstrip("\r"), {"stream": self._name})


class _Bytes(io.BufferedIOBase):
    """The bytes of a text stream, such as those that `sys.stdout.buffer.write` writes."""

    def __init__(self, text: LoggedOutput) -> None:
        self._text, self._decoders = text, threading.local()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        decoder: codecs.IncrementalDecoder | None = getattr(self._decoders, "decoder", None)
        if decoder is None:  # a character may come in two parts
            decoder = self._decoders.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        written = bytes(data)  # type: ignore[call-overload]  # a buffer, as BufferedIOBase has it
        self._text.write(decoder.decode(written))
        return len(written)

    def fileno(self) -> int:
        return self._text.fileno()


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def keep_descriptors() -> None:
    """After each raw asset, descriptors 1 and 2 are again what they are now, even if it has closed or replaced them."""
    kept = [os.dup(number) for number in _DESCRIPTORS]

    def restore(_: object) -> None:
        for copy, number in zip(kept, _DESCRIPTORS, strict=True):
            os.dup2(copy, number)

    restored_after_raw_assets(
        lambda: [os.path.sameopenfile(*pair) for pair in zip(kept, _DESCRIPTORS, strict=True)], restore
    )
