"""Tasks run in a process of their own, which is replaced when it has ended."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.doors import Serve, ServerDoor, wait_until
from tests.projects import ONE_AFTER_ANOTHER, block, model, raw, write_project

pytestmark = pytest.mark.server

IN_MEMORY = "version: 1.0.0\nmodule: m\nconnections:\n  - name: duck\n    type: duckdb\n"
CRASHES = "import ctypes\n\ndef execute(context):\n    ctypes.string_at(0)\n"
ALLOCATES = """\
import pyarrow as pa

def execute(context):
    kept = [pa.allocate_buffer(100_000_000) for _ in range(100)]
"""
SORTS = "SELECT repeat(md5(range::VARCHAR), 20) AS text FROM range(60_000_000) ORDER BY text"
PRINTS_BYTES = """\
import sys

def execute(context):
    sys.stdout.reconfigure(line_buffering=True)
    print("one")
    sys.stdout.buffer.write(b"two \\xc3")
    sys.stdout.buffer.write(b"\\xa9\\n")
    sys.stdout.buffer.flush()
    print("three")
"""
PASSES = "def execute(context):\n    pass\n"
HOLDS = "import ctypes\ndef execute(context):\n    ctypes.PyDLL(None).sleep(600)\n"


def process_of(door: ServerDoor) -> psutil.Process:
    """The process of runs, once it has started."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        for child in psutil.Process(door.process.pid).children(recursive=True):
            try:
                if child.cmdline()[-1:] == ["dagscope.dag.process"] and child.parent().pid != door.process.pid:  # type: ignore[union-attr]  # it has one
                    found.append(child)
            except (psutil.NoSuchProcess, AttributeError):
                continue
        return bool(found)

    wait_until(is_there)
    return found[0]


def starts(door: ServerDoor, task_id: str, asset: str) -> None:
    """Start a task on a server whose POSTs do not wait, and wait until the asset runs."""
    door.run(task_id)

    def runs() -> bool:
        nodes = door.get(f"/api/dag/status/{task_id}").json().get("nodes", [])
        return any(node["assetName"] == asset and node["state"] == "IN_PROGRESS" for node in nodes)

    wait_until(runs)


def message_of(door: ServerDoor, task_id: str, asset: str) -> str:
    """The message of the asset's node."""
    nodes = door.get(f"/api/dag/status/{task_id}").json()["nodes"]
    return next(str(node["message"]) for node in nodes if node["assetName"] == asset)


def test_the_end_of_an_idle_process(tmp_path: Path, serve: Serve) -> None:
    """A task that comes just as the process ends runs in the next one; nothing is left open of the one before."""
    door = serve(write_project(tmp_path, {model("s.a"): "SELECT 1 AS id"}))
    door.run("first")
    server = psutil.Process(door.process.pid)
    before = server.num_fds()
    for number in range(3):
        process_of(door).kill()
        assert door.run(f"t{number}").json()["status"] == "SUCCESS"
    wait_until(lambda: server.num_fds() <= before)
    assert len(server.children()) == 1


def test_reads_after_its_end(tmp_path: Path, serve: Serve) -> None:
    """Rows are read in the next process."""
    door = serve(write_project(tmp_path, {model("s.a"): "SELECT 1 AS id"}))
    door.run("t")
    process_of(door).send_signal(signal.SIGSEGV)
    wait_until(lambda: door.get("/api/dag/asset/s.a/data").json().get("data") == [{"id": 1}])


def test_the_server_answers_while_python_is_held(tmp_path: Path, serve: Serve) -> None:
    """While an asset holds Python's lock, the server answers and loads the project again; a cancel ends the asset."""
    folder = write_project(tmp_path, {raw("s.a"): HOLDS, model("s.b"): "SELECT 1 AS id"})
    door = serve(folder, "--reload", post_wait_ms=10)
    starts(door, "t", "s.a")
    filler = f"-- {'x' * 1_000_000}\n"  # more than a socket holds
    for number in range(3):
        (folder / model("s.b")).write_text(f"{filler}SELECT {number} AS id, 1 AS x{number}")
        wait_until(lambda number=number: f"x{number}" in door.get("/api/dag/asset/s.b/sql").text)
    assert door.post("/api/dag/cancel/t").status_code == 200
    assert message_of(door, "t", "s.a") == "cancelled"


def test_nothing_is_left(tmp_path: Path, serve: Serve) -> None:
    """Once the server is gone, by whatever means, so are the process of runs and what it has started."""
    starts_child = "import subprocess\ndef execute(context):\n    subprocess.run(['sleep', '600'])\n"
    door = serve(write_project(tmp_path, {raw("s.a"): starts_child}), post_wait_ms=10)
    starts(door, "t", "s.a")
    process = psutil.Process(door.process.pid)
    wait_until(lambda: len(process.children(recursive=True)) == 3)
    left = process.children(recursive=True)
    os.kill(door.process.pid, signal.SIGKILL)
    assert psutil.wait_procs(left, timeout=20)[1] == []


