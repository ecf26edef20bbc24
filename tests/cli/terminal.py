"""`dagscope` on a terminal, as a user has it."""

import os
import pty
import re
import select
import subprocess
import time

from tests.doors import DAGSCOPE

_PATIENCE_S = 60


class Terminal:
    """A command on a pseudo-terminal. Use it as a context manager: what still runs at the end is killed."""

    def __init__(self, *arguments: str) -> None:
        self._fd, inside = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "200"}
        self.process = subprocess.Popen(
            [DAGSCOPE, *arguments], stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True
        )
        os.close(inside)
        self._output, self._seen = "", 0

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def type(self, line: str) -> None:
        os.write(self._fd, f"{line}\n".encode())

    def until(self, text: str) -> list[str]:
        """Wait for a text; returns the lines since the last call."""
        while text not in self._output[self._seen :]:
            assert self._read(), f"no {text!r} in {self._output!r}"
        start, self._seen = self._seen, self._output.index(text, self._seen) + len(text)
        return [line for line in re.split(r"[\r\n]+", self._output[start : self._seen]) if line.strip()]

    def code(self) -> int:
        """The exit code, once the command has ended."""
        while self._read():
            pass
        return self.process.wait(_PATIENCE_S)

    def _read(self) -> bool:
        deadline = time.monotonic() + _PATIENCE_S
        ready, _, _ = select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))
        try:
            read = os.read(self._fd, 65_536) if ready else b""
        except OSError:  # the command has ended
            return False
        self._output += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read.decode(errors="replace"))
        return bool(read)
