"""How the process of runs (`dag/process`) is recognized among others."""

from contextlib import suppress
from pathlib import Path

MODULE = "dagscope.dag.process"
"""The module that it executes."""


def server_of(pid: int) -> int:
    """The server that a process of runs belongs to, which is what people know and can stop; else the process itself."""
    with suppress(OSError, ValueError, IndexError):
        if MODULE.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return _parent(_parent(pid))  # between them is the guardian
    return pid


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
