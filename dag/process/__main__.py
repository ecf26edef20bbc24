"""Starts the process of runs: `python -m dagscope.dag.process`, with the sockets to the server in the environment."""

import faulthandler
import os
import signal
import socket
import sys
from typing import NoReturn

from dagscope.dag.ground.forked_children import closed_in_children
from dagscope.dag.process.foreign_logs import capture_foreign_logs
from dagscope.dag.process.output import LoggedOutput, keep_descriptors
from dagscope.dag.process.served_runs import ServedRuns
from dagscope.dag.process.started_assets import StartedAssets
from dagscope.dag.run.process_state import outlive_timers, restored_after_raw_assets, take_short_turns


def main() -> NoReturn:
    """Serve the server at the other end of the sockets that the environment names."""
    *sockets, shared = map(int, os.environ.pop("DAGSCOPE_PASSED").split(","))
    control, opens = (socket.socket(fileno=number) for number in sockets)
    for each in (control, opens):
        each.set_inheritable(False)
    started = StartedAssets(shared)
    os.close(shared)
    guardian = int(os.environ.pop("DAGSCOPE_GUARDIAN"))
    take_short_turns()
    outlive_timers()
    faulthandler.enable(all_threads=False)  # a crash in C says where it was; other threads are no news
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # also for `_thread.interrupt_main`
    _log_output()
    capture_foreign_logs()
    with closed_in_children(control.close), closed_in_children(opens.close):
        ServedRuns(control, opens, started, guardian).serve()


def _log_output() -> None:
    """What Python prints becomes log entries."""
    keep_descriptors()
    outputs = LoggedOutput("stdout", 1), LoggedOutput("stderr", 2)
    sys.stdout, sys.stderr = outputs
    for output in outputs:
        restored_after_raw_assets(lambda output=output: output.pending, lambda _, output=output: output.end_line())  # type: ignore[misc]  # mypy cannot infer it


if __name__ == "__main__":
    main()
