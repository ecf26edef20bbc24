"""Running a command beside a private server, which is stopped when the command ends, or when it is told to."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class PrivateServer(Protocol):
    """A server on 127.0.0.1 that its context manager starts and stops."""

    name: str
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a project finds it."""


class _Terminated(BaseException):
    """SIGTERM was received. Raised so that `with` blocks clean up as for any other exception."""


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # already stopping
    raise _Terminated


def run(command: list[str], variable: str, serving: Callable[[], AbstractContextManager[PrivateServer]]) -> int:
    """The command's exit code. If the variable is set, it names a server, and none is started.

    `serving` raises `RuntimeError` if its server cannot be started.
    """
    if variable in os.environ:
        return subprocess.run(command, check=False).returncode
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with serving() as server:
            sys.stderr.write(f"{server.name} runs on 127.0.0.1:{server.port} until this command ends\n")
            return _run_beside(command, server)
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:  # while the server was starting
        return 128 + signal.SIGINT
    except _Terminated:
        return 128 + signal.SIGTERM


def _run_beside(command: list[str], server: PrivateServer) -> int:
    """Run the command and wait for it. A SIGTERM is passed on to it first."""
    child = subprocess.Popen(command, env=os.environ | server.environment)
    try:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the command received it too and ends by itself
                continue
    except _Terminated:
        child.terminate()
        child.wait()
        raise