def test_crash(tmp_path: Path, serve: Serve) -> None:
    """A crash in C code fails its asset, which the message names, skips what depends on it, and the next task runs."""
    files = {raw("s.a"): CRASHES, raw("s.b"): PASSES, model("s.c"): "SELECT 1 AS id"}
    server = serve(write_project(tmp_path, {"config.yaml": IN_MEMORY, "profile.yaml": ONE_AFTER_ANOTHER, **files}))
    server.post("/api/dag/asset/s.c/execute", {"taskId": "before"})
    nodes = {node["assetName"]: node["message"] for node in server.run("t", select="s.a s.b").json()["nodes"]}
    reason = "interrupted: the process of runs ended (signal SIGSEGV) while s.a ran"
    reason += '; the tables of the in-memory connection "duck" are gone'
    assert (nodes["s.a"], nodes["s.b"]) == (reason, f"skipped: {reason}")
    assert server.post("/api/dag/asset/s.c/execute", {"taskId": "after"}).json()["status"] == "SUCCESS"


ENDS_AT_ONCE = """\
import os

def execute(context):
    while not os.path.exists("started.csv"):
        pass
    os._exit(3)
"""


def test_an_end_just_after_a_start(tmp_path: Path, serve: Serve) -> None:
    """An asset that starts in the moment in which the process ends counts as one that ran, not as skipped."""
    sql = (
        block("materialization: custom")
        + "COPY (SELECT 1) TO 'started.csv'; SELECT sum(range) FROM range(1_000_000_000_000)"
    )
    server = serve(write_project(tmp_path, {raw("s.a"): ENDS_AT_ONCE, model("s.b"): sql}))
    nodes = {node["assetName"]: node["message"] for node in server.run("t").json()["nodes"]}
    reason = "interrupted: the process of runs ended (exit code 3) while s.a and s.b ran"
    assert nodes == {"s.a": reason, "s.b": reason}


BREAKS = """\
from dagscope.dag.events import wire

def execute(context):
    wire.encode = {broken}
    context.log.info("not sent")
    import time
    time.sleep(600)
"""


@pytest.mark.parametrize(
    ("broken", "how"),
    [
        ("None", "an internal fault, which its output shows"),
        ("lambda _: bytes(10**18)", "out of memory: it reached the limit that DAGSCOPE_MEMORY_BYTES sets"),
    ],
)
def test_a_fault_of_its_own(tmp_path: Path, serve: Serve, broken: str, how: str) -> None:
    """If it can no longer send what happens, the process ends and the node says why, instead of waiting for ever."""
    server = serve(write_project(tmp_path, {raw("s.a"): BREAKS.format(broken=broken)}))
    failed = server.post("/api/dag/asset/s.a/execute", {"taskId": "t"}).json()
    assert failed["error"] == f"interrupted: the process of runs ended ({how}) while s.a ran"


def test_bytes_that_are_printed(tmp_path: Path, serve: Serve) -> None:
    """Bytes that a raw asset writes to its standard output are log entries, also if a character comes in two parts."""
    server = serve(write_project(tmp_path, {raw("s.a"): PRINTS_BYTES}))
    server.post("/api/dag/asset/s.a/execute", {"taskId": "t"})
    entries = server.get("/api/logs/t").json()["logs"]
    assert [entry["message"] for entry in entries if entry.get("stream") == "stdout"] == ["one", "two é", "three"]


def test_memory_limit(tmp_path: Path, serve: Serve) -> None:
    """An asset that needs more than DAGSCOPE_MEMORY_BYTES fails and says so, and leaves the next task enough."""
    files = {raw("s.a"): ALLOCATES, model("s.b"): SORTS}
    server = serve(write_project(tmp_path, files), memory_bytes=2_000_000_000, post_wait_ms=60_000)
    allowed = "DAGSCOPE_MEMORY_BYTES allows 2,000,000,000 bytes"
    failed = server.post("/api/dag/asset/s.a/execute", {"taskId": "t"}).json()
    assert failed["error"] == f"ArrowMemoryError: malloc of size 100000000 failed; {allowed} (a.py:4)"
    failed = server.post("/api/dag/asset/s.b/execute", {"taskId": "t"}).json()
    assert failed["error"].endswith(f'extraParams of connection "duck" sets how much there is; {allowed}')
    entries = [entry["message"] for entry in server.get("/api/logs/t").json()["logs"]]
    assert entries[-1] == "The process of runs was restarted, because its memory is used up (DAGSCOPE_MEMORY_BYTES)"


def test_cancelled_while_python_is_locked(tmp_path: Path, serve: Serve) -> None:
    """A cancel ends C code that holds Python's lock, and the log says that in-memory tables are gone."""
    files = {"config.yaml": IN_MEMORY, raw("s.a"): HOLDS, model("s.b"): "SELECT 1 AS id"}
    server = serve(write_project(tmp_path, files), post_wait_ms=0)
    server.post("/api/dag/connect")  # does not wait either
    wait_until(lambda: server.get("/api/dag/connection-status").json()["isConnected"])
    server.post("/api/dag/asset/s.a/execute", {"taskId": "t"})
    wait_until(lambda: "IN_PROGRESS" in [node["state"] for node in server.get("/api/dag/status/t").json()["nodes"]])
    server.post("/api/dag/cancel/t")
    wait_until(lambda: server.get("/api/dag/status/t").json()["status"] == "FAILED")
    entries = [entry["message"] for entry in server.get("/api/logs/t").json()["logs"]]
    gone = 'the tables of the in-memory connection "duck" are gone'
    restarted = f"The process of runs was restarted, because it did not answer; {gone}"
    assert entries[-2:] == [restarted, "DAG execution cancelled"]
