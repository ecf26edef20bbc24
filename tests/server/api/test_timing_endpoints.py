"""`GET /api/dag/timings/:taskId`: the critical path of a task, and what would be if an asset were faster."""

from pathlib import Path
from typing import Any

import pytest

from dagscope.dag.model.graph import Graph
from dagscope.dag.run.simulated_run import simulated_ms
from tests.doors import AppDoor, OpenDoor
from tests.projects import model, raw, write_project

SLEEPS = """\
import time

def execute(context):
    time.sleep({seconds})
"""
PROFILE = """\
name: p
connection: duck
models:
  stages:
    - name: s
      models:
        - {name: slow, materialization: raw}
        - {name: quick, materialization: raw}
        - {name: last, materialization: raw, raw_upstreams: [s.slow, s.quick]}
"""
FILES = {
    "profile.yaml": PROFILE,
    raw("s.slow"): SLEEPS.format(seconds=0.4),
    raw("s.quick"): SLEEPS.format(seconds=0.05),
    raw("s.last"): SLEEPS.format(seconds=0.2),
    model("s.other"): "SELECT 1 AS one",
}


@pytest.fixture
def door(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    """A project whose task waits for s.slow, then for s.last."""
    door = opened(write_project(tmp_path, FILES), max_workers=2)
    door.run("monday", select="s.slow s.quick s.last")
    return door


def timings(door: AppDoor, query: str = "") -> Any:
    answer = door.get(f"/api/dag/timings/monday{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_critical_path(door: AppDoor) -> None:
    """The path has the assets that the end of the task depended on, and the asset that saves the most comes first."""
    found = timings(door)
    assert [node["assetName"] for node in found["criticalPath"]] == ["s.slow", "s.last"]
    first, second, third = found["whatIf"]
    assert (first["assetName"], second["assetName"]) == ("s.slow", "s.last")
    assert (third["assetName"], third["savedMs"]) == ("s.quick", 0)
    assert first["wouldTakeMs"] == round(first["tookMs"] / 2) == first["tookMs"] - first["savedMs"]
    assert first["taskMs"] == found["durationMs"] - first["savedMs"]
    assert found["durationMs"] == found["assetsMs"] + found["otherMs"]
    assert (found["taskId"], found["attempt"], found["percent"], found["workers"]) == ("monday", 1, 50, 2)


def test_another_what_if(door: AppDoor) -> None:
    """Any asset can take any part of its time; twice as long saves less than nothing."""
    (none,) = timings(door, "?asset=s.slow&percent=0")["whatIf"]
    assert none["wouldTakeMs"] == 0
    assert none["savedMs"] == none["tookMs"] - next(
        each["tookMs"] for each in timings(door)["whatIf"] if each["assetName"] == "s.quick"
    )
    (twice,) = timings(door, "?asset=s.last&percent=200")["whatIf"]
    assert twice["savedMs"] == -twice["tookMs"]
    assert door.get("/api/dag/timings/monday?asset=s.other").json() == {
        "error": "Asset not found in task",
        "details": "the task did not execute an asset of this name; it executed 3 others",
    }
    assert door.get("/api/dag/timings/monday?percent=x").json() == {
        "error": "Invalid request format: 'percent' must be a whole number from 0 to 1000, found 'x'"
    }


def test_what_has_no_timings(door: AppDoor) -> None:
    """An unknown task or attempt is 404, and a retry has the timings of what it executed itself."""
    assert door.get("/api/dag/timings/nope").json() == {
        "error": "Task not found",
        "details": "no task has this id; GET /api/dag/tasks lists all tasks",
    }
    assert door.get("/api/dag/timings/monday?attempt=2").status_code == 404
    door.post("/api/dag/asset/s.quick/execute", {"taskId": "monday"})
    assert [node["assetName"] for node in timings(door)["criticalPath"]] == ["s.quick"]
    assert len(timings(door, "?attempt=1")["whatIf"]) == 3


def test_the_simulation() -> None:
    """A free worker takes the first ready asset in order; assets that are not executed only pass on their upstreams."""
    graph = Graph({"a": (), "b": (), "c": ("a",), "gone": ("b",), "d": ("c", "gone")})
    durations = {"a": 3, "b": 5, "c": 1, "d": 2}
    assert [simulated_ms(graph, durations, workers) for workers in (1, 2, 9)] == [11, 7, 7]
    assert simulated_ms(graph, {"a": 3, "b": 0, "c": 1, "d": 2}, 1) == 6
    assert simulated_ms(graph, {}, 1) == 0
