"""The progress of a task: a live line on a terminal, plain lines elsewhere, and a table at the end."""

import threading
from textwrap import indent
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from dagscope.cli.console_text import print_line, seconds
from dagscope.dag.events.events import Event, NodeChanged, NodeFacts, TaskAccepted
from dagscope.dag.events.status import DataTestResult, DataTestStatus, NodeState, NodeStatus, TaskStatus, TaskSummary
from dagscope.dag.ground.terminal_text import shown_lines

_STYLES = {NodeState.SUCCESS: "green", NodeState.FAILED: "red", NodeState.INITIAL: "yellow"}
_WIDEST_NAMES = 3  # running assets named on the live line


class TaskProgress:
    """A listener that shows one task. Use it as a context manager around the task. It is thread-safe."""

    def __init__(self, console: Console, task_id: str) -> None:
        self._console, self._task_id = console, task_id
        self._lock = threading.Lock()
        self._running: dict[str, None] = {}
        self._ended: set[str] = set()  # an asset that is executed again has not ended
        self._total = 0
        self._live = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not self._live,
        )
        self._bar: TaskID | None = None

    def __enter__(self) -> "TaskProgress":
        self.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Show the live line."""
        self._progress.start()

    def stop(self) -> None:
        """Take the live line off the terminal."""
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        if event.task_id != self._task_id:
            return
        if isinstance(event, TaskAccepted):
            self.begin(len(event.nodes))
        elif isinstance(event, NodeChanged):
            self.node(event.node, event.facts)

    def begin(self, total: int) -> None:
        """An attempt with `total` nodes starts."""
        with self._lock:
            self._total = total
            self._bar = self._progress.add_task(f"{self._task_id}: starting", total=total)

    def node(self, node: NodeStatus, facts: NodeFacts) -> None:
        """A node started, is being tested, has ended, or was skipped."""
        with self._lock:
            self._node(node, facts)

    def _node(self, node: NodeStatus, facts: NodeFacts) -> None:
        if node.state.is_running:
            self._running[node.asset_name] = None
            self._ended.discard(node.asset_name)
        else:
            self._running.pop(node.asset_name, None)
            self._ended.add(node.asset_name)
            self._line(node, facts)
        if self._bar is not None:
            names = list(self._running)
            shown = ", ".join(names[:_WIDEST_NAMES]) + (" …" if len(names) > _WIDEST_NAMES else "")
            self._progress.update(self._bar, completed=len(self._ended), description=shown or "finishing")

    def _line(self, node: NodeStatus, facts: NodeFacts) -> None:
        if self._live and node.state is NodeState.SUCCESS:
            return
        width = len(str(self._total))
        line = Text(f"[{len(self._ended):>{width}}/{self._total}] ")
        line.append(f"{_state(node):<8}", _STYLES.get(node.state, ""))
        parts = (node.asset_name, _rows(facts), seconds(node.execution_time_ms))
        line.append("  ".join(part for part in parts if part))
        if node.message:
            line.append("\n" + indent(shown_lines(node.message), "    "))
        self._console.print(line, highlight=False, soft_wrap=True)


def show_nodes(
    console: Console,
    nodes: list[tuple[NodeStatus, NodeFacts]],
    root_tests: tuple[DataTestResult, ...],
    summary: TaskSummary,
    elapsed_ms: int | None,
) -> None:
    """The summary table, what failed, and one line that says how the task ended.

    `elapsed_ms` is None if it is not known.
    """
    console.print(_closing_table(nodes, root_tests))
    for test in root_tests:
        if test.error:
            error = shown_lines(f"{test.test_name}: {test.error}")
            console.print(error, style="red", highlight=False, soft_wrap=True, markup=False)
    style = "green" if summary.status is TaskStatus.SUCCESS else "red"
    line = f"{summary.status}: {summary.completed_assets} of {summary.total_assets} assets"
    took = f" in {elapsed_ms / 1000:.1f}s" if elapsed_ms is not None else ""
    line += f"{took}, task {summary.task_id}"
    print_line(console, line, style)


def _closing_table(nodes: list[tuple[NodeStatus, NodeFacts]], root_tests: tuple[DataTestResult, ...]) -> Table:
    """The asset, state, rows, time and tests of every node, in order."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("asset", "state"):
        table.add_column(heading, no_wrap=True, overflow="fold")
    for heading in ("rows", "time", "tests"):
        table.add_column(heading, justify="right", no_wrap=True)
    for node, facts in nodes:
        style = _STYLES.get(node.state, "")
        tests = f"{node.passed_tests}/{node.total_tests}" if node.total_tests else ""
        state = Text(_state(node), style)
        table.add_row(node.asset_name, state, _rows(facts), seconds(node.execution_time_ms), tests)
    if root_tests:
        passed = sum(test.status is DataTestStatus.SUCCESS for test in root_tests)
        overall = NodeState.SUCCESS if passed == len(root_tests) else NodeState.FAILED
        elapsed = seconds(sum(test.duration_ms for test in root_tests))
        table.add_row("root tests", Text(overall, _STYLES[overall]), "", elapsed, f"{passed}/{len(root_tests)}")
    return table


def _state(node: NodeStatus) -> str:
    return "SKIPPED" if node.state is NodeState.INITIAL and node.message else node.state


def _rows(facts: NodeFacts) -> str:
    return "" if facts.rows is None else f"{facts.rows:,}"
