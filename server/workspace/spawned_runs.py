"""Starting the process of runs: a new interpreter, behind a guardian that ends whatever it leaves."""

import io
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dagscope.dag.ground.process_of_runs import MODULE
from dagscope.dag.process import guardian
from dagscope.dag.process.started_assets import StartedAssets, shared_file

_GUARDIAN = str(Path(guardian.__file__))


@dataclass(frozen=True)
class SpawnedRuns:
    """A process that has been started: the guardian, the sockets to the process of runs, and what it prints."""

    guardian: "subprocess.Popen[bytes]"
    lifeline: io.FileIO
    control: socket.socket
    opens: socket.socket
    outputs: tuple[IO[bytes], IO[bytes]]
    started: StartedAssets

    def kill(self) -> None:
        """End it, and all that it has started. Safe to call twice, from any thread."""
        self.lifeline.close()

    def end(self) -> None:
        """End it, and wait until nothing of it is left."""
        self.kill()
        self.guardian.wait()

    def close(self) -> None:
        """Close the sockets, and what is shared."""
        self.control.close()
        self.opens.close()
        self.started.close()


def spawn_runs() -> SpawnedRuns:
    """Start a process of runs. Returns at once: it is ready once it answers. Raises `OSError`."""
    with ExitStack() as ours, ExitStack() as its:
        control, its_control = _pair(ours, its, socket.SOCK_STREAM)
        opens, its_opens = _pair(ours, its, socket.SOCK_SEQPACKET)
        lifeline_read, lifeline_write = os.pipe()
        its.callback(os.close, lifeline_read)
        lifeline = ours.enter_context(io.FileIO(lifeline_write, "wb"))
        shared = its.enter_context(shared_file())
        started = StartedAssets(shared)
        passed = (its_control.fileno(), its_opens.fileno(), shared)
        process = subprocess.Popen(  # noqa: S603  the interpreter that runs this
            [sys.executable, "-I", "-S", _GUARDIAN, str(lifeline_read), sys.executable, "-P", "-m", MODULE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(*passed, lifeline_read),
            env=os.environ | {"DAGSCOPE_PASSED": ",".join(map(str, passed))},
        )
        ours.pop_all()  # it has started: they stay open
    assert process.stdout is not None
    assert process.stderr is not None
    return SpawnedRuns(process, lifeline, control, opens, (process.stdout, process.stderr), started)


def _pair(ours: ExitStack, its: ExitStack, kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
    own, other = socket.socketpair(socket.AF_UNIX, kind)
    return ours.enter_context(own), its.enter_context(other)
