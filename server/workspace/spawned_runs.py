"""Starting the process of runs: a new interpreter, behind a guardian that ends whatever it leaves."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dagscope.dag.ground.process_of_runs import MODULE
from dagscope.dag.process import guardian

_GUARDIAN = str(Path(guardian.__file__))


@dataclass(frozen=True)
class SpawnedRuns:
    """A process that has been started: the guardian, the sockets to the process of runs, and what it prints."""

    guardian: "subprocess.Popen[bytes]"
    lifeline: int
    control: socket.socket
    opens: socket.socket
    outputs: tuple[IO[bytes], IO[bytes]]

    def kill(self) -> None:
        """End it, and all that it has started. Safe to call twice."""
        if self.lifeline in _open_lifelines:
            _open_lifelines.discard(self.lifeline)
            os.close(self.lifeline)


_open_lifelines: set[int] = set()


def spawn_runs() -> SpawnedRuns:
    """Start a process of runs. Returns at once: it is ready once it answers."""
    control, its_control = socket.socketpair()
    opens, its_opens = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    lifeline_read, lifeline = os.pipe()
    _open_lifelines.add(lifeline)
    passed = (its_control.fileno(), its_opens.fileno())
    process = subprocess.Popen(  # noqa: S603  the interpreter that runs this
        [sys.executable, "-I", "-S", _GUARDIAN, str(lifeline_read), sys.executable, "-P", "-m", MODULE],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(*passed, lifeline_read),
        env=os.environ | {"DAGSCOPE_PASSED": ",".join(map(str, passed))},
    )
    os.close(lifeline_read)
    its_control.close()
    its_opens.close()
    assert process.stdout is not None
    assert process.stderr is not None
    return SpawnedRuns(process, lifeline, control, opens, (process.stdout, process.stderr))
