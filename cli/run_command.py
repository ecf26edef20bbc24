"""`dagscope run`."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from pydantic import ValidationError
from rich.console import Console

from dagscope.cli.dagscope import EXIT_FAILED, EXIT_INTERRUPTED, fail
from dagscope.cli.progress import TaskProgress, closing_table
from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.status import DataTestResult, NodeStatus, TaskStatus, TaskSummary
from dagscope.dag.events.task_ids import check_task_id
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.project.project import Project
from dagscope.dag.run.runner import ASSET_THREAD
from dagscope.server.api.task_status import run_body
from dagscope.server.workspace.console import Capture, configure_console
from dagscope.server.workspace.reads import READ_THREAD
from dagscope.server.workspace.settings import LogLevel, Settings
from dagscope.server.workspace.workspace import Workspace, open_workspace
from dagscope.storage.reader import KeptTask


def run_project(
    project: Project, task_id: str | None, data: str | None, run_tests: bool, profile: bool, as_json: bool
) -> int:
    """Run the whole DAG as one task; the exit code."""
    task_id = checked_task_id(task_id)
    values = read_data(data)
    settings = read_settings({}, {})
    os.chdir(project.folder)  # what SQL and Python write by a relative path lands in the project too
    configure_console(LogLevel.ERROR, settings.log_format)  # the progress tells what happens
    console = Console(stderr=as_json, quiet=as_json)
    try:
        with redirect_stdout(sys.stderr) if as_json else nullcontext():  # what raw assets print
            task, interrupted = asyncio.run(_run(project, settings, task_id, values, run_tests, profile, console))
    except DagscopeError as error:
        fail(str(error))
    if as_json:
        click.echo(run_body(task).to_json())
    else:
        show_end(console, task)
    if interrupted:
        leave(EXIT_INTERRUPTED)
    return 0 if task.summary.status is TaskStatus.SUCCESS else EXIT_FAILED


def read_settings(given: Mapping[str, Any], options: Mapping[str, str]) -> Settings:
    """The settings from the environment, with those given over them; exit if one does not fit.

    `options` are the names of those options that a given value may be wrong for.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = [(str(fault["loc"][0]), fault["msg"]) for fault in error.errors()]
        names = {name: options[name] if name in given else f"DAGSCOPE_{name.upper()}" for name, _ in faults}
        fail("\n".join(f"{names[name]}: {message}" for name, message in faults))


def leave(code: int) -> NoReturn:
    """End the process if threads are left that would keep it, of raw assets or reads: all is recorded by now."""
    if any(thread.name.startswith((ASSET_THREAD, READ_THREAD)) for thread in threading.enumerate()):
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def new_task_id() -> str:
    """A task id for now, in the form that the spec recommends."""
    return f"task_{datetime.now():%Y%m%d_%H%M%S}"  # noqa: DTZ005  people name tasks by their own clock


def checked_task_id(task_id: str | None) -> str:
    """The task id, or a new one if none is given; exit if it cannot be one."""
    try:
        return check_task_id(task_id) if task_id is not None else new_task_id()
    except ValueError as error:
        fail(str(error))


def read_data(data: str | None) -> dict[str, Any]:
    """The run's data from a JSON text or `@FILE`; exit if it is no JSON object."""
    if data is None:
        return {}
    text = data
    if data.startswith("@"):
        try:
            text = Path(data[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--data: {data[1:]} cannot be read: {error}")
    try:
        values = json.loads(text)
    except ValueError as error:
        fail(f"--data: not valid JSON: {error}")
    if not isinstance(values, dict):
        fail('--data: must be a JSON object, such as {"since": "2013-01-01"}')
    return values


async def _run(
    project: Project,
    settings: Settings,
    task_id: str,
    data: dict[str, Any],
    run_tests: bool,
    profile: bool,
    console: Console,
) -> tuple[KeptTask, bool]:
    with TaskProgress(console, task_id) as progress:
        async with open_workspace(project, settings, (progress,)) as workspace:
            with Capture(workspace.emit, lambda: workspace.project.redaction):
                active = await workspace.tasks.run(project, task_id, data, run_tests, profile)
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


def show_nodes(
    console: Console,
    nodes: list[tuple[NodeStatus, NodeFacts]],
    root_tests: tuple[DataTestResult, ...],
    summary: TaskSummary,
    elapsed_ms: int | None,
) -> None:
    """The same from its parts; `elapsed_ms` is None where it is not known."""
    console.print(closing_table(nodes, root_tests))
    for test in root_tests:
        if test.error:
            console.print(f"{test.test_name}: {test.error}", style="red", highlight=False, soft_wrap=True, markup=False)
    style = "green" if summary.status is TaskStatus.SUCCESS else "red"
    line = f"{summary.status}: {summary.completed_assets} of {summary.total_assets} assets"
    took = f" in {elapsed_ms / 1000:.1f}s" if elapsed_ms is not None else ""
    console.print(f"{line}{took}, task {summary.task_id}", style=style, highlight=False, soft_wrap=True, markup=False)
