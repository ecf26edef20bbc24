"""Processes that raw assets have started and left running, which end with their task."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_OF_PYTHON = (b"from multiprocessing.resource_tracker", b"from multiprocessing.forkserver")
"""What `multiprocessing` itself starts once, for all pools to come."""

_MOST_LOOKS = 10  # an asset may be starting threads without end
_LONGEST_S = 1.0  # one may be starting others without end, or be stuck in the system


def end_left_processes(guardian: int) -> tuple[str, ...]:
    """Kill them, wherever they have moved to; returns their commands, in order.

    Those whose parent has ended are children of the guardian (`dag/process/guardian.py`), the parent of this process.
    """
    ended: list[str] = []
    deadline_s = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline_s and (left := [pid for pid in _left(guardian) if not _is_of_python(pid)]):
        for pid in left:
            name = _command(pid)
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)  # refused if it runs as another user; waiting would then last
                os.waitpid(pid, 0)  # a child of this process; the guardian waits for its own
            if name:
                ended.append(name)
    return tuple(sorted(ended))


def _left(guardian: int) -> Iterator[int]:
    own = os.getpid()
    if os.getppid() != guardian:  # it has ended: another parent's children are none of ours
        return
    for parent in (own, guardian):
        yield from (pid for pid in _children(parent) if pid != own and _is_running(pid))


def _children(pid: int) -> list[int]:
    """Its threads' children. Those of a thread that ends meanwhile become another one's: then all are read again."""
    found, threads = list[int](), _threads(pid)
    for _ in range(_MOST_LOOKS):
        found.clear()
        for thread in threads:
            with suppress(OSError):  # it has ended, or the system does not say
                found += map(int, (thread / "children").read_text().split())
        before, threads = threads, _threads(pid)
        if threads == before:
            break
    return found


def _threads(pid: int) -> list[Path]:
    with suppress(OSError):
        return sorted(Path(f"/proc/{pid}/task").iterdir())
    return []


def _is_running(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _is_of_python(pid: int) -> bool:
    with suppress(OSError):
        return any(part in Path(f"/proc/{pid}/cmdline").read_bytes() for part in _OF_PYTHON)
    return False


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""
