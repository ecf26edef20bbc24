"""Starts the process of runs and ends everything that it leaves behind: `guardian.py LIFELINE COMMAND ...`.

A small process between the server and the process of runs. Neither of the two can clean up after itself when it is
killed; this one waits for the end of either and then kills what is left, whatever session or process group it is in.
LIFELINE is the number of a descriptor whose other end only the server has: it is at its end once the server is.

It ends as the process of runs did: with its exit code, or by its signal. It imports only modules that load quickly.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_IS_LINUX = sys.platform == "linux"


def main(lifeline: int, command: list[str]) -> None:
    """Run the command to its end, or to the server's."""
    _prctl(_PR_SET_CHILD_SUBREAPER)  # what a process leaves behind becomes a child of this one
    waking, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the server ends this process by closing the lifeline
    passed = [int(number) for number in os.environ["DAGSCOPE_PASSED"].split(",")]
    child = subprocess.Popen(  # noqa: S603  the server's own command
        command,
        pass_fds=passed,
        env=os.environ | {"DAGSCOPE_GUARDIAN": str(os.getpid())},
        start_new_session=True,
        preexec_fn=lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509  this process has one thread
    )
    for descriptor in (0, 1, 2, *passed):  # so that their other ends see the end of the process of runs
        os.close(descriptor)
    status = _ended(child, lifeline, waking)
    _kill_all(child.pid)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
        _no_core_file()
        os.kill(os.getpid(), -status)
    os._exit(status if status >= 0 else 128 - status)


def _ended(child: "subprocess.Popen[bytes]", lifeline: int, waking: int) -> int:
    """Wait for the end of the child, or of the server, whose child is then killed; the child's status."""
    waiting = select.poll()  # `select.select` takes no number above 1,023, and a server with many streams passes one
    for descriptor in (lifeline, waking):
        waiting.register(descriptor, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in waiting.poll()}
        if waking in ready:
            os.read(waking, 4096)
        if lifeline in ready:
            child.kill()
        status = child.poll()
        if status is not None:
            return status
        _reap(child.pid)


def _reap(child: int) -> None:
    """Reap what was left to this process, but not the child: its status is asked for elsewhere."""
    for pid in _children(os.getpid()):
        if pid != child:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _kill_all(child: int) -> None:
    """Kill every process that the child left, again until none is left: one may just be starting another."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    kept: set[int] = set()  # those that run as another user
    while pids := set(_children(os.getpid())) - kept:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            except PermissionError:
                kept.add(pid)
        for pid in pids - kept:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children(pid: int) -> Iterator[int]:
    """The children of a process; nothing if the system does not list them."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())


def _prctl(option: int, value: int = 1) -> None:
    if _IS_LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _no_core_file() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
