"""The end of the process of runs, as users read of it."""

from pathlib import Path

import pytest

from tests.doors import Serve
from tests.projects import model, raw, write_project

pytestmark = pytest.mark.server

IN_MEMORY = "version: 1.0.0\nmodule: m\nconnections:\n  - name: duck\n    type: duckdb\n"
PROFILE = """\
name: p
connection: duck
models:
  stages:
    - name: s
      models:
        - name: a
          materialization: raw
        - name: b
          materialization: raw
          raw_upstreams: [s.a]
"""
CRASHES = "import ctypes\n\ndef execute(context):\n    ctypes.string_at(0)\n"
ALLOCATES = """\
import pyarrow as pa

def execute(context):
    kept = [pa.allocate_buffer(100_000_000) for _ in range(100)]
"""
SORTS = "SELECT repeat(md5(range::VARCHAR), 20) AS text FROM range(60_000_000) ORDER BY text"
PASSES = "def execute(context):\n    pass\n"


def test_crash(tmp_path: Path, serve: Serve) -> None:
    """A crash in C code fails its asset, which the message names, skips what depends on it, and the next task runs."""
    files = {raw("s.a"): CRASHES, raw("s.b"): PASSES, model("s.c"): "SELECT 1 AS id"}
    server = serve(write_project(tmp_path, {"config.yaml": IN_MEMORY, "profile.yaml": PROFILE, **files}))
    server.post("/api/dag/asset/s.c/execute", {"taskId": "before"})
    nodes = {node["assetName"]: node["message"] for node in server.run("t", select="s.a s.b").json()["nodes"]}
    reason = "interrupted: the process of runs ended (signal SIGSEGV) while s.a ran"
    reason += '; the tables of the in-memory connection "duck" are gone'
    assert (nodes["s.a"], nodes["s.b"]) == (reason, f"skipped: {reason}")
    assert server.post("/api/dag/asset/s.c/execute", {"taskId": "after"}).json()["status"] == "SUCCESS"


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
