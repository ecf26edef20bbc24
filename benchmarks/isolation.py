"""What the process of runs is for: answers beside a raw asset that computes, and what two processes cost at rest."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.servers import Client, Server, serving
from benchmarks.timing import seconds
from tests.projects import model, raw, write_project

_ANSWER_GOAL_MS = 30
_MEMORY_GOAL_MB = 300
_EVERY_S = 0.01

_SPINS = """
import time

def execute(context):
    end = time.monotonic() + {seconds}
    while time.monotonic() < end:
        pass
"""


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    spin_s = max(1, 10 // divisor)
    files = {model("s.a"): "SELECT 1 AS id", raw("s.spins"): _SPINS.format(seconds=spin_s)}
    with serving(write_project(folder / "spins", files)) as server, server.client() as client, server.client() as other:
        client.wait_for_runs()
        yield _memory(server)
        running = threading.Thread(target=other.run, args=("t",))
        running.start()
        asked = sorted(_answers(client, spin_s))
        running.join()
        p99 = asked[int(len(asked) * 0.99)] * 1_000
        name = f"GET status, p99, while a raw asset computes for {spin_s} s"
        yield Figure(name, p99, "ms", goal=_ANSWER_GOAL_MS, note=f"{len(asked):,} requests")


def _memory(server: Server) -> Figure:
    sizes_mb = [process.memory_full_info().pss / 1e6 for process in server.processes()]
    note = "proportional: what processes share counts once; " + " + ".join(f"{size:.0f}" for size in sizes_mb)
    return Figure(
        "memory of a server and its process of runs, idle", sum(sizes_mb), "MB", goal=_MEMORY_GOAL_MB, note=note
    )


def _answers(client: Client, for_s: float) -> Iterator[float]:
    """How long each request took, in that time."""
    time.sleep(_EVERY_S)  # the task is accepted
    end = time.monotonic() + for_s
    while time.monotonic() < end:
        yield seconds(lambda: client.get("/api/dag/status/t"))
        time.sleep(_EVERY_S)
