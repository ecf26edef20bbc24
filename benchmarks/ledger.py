"""The ledger of a data test over a long history: first when nothing is known yet, then again."""

import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pyarrow as pa

from benchmarks.figures import Figure
from benchmarks.generated import empty_project, write_model
from benchmarks.history import History
from benchmarks.servers import serving
from benchmarks.timing import median_seconds, seconds
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.storage.state_folder import StateFolder
from tests.doors import DAGSCOPE

_GOAL_MS = 100
_RUN = "task_00000"
_ROWS = 100
"""How many rows violate the test in each task; ten of them are others in the next task."""


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    tasks = 500 // divisor
    project = empty_project(folder / "ledger")
    write_model(project, "mart.orders", f"SELECT range AS id, 'x' AS note FROM range({_ROWS})", "tests: [{name: bad}]")
    test = project / "assets/tests/mart/bad.sql"
    test.parent.mkdir(parents=True, exist_ok=True)
    test.write_text('SELECT * FROM {{ Ref("mart.orders") }}', encoding="utf-8")
    command = [DAGSCOPE, "run", "--project", str(project), "--task-id", _RUN]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    state = StateFolder.of_project(project)
    history = History(state, _RUN)
    history.repeat(tasks)
    frames = FrameFiles(state.frames)
    for place in range(tasks):
        ids = pa.array(range(place * 10, place * 10 + _ROWS), pa.int64())
        rows = pa.table({"id": ids, "note": pa.repeat(pa.scalar("x"), _ROWS)})
        history.keep_violations(place, frames.write(rows.to_reader()))
    history.close()
    fewer = count(tasks - 1, -1)
    path = f"/api/tests/ledger/mart.bad?limit={tasks}"
    with serving(project) as server, server.client() as client:
        client.get("/api/tests/ledger/mart.bad?limit=1")
        before = server.processor_s()
        first = seconds(lambda: client.get(path))
        first_processor = server.processor_s() - before
        [next_task] = median_seconds(10, lambda: client.get(f"/api/tests/ledger/mart.bad?limit={next(fewer)}"))
        [again] = median_seconds(20, lambda: client.get(path))
    note = f"{_ROWS} rows in each, ten of them new; {first_processor * 1000:.0f} ms of processor time"
    yield Figure(f"GET ledger over {tasks} tasks, for the first time", first * 1000, "ms", goal=_GOAL_MS, note=note)
    yield Figure("the same when other tasks are compared", next_task * 1000, "ms", goal=_GOAL_MS)
    yield Figure("the same again", again * 1000, "ms", goal=_GOAL_MS)
