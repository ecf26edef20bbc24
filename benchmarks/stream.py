"""How long an event takes from the thread that emits it to all subscribers, over real HTTP.

A raw asset of a served project writes 20 log entries per second, each with its number and the time it was written. All
of them pass through the runner, the recorder's commit and the stream. The subscribers are in one other process
(`benchmarks.subscribers`) on the same machine, so both use the same clock.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.generated import empty_project, write_raw_asset
from benchmarks.servers import serving
from benchmarks.subscribers import Received

_EVENTS_PER_S = 20
_SECONDS = 10
_TALKER = f"""\
import time


def execute(context):
    count = context.input["__input__"]["count"]
    started = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, started + number / {_EVENTS_PER_S} - time.monotonic()))
        context.log.debug("tick", number=number, sentNs=time.time_ns())
"""
_GOAL_MS = 100


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    count = _EVENTS_PER_S * _SECONDS // min(divisor, 4)
    with _many_files():
        for subscribers in (1, 100 // divisor, 1_000 // divisor):
            received, cpu_s = _received(folder / f"stream_{subscribers}", subscribers, count)
            who = "1 subscriber" if subscribers == 1 else f"{subscribers:,} subscribers"
            goal = _GOAL_MS if subscribers == 1_000 // divisor else None
            note = f"{_EVENTS_PER_S} events/s for {count // _EVENTS_PER_S} s; the longest {received.longest_ms:,.0f} ms"
            yield Figure(f"event to {who}, p50", received.p50_ms, "ms", note=note)
            yield Figure(f"event to {who}, p99", received.p99_ms, "ms", goal=goal)
            yield Figure(f"processor time of the server for {who}", cpu_s * 1_000, "ms")
            lost = subscribers * count - received.count
            yield Figure(f"events lost by {who}", lost, "events", goal=0, note=f"of {subscribers * count:,}")


def _received(folder: Path, subscribers: int, count: int) -> tuple[Received, float]:
    """What the subscribers received, and the seconds of processor time that the server took for it."""
    write_raw_asset(empty_project(folder), "mart.talker", _TALKER)
    with serving(folder) as server:
        command = [sys.executable, "-m", "benchmarks.subscribers", server.address, str(subscribers), str(count)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listening:
            assert listening.stdout is not None
            assert listening.stdout.readline() == "listening\n", "the subscribers could not subscribe"
            before_s = server.processor_s()
            with server.client() as client:
                client.run("bench", {"count": count})
            received = Received(**json.loads(listening.stdout.read()))
            return received, server.processor_s() - before_s


@contextmanager
def _many_files() -> Iterator[None]:
    """Allow this process and its child processes to open enough sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4_096 if hard == resource.RLIM_INFINITY else min(4_096, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
