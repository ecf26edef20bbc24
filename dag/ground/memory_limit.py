"""The limit on this process's memory that DAGSCOPE_MEMORY_BYTES sets, for itself and for each process that it starts.

The system counts the memory that is reserved, which can be much more than is used.
"""

import resource
from contextlib import suppress
from pathlib import Path

_NEARLY = 7 / 8


def limit_memory(most_bytes: int) -> None:
    """From now on, reserving more than that fails; less, if the system allows only less."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def memory_is_used_up() -> bool:
    """Whether hardly anything is left: libraries keep what they have reserved, so later tasks would fail too."""
    most_bytes = _most_bytes()
    return most_bytes is not None and _reserved_bytes() > most_bytes * _NEARLY


def naming_memory_limit(message: str) -> str:
    """A message about memory that also names the setting, if there is a limit."""
    most_bytes = _most_bytes()
    return message if most_bytes is None else f"{message}; DAGSCOPE_MEMORY_BYTES allows {most_bytes:,} bytes"


def _most_bytes() -> int | None:
    most_bytes, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return None if most_bytes == resource.RLIM_INFINITY else most_bytes


def _reserved_bytes() -> int:
    with suppress(OSError, StopIteration, ValueError):  # the system does not say
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmData:")).split()[1]) * 1024
    return 0
