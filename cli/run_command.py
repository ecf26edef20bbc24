"""`dagscope run`."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import NoReturn, TextIO

from rich.console import Console

from dagscope.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, fail
from dagscope.cli.leaving import leave
from dagscope.cli.paused_run import PausedRun
from dagscope.cli.progress import TaskProgress, show_nodes
from dagscope.cli.run_options import RunOptions
from dagscope.cli.settings import read_settings
from dagscope.dag.events.captured_entries import Capture
from dagscope.dag.events.status import TaskStatus
from dagscope.dag.ground.errors import DagscopeError, SelectorInvalid
from dagscope.dag.project.project import Project
from dagscope.dag.run.breakpoints import BreakpointInvalid
from dagscope.dag.run.process_state import outlive_timers, take_short_turns
from dagscope.server.api.task_status import run_body
from dagscope.server.workspace.console import configure_console
from dagscope.server.workspace.listeners import listener_entries
from dagscope.server.workspace.settings import LogLevel, Settings
from dagscope.server.workspace.standard_streams import StandardStreams
from dagscope.server.workspace.workspace import Workspace, open_workspace
from dagscope.storage.tasks import KeptTask

_WIDTH_ELSEWHERE = 10_000

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_project(project: Project, options: RunOptions) -> NoReturn:
    """Run the DAG, or what is selected of it, as one task, and exit."""
    settings = read_settings({}, {})
    os.chdir(project.folder)  # files that SQL and Python write to a relative path are created in the project
    outlive_timers()
    take_short_turns()
    with output_of_assets_apart() if options.as_json else nullcontext() as output, StandardStreams() as streams:
        configure_console(LogLevel.ERROR, settings.log_format, streams.log)  # the progress shows what happens
        console = console_for(sys.stderr if options.as_json else sys.stdout, quiet=options.as_json)
        try:
            task, interrupted = asyncio.run(_run(project, settings, options, console))
        except SelectorInvalid as error:
            fail(f"--select: {error}")
        except BreakpointInvalid as error:
            fail(f"--break-at: {error}")
        except DagscopeError as error:
            fail(str(error))
        if output is not None:
            _write(output, run_body(task.shown).to_json())
        else:
            show_end(console, task)
    at_once = not _ran_code_of_others(project)
    if interrupted:
        leave(EXIT_INTERRUPTED, at_once)
    leave(0 if task.summary.status is TaskStatus.SUCCESS else EXIT_FAILED, at_once)


def _ran_code_of_others(project: Project) -> bool:
    """Whether something may have to happen when Python ends, such as writing the rest of a file that is still open."""
    return any(asset.is_raw for asset in project.assets.values()) or bool(listener_entries())


@contextmanager
def output_of_assets_apart() -> Iterator[int]:
    """A descriptor of standard output. Inside the block, all output goes to standard error, also of child processes."""
    sys.stdout.flush()
    output = os.dup(1)
    try:
        os.dup2(2, 1)
        yield output
    finally:
        os.dup2(output, 1)
        os.close(output)


def _write(output: int, text: str) -> None:
    """Write a line. Exits if it cannot be written."""
    try:
        with open(output, "w", encoding="utf-8", closefd=False) as stream:
            print(text, file=stream)
    except OSError as error:
        fail(f"the status could not be written to standard output: {error.strerror}", EXIT_FAILED)


def console_for(stream: TextIO, quiet: bool = False) -> Console:
    """A console on the stream. If that is not a terminal, lines are not wrapped."""
    return Console(file=stream, quiet=quiet, width=None if stream.isatty() else _WIDTH_ELSEWHERE)


async def _run(project: Project, settings: Settings, options: RunOptions, console: Console) -> tuple[KeptTask, bool]:
    task_id = options.task_id
    with TaskProgress(console, task_id) as progress:
        async with open_workspace(project, settings, (progress,)) as workspace:
            with Capture(workspace.emit, lambda: workspace.project.redaction, workspace.settings.log_limits):
                active = await workspace.tasks.run(
                    project,
                    task_id,
                    dict(options.data),
                    options.run_tests,
                    options.profile,
                    options.select,
                    options.breakpoints,
                    options.capture,
                )
                interrupts = _cancel_on_interrupt(workspace)
                await PausedRun(workspace, active, console, progress).to_end()
                return await task_of(workspace, task_id), bool(interrupts)


def _cancel_on_interrupt(workspace: Workspace) -> list[asyncio.Task[None]]:
    """On the first Ctrl-C, cancel what runs and record that. On the second, exit at once."""
    cancelling: list[asyncio.Task[None]] = []

    def interrupt() -> None:
        if cancelling:
            os._exit(EXIT_INTERRUPTED)
        cancelling.append(asyncio.ensure_future(workspace.tasks.cancel_all()))

    for number in ENDING_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    return cancelling


@contextmanager
def ending_signals_handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Inside the block, the handler has the signals that end a command; those before it have them again afterwards."""
    before = {number: signal.signal(number, handler) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, own in before.items():
            signal.signal(number, own)


async def task_of(workspace: Workspace, task_id: str) -> KeptTask:
    """The newest attempt of a task that is known to exist."""
    async with workspace.reader.moment() as moment:
        task = await moment.task(task_id)
    assert task is not None
    return task


def show_end(console: Console, task: KeptTask) -> None:
    """The summary table, what failed, and one line that says how the task ended."""
    summary = task.summary
    elapsed_ms = (summary.end_time or summary.start_time or 0) - (summary.start_time or 0)
    nodes = [(node.status, node.facts) for node in task.nodes]
    show_nodes(console, nodes, task.root_test_results, summary, elapsed_ms)
