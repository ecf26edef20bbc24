"""What `make bench` shows and saves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.figures import Figure, as_json, as_table
from benchmarks.machine import Machine, this_machine

ROOT = Path(__file__).parent.parent.parent

MACHINE = Machine("cpu", 2, 4.0, "Linux", "2026-01-01T00:00:00Z", 0.1, False, {"duckdb": "2.0.0"})
FASTER = Figure("run", ours=1.5, unit="s", theirs=2.0, goal=1.0, accepted=1.2)
ALONE = Figure("load", ours=0.5, unit="s", goal=2, note="from disk")


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [(2.0, "met"), (2.2, "accepted"), (2.5, "missed")],
)
def test_verdict_of_a_ratio(ours: float, verdict: str) -> None:
    """For a figure with a comparison, the goal is the maximum of the ratio."""
    assert Figure("run", ours=ours, unit="s", theirs=2.0, goal=1.0, accepted=1.2).verdict == verdict


@pytest.mark.parametrize(("ours", "verdict"), [(0, "met"), (2, "met"), (2.1, "missed")])
def test_verdict_of_a_figure(ours: float, verdict: str) -> None:
    """For a figure without a comparison, the goal is the maximum of the value."""
    assert Figure("load", ours=ours, unit="s", goal=2).verdict == verdict


def test_no_goal_no_verdict() -> None:
    """A figure without a goal has no verdict."""
    assert Figure("throughput", ours=1, unit="events/s").verdict == ""


def test_table_has_ratios_first() -> None:
    """The table lists the figures with a ratio first, each with its goal, verdict and note."""
    console = Console(width=120)
    with console.capture() as captured:
        console.print(as_table([ALONE, FASTER]))
    _, first, second = captured.get().splitlines()
    assert first.split() == ["run", "0.75", "1.5", "2", "s", "1", "met"]
    assert second.split() == ["load", "0.5", "s", "2", "met", "from", "disk"]


def test_json_says_what_the_table_says() -> None:
    """The document has the machine, and each figure with its ratio and verdict."""
    document = json.loads(as_json([ALONE, FASTER], MACHINE))
    assert document["machine"]["cpu"] == "cpu"
    assert document["machine"]["versions"] == {"duckdb": "2.0.0"}
    assert [(figure["name"], figure["ratio"], figure["verdict"]) for figure in document["figures"]] == [
        ("run", 0.75, "met"),
        ("load", None, "met"),
    ]


def test_machine_is_told() -> None:
    """The output names the machine, the time and the versions of the software."""
    machine = this_machine(quick=False)
    assert machine.cpu
    assert machine.cores == os.cpu_count()
    assert {"dagscope", "python", "duckdb", "sqlite"} <= machine.versions.keys()
    assert all(text in str(machine) for text in (machine.cpu, machine.date, "duckdb", "sqlite"))


@pytest.mark.server
def test_bench_runs(tmp_path: Path) -> None:
    """`python -m benchmarks` measures real servers, prints its table, and saves the same figures."""
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "load", "--results", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "GET /api/dag with 100 models" in done.stdout
    [file] = tmp_path.iterdir()
    names = [figure["name"] for figure in json.loads(file.read_text())["figures"]]
    assert names[:2] == ["load 100 models, each with a data test", "GET /api/dag with 100 models"]
    assert names[2:] == ["dagscope check of 10,000 files", "dagscope check of 10,000 files: peak memory"]
