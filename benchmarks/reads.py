"""Reading from a state with a long history: the time must not grow with data that is not requested.

One real task is run. The state is then filled with copies of its rows, as if it had been run thousands of times.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.generated import layered_project
from benchmarks.history import History
from benchmarks.servers import Client, serving
from benchmarks.timing import median_seconds, seconds
from dagscope.storage.state_folder import StateFolder
from tests.doors import DAGSCOPE

_GOAL = 1.2
_FIRST_PAGE_MS = 50
_FIRST_ERROR_MS = 1_000
_ANY_PAGE_MS = 300
_REQUESTS = 200
_RUN = "task_00000"
_LONG, _LONGEST, _WIDE = "long_log", "longest_log", "wide"


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    tasks, entries, nodes = 10_000 // divisor, 1_000_000 // divisor, 1_000 // divisor
    few = layered_project(folder / "few", layers=2, per_layer=3, rows=10)
    command = [DAGSCOPE, "run", "--project", str(few), "--task-id", _RUN]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    many = shutil.copytree(few, folder / "many")
    _fill(few, 10)
    _fill(many, tasks, entries, nodes)
    yield from _against_each_other(few, many, tasks)
    yield from _alone(many, entries, nodes)


def _fill(project: Path, tasks: int, entries: int = 0, nodes: int = 0) -> None:
    """Copy the task. With `entries`, also fill the log up to that number, and add a task with `nodes` nodes."""
    history = History(StateFolder.of_project(project), _RUN)
    history.repeat(tasks)
    if entries:
        history.add_log(_LONG, 1_000)
        history.add_log(_LONGEST, entries - history.log_entries)
        history.end_log_with_error(_LONGEST)
        history.add_wide_task(_WIDE, nodes)
    history.close()


def _against_each_other(few: Path, many: Path, tasks: int) -> Iterator[Figure]:
    with serving(few) as small, serving(many) as large, small.client() as of_few, large.client() as of_many:
        for path, note in (
            (f"/api/dag/status/{_RUN}", "of a task with 6 nodes"),
            ("/api/dag/tasks?limit=50", "50 tasks in the answer, against 10"),
            ("/api/dag/tasks?limit=10", "10 tasks in both answers"),
        ):
            theirs, ours = median_seconds(_REQUESTS, lambda: of_few.get(path), lambda: of_many.get(path))  # noqa: B023
            name = f"GET {path.replace(_RUN, ':taskId')}, {tasks:,} tasks against 10"
            yield Figure(name, ours * 1000, "ms", theirs * 1000, _GOAL, note=note)


def _alone(many: Path, entries: int, nodes: int) -> Iterator[Figure]:
    with serving(many) as server, server.client() as client:
        [logs] = median_seconds(30, lambda: client.get(f"/api/logs/{_LONG}"))
        name = f"GET /api/logs/:taskId, 1,000 of {entries:,} entries"
        yield Figure(name, logs * 1000, "ms", goal=_FIRST_PAGE_MS)
        [first] = median_seconds(30, lambda: client.get(f"/api/logs/{_LONGEST}?limit=1000"))
        yield Figure("the first 1,000 of a task that has most of them", first * 1000, "ms", goal=_FIRST_PAGE_MS)
        yield from _searched(client, entries)
        [longest] = median_seconds(3, lambda: client.drain(f"/api/logs/{_LONGEST}"))
        yield Figure("all of them, streamed", longest * 1000, "ms")
        [wide] = median_seconds(10, lambda: client.get(f"/api/dag/status/{_WIDE}"))
        yield Figure(f"GET status of a task with {nodes:,} nodes", wide * 1000, "ms")


def _searched(client: Client, entries: int) -> Iterator[Figure]:
    """The log of one task with filters: what a page asks for that shows it."""
    path = f"/api/logs/{_LONGEST}"
    [error] = median_seconds(10, lambda: client.get(f"{path}?level=error&limit=1"))
    note = "the task's last entry, and the number of entries of each level"
    yield Figure("its first error", error * 1000, "ms", goal=_FIRST_ERROR_MS, note=note)
    [middle] = median_seconds(10, lambda: client.get(f"{path}?level=info,warning,error&offset={entries // 2}"))
    yield Figure("200 entries in the middle, of three levels", middle * 1000, "ms", goal=_ANY_PAGE_MS)
    first = seconds(lambda: client.get(f"{path}?q=finished"))
    yield Figure("a text in all of them, searched for the first time", first * 1000, "ms")
    [again] = median_seconds(10, lambda: client.get(f"{path}?q=finished&offset={entries // 2}"))
    yield Figure("200 entries in the middle of what was found", again * 1000, "ms", goal=_ANY_PAGE_MS)
