"""Internal faults: shown in full on the console, and to clients only as an id."""

import secrets
import traceback
from dataclasses import dataclass

from dagscope.server.workspace.console import console_log


@dataclass(frozen=True)
class Fault:
    """A fault as a client may see it: no SQL, path or stack in `message`; `stack` is empty unless debugging."""

    message: str
    stack: tuple[str, ...]


def report_fault(error: BaseException, debug: bool) -> Fault:
    """Show the fault on the console under a new id; returns what the client may know."""
    fault_id = secrets.token_hex(4)
    # It belongs to no task, so it stays on the console: a task's log is served to clients.
    console_log().write("error", "Unexpected fault", {"fault": fault_id}, error)
    stack = tuple(traceback.format_exception(error)) if debug else ()
    return Fault(f"Internal server error (fault {fault_id})", stack)
