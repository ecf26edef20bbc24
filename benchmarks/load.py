"""Loading a project of 1,000 models, returning its DAG, and checking a project of 100,000 files."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.generated import layered_project
from benchmarks.servers import serving
from benchmarks.timing import median_seconds
from dagscope.dag.project.loading import load_project

_LAYERS = 10
_KIBIBYTES_OF_MB = 1_000_000 / 1_024


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    models = 1_000 // divisor
    project = layered_project(folder / "many_models", _LAYERS, models // _LAYERS)
    [loading] = median_seconds(5, lambda: load_project(project))
    yield Figure(f"load {models:,} models, each with a data test", loading, "s", goal=2)
    with serving(project) as server, server.client() as client:
        [asking] = median_seconds(20, lambda: client.get("/api/dag"))
    yield Figure(f"GET /api/dag with {models:,} models", asking * 1000, "ms", goal=200)
    files = 100_000 // divisor
    large = layered_project(folder / "many_files", _LAYERS, files // _LAYERS // 2)
    seconds, peak_mb = _check(large)
    yield Figure(f"dagscope check of {files:,} files", seconds, "s", goal=10)
    yield Figure(f"dagscope check of {files:,} files: peak memory", peak_mb, "MB", goal=500)


def _check(project: Path) -> tuple[float, float]:
    """The seconds and the peak megabytes of the command."""
    began_at = time.perf_counter()
    command = [sys.executable, "-m", "dagscope", "check", "--project", str(project)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "the project has no problems"
    return time.perf_counter() - began_at, used.ru_maxrss / _KIBIBYTES_OF_MB
