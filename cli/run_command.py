"""`dagscope run`."""

import asyncio
import os
import signal
import sys
import threading
from contextlib import nullcontext, redirect_stdout
from typing import NoReturn

import click
from rich.console import Console

from dagscope.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, fail
from dagscope.cli.progress import TaskProgress, show_nodes
from dagscope.cli.run_options import RunOptions
from dagscope.cli.settings import read_settings
from dagscope.dag.events.status import TaskStatus
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.project.project import Project
from dagscope.dag.run.runner import ASSET_THREAD
from dagscope.server.api.task_status import run_body
from dagscope.server.workspace.console import Capture, configure_console
from dagscope.server.workspace.settings import LogLevel, Settings
from dagscope.server.workspace.workspace import Workspace, open_workspace
from dagscope.storage.tasks import KeptTask


def run_project(project: Project, options: RunOptions) -> int:
    """Run the whole DAG as one task; the exit code."""
    settings = read_settings({}, {})
    os.chdir(project.folder)  # what SQL and Python write by a relative path lands in the project too
    configure_console(LogLevel.ERROR, settings.log_format)  # the progress tells what happens
    console = Console(stderr=options.as_json, quiet=options.as_json)
    try:
        with redirect_stdout(sys.stderr) if options.as_json else nullcontext():  # what raw assets print
            task, interrupted = asyncio.run(_run(project, settings, options, console))
    except DagscopeError as error:
        fail(str(error))
    if options.as_json:
        click.echo(run_body(task).to_json())
    else:
        show_end(console, task)
    if interrupted:
        leave(EXIT_INTERRUPTED)
    return 0 if task.summary.status is TaskStatus.SUCCESS else EXIT_FAILED


def leave(code: int) -> NoReturn:
    """End the process if threads of cancelled raw assets are left that would keep it: all is recorded by now."""
    if any(thread.name.startswith(ASSET_THREAD) for thread in threading.enumerate()):
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


async def _run(project: Project, settings: Settings, options: RunOptions, console: Console) -> tuple[KeptTask, bool]:
    task_id = options.task_id
    with TaskProgress(console, task_id) as progress:
        async with open_workspace(project, settings, (progress,)) as workspace:
            with Capture(workspace.emit, lambda: workspace.project.redaction):
                active = await workspace.tasks.run(
                    project, task_id, dict(options.data), options.run_tests, options.profile
                )
                interrupts = _cancel_on_interrupt(workspace)
                await active.ended.wait()
                return await task_of(workspace, task_id), bool(interrupts)


def _cancel_on_interrupt(workspace: Workspace) -> list[asyncio.Task[None]]:
    """On the first Ctrl-C cancel what runs and record it; on the second, leave at once."""
    cancelling: list[asyncio.Task[None]] = []

    def interrupt() -> None:
        if cancelling:
            os._exit(EXIT_INTERRUPTED)
        cancelling.append(asyncio.ensure_future(workspace.tasks.cancel_all()))

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    return cancelling


async def task_of(workspace: Workspace, task_id: str) -> KeptTask:
    """The newest attempt of a task that is known to be there."""
    async with workspace.reader.moment() as moment:
        task = await moment.task(task_id)
    assert task is not None
    return task


def show_end(console: Console, task: KeptTask) -> None:
    """The closing table, what failed, and one line that says how the task ended."""
    summary = task.summary
    elapsed_ms = (summary.end_time or summary.start_time or 0) - (summary.start_time or 0)
    nodes = [(node.status, node.facts) for node in task.nodes]
    show_nodes(console, nodes, task.root_test_results, summary, elapsed_ms)
