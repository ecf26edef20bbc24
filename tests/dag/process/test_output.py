"""What the code of raw assets writes, in the process of runs."""

from pathlib import Path

from tests.doors import Serve
from tests.projects import raw, write_project

_WRITES = """\
import logging, os, subprocess, sys, threading
import structlog

def execute(context):
    print("printed")
    print("to standard error", file=sys.stderr)
    print("without an end", end="")
    os.write(1, b"to descriptor 1\\n")
    subprocess.run(["sh", "-c", "echo of a child; echo of its errors >&2"])
    logging.getLogger("lib").warning("of a library: %s", 1)
    structlog.get_logger().info("of structlog", rows=3)
    thread = threading.Thread(target=lambda: print("of a thread"))
    thread.start()
    thread.join()
"""

_IMPORTED = """\
import sys

def execute(context):
    of_the_server = ("starlette", "uvicorn", "sqlalchemy", "sqlmodel", "sqlite3", "aiosqlite", "strawberry", "alembic")
    return [name for name in of_the_server if name in sys.modules]
"""


def test_what_an_asset_writes(tmp_path: Path, serve: Serve) -> None:
    """Whatever a raw asset prints, and what its threads, libraries and children do, is in its log."""
    door = serve(write_project(tmp_path, {raw("s.writes"): _WRITES}))
    assert door.run("t").json()["status"] == "SUCCESS"
    entries = {entry["message"]: entry for entry in door.get("/api/logs/t").json()["logs"] if entry.get("asset")}
    for message, stream in (
        ("printed", "stdout"),
        ("to standard error", "stderr"),
        ("without an end", "stdout"),
        ("to descriptor 1", "stdout"),
        ("of a child", "stdout"),
        ("of its errors", "stderr"),
        ("of a thread", "stdout"),
    ):
        entry = entries[message]
        assert (entry["asset"], entry["level"], entry["stream"]) == ("s.writes", "info", stream)
    assert entries["of a library: 1"]["level"] == "warning"
    assert entries["of structlog"]["rows"] == 3


def test_what_is_imported(tmp_path: Path, serve: Serve) -> None:
    """The process of runs has nothing of the web and nothing of SQLite in it."""
    door = serve(write_project(tmp_path, {raw("s.imported"): _IMPORTED}))
    door.run("t")
    assert door.get("/api/dag/asset/s.imported/data").json()["data"] == []
