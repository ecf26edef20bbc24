"""How a process of runs has ended, in words."""

import signal
from contextlib import suppress
from pathlib import Path

from dagscope.dag.process import exit_codes

_REASONS = {
    exit_codes.SERVER_GONE: "an asset closed its connection to the server",
    exit_codes.FAULT: "an internal fault, which its output shows",
    exit_codes.OUT_OF_MEMORY: "out of memory: it reached the limit that DAGSCOPE_MEMORY_BYTES sets",
}


def described_end(status: int, kills_before: int) -> str:
    """What its exit status means; `kills_before` is what `out_of_memory_kills` returned when it was started."""
    if status >= 0:
        return _REASONS.get(status, f"exit code {status}")
    if status == -signal.SIGKILL and out_of_memory_kills() > kills_before:
        return "out of memory: the system killed it"
    return f"signal {_name(-status)}"


def _name(number: int) -> str:
    with suppress(ValueError):  # real-time signals have no name
        return signal.Signals(number).name
    return str(number)


def out_of_memory_kills() -> int:
    """How many processes of this control group the system has killed for lack of memory; 0 if it does not say."""
    with suppress(OSError, ValueError):
        for line in Path("/sys/fs/cgroup/memory.events").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0
