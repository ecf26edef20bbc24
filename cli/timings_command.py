"""`dagscope timings`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.table import Table

from dagscope.cli.console_text import print_line, seconds
from dagscope.cli.exits import fail
from dagscope.cli.project_answers import Question, answer_of, path_with
from dagscope.cli.run_command import console_for
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.ground.terminal_text import shown
from dagscope.server.api.timing_endpoints import timings_of
from dagscope.server.http.shapes.timings import TaskTimings
from dagscope.server.workspace.workspace import Workspace


class _Task(Shape):
    task_id: str


class _Tasks(Shape):
    """What of `GET /api/dag/tasks` is needed."""

    tasks: tuple[_Task, ...]


_SHOWN = 5  # what-ifs that save something


def print_timings(folder: Path, task_id: str | None, asset: str | None, percent: int, as_json: bool) -> None:
    """Print why a task took as long as it did. Exits if there is no such task."""
    task = task_id if task_id is not None else _newest(folder)
    path = path_with("api", "dag", "timings", task)
    question = Question(path, TaskTimings, {"asset": asset, "percent": percent})

    async def here(workspace: Workspace) -> TaskTimings:
        return await timings_of(workspace, task, None, asset, percent)

    timings = answer_of(folder, question, here)
    if as_json:
        click.echo(timings.to_json())
        return
    console = console_for(sys.stdout)
    print_line(console, _summary(timings))
    if timings.critical_path:
        console.print(_path(timings))
    for line in _what_ifs(timings, everything=asset is not None):
        print_line(console, line)


def _newest(folder: Path) -> str:
    async def here(workspace: Workspace) -> _Tasks:
        async with workspace.reader.moment() as moment:
            page = await moment.tasks(1)
        return _Tasks(tasks=tuple(_Task(task_id=task.task_id) for task in page.tasks))

    tasks = answer_of(folder, Question("/api/dag/tasks", _Tasks, {"limit": 1}), here).tasks
    return tasks[0].task_id if tasks else fail("there is no task; nothing was ever run")


def _summary(timings: TaskTimings) -> str:
    queued = sum(node.queued_ms for node in timings.critical_path)
    line = f"{timings.task_id}: {seconds(timings.duration_ms)}, of which the assets took {seconds(timings.assets_ms)}"
    return f"{line}; critical path, {seconds(queued)} of it waiting for a worker:" if timings.critical_path else line


def _path(timings: TaskTimings) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("asset", no_wrap=True, overflow="fold")
    for heading in ("queue", "executing", "testing"):
        table.add_column(heading, justify="right", no_wrap=True)
    for node in timings.critical_path:
        table.add_row(shown(node.asset_name), *map(seconds, (node.queued_ms, node.executing_ms, node.testing_ms)))
    return table


def _what_ifs(timings: TaskTimings, everything: bool) -> Iterator[str]:
    part = "half of its time" if timings.percent == 50 else f"{timings.percent} % of its time"
    now = seconds(timings.duration_ms)
    found = [each for each in timings.what_if if each.saved_ms > 0 or everything][:_SHOWN]
    for each in found:
        yield f"if {each.asset_name} took {part}, the task would take {seconds(each.task_ms)} instead of {now}"
    if timings.what_if and not found:
        yield f"no asset alone would make the task faster if it took {part}"
    if timings.enough_workers_ms < timings.duration_ms:
        enough = seconds(timings.enough_workers_ms)
        yield f"with enough workers instead of {timings.workers}, the task would take {enough} instead of {now}"
