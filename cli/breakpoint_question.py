"""The question that `dagscope run --break-at` asks on a terminal, and its answers."""

import os
import sys

from rich.console import Console

from dagscope.dag.events.status import NodeStatus, PausedAt
from dagscope.dag.ground.terminal_text import shown, shown_lines
from dagscope.dag.run.breakpoints import AFTER, BEFORE, GoOn

STOP = "stop"
"""The answer that cancels the run."""

_ANSWERS: dict[str, GoOn | str] = {"c": GoOn.CONTINUE, "a": GoOn.AGAIN, "s": GoOn.SKIP, "t": STOP}
_BEFORE = "[c]ontinue, [s]kip it, s[t]op: "
_AFTER = "[c]ontinue, run it [a]gain with the files as they are now, [s]kip, s[t]op: "


def is_on_terminal() -> bool:
    """Whether someone can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def show_hold(console: Console, paused: PausedAt, node: NodeStatus | None) -> None:
    """Where the run holds, with the state and the rows of the asset."""
    line = f"Holding {BEFORE if paused.when == BEFORE else AFTER} {paused.asset}"
    if paused.when not in (BEFORE, AFTER):
        line += f" ({paused.when})"
    if node is not None and paused.when != BEFORE:
        rows = [] if node.rows is None else ["1 row" if node.rows == 1 else f"{node.rows:,} rows"]
        line += f": {', '.join([node.state, *rows])}"
    say(console, shown(line))


def ask(console: Console, paused: PausedAt) -> None:
    """Ask how to continue there."""
    say(console, _BEFORE if paused.when == BEFORE else _AFTER, end="")


def say(console: Console, text: str, end: str = "\n") -> None:
    """Print a text as it is."""
    console.print(shown_lines(text), end=end, markup=False, highlight=False, soft_wrap=True)


def read_answer() -> GoOn | str | None:
    """The answer that was typed: how to continue, or `STOP`; None if it is neither. The end of the input is `STOP`."""
    try:
        line = os.read(sys.stdin.fileno(), 1_000)  # a terminal gives one line at a time
    except OSError:  # it was closed
        return STOP
    return _ANSWERS.get(line.decode(errors="replace").strip().lower()) if line else STOP
