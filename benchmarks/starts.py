"""How long the commands take to start."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.figures import Figure
from benchmarks.servers import serving
from benchmarks.timing import median_seconds
from tests.doors import DAGSCOPE
from tests.projects import copy_example


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    times = max(3, 15 // divisor)
    project = copy_example("hello", folder)
    dg = str(Path(DAGSCOPE).with_name("dg"))
    helps = [lambda command=command: _help(command) for command in (DAGSCOPE, dg)]
    for name, taken in zip(("dagscope", "dg"), median_seconds(times, *helps), strict=True):
        yield Figure(f"{name} --help", taken, "s", goal=0.25)
    first, *later = (_first_answer(project) for _ in range(max(3, 6 // divisor)))
    note = f"GET /api/dag of the two-node project; {first:.2f} s with a new state"
    yield Figure("dagscope serve, to its first answer", median(later), "s", goal=1.0, accepted=1.5, note=note)
    first, *later = (_run(project, new) for new in (True, *[False] * max(3, 6 // divisor)))
    note = f"the two-node project; {first:.2f} s with a new state"
    yield Figure("dagscope run", median(later), "s", goal=1.2, accepted=2.0, note=note)


def _help(command: str) -> None:
    subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL)


def _first_answer(project: Path) -> float:
    started = perf_counter()
    with serving(project) as server, server.client() as client:
        client.get("/api/dag")
        return perf_counter() - started


def _run(project: Path, new: bool) -> float:
    if new:
        shutil.rmtree(project / ".dagscope")
    started = perf_counter()
    subprocess.run([DAGSCOPE, "run", "--project", project], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started
