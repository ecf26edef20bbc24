"""What the code of raw assets writes, in the process of runs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagscope.dag.events.captured_entries import raw_asset_writes_to
from dagscope.dag.events.events import Event, Logged
from dagscope.dag.events.task_log import TaskLog
from dagscope.dag.process.output import LoggedOutput
from dagscope.dag.redaction.redaction import Redaction
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


@pytest.fixture
def events() -> Iterator[list[Event]]:
    """The events of a raw asset that runs."""
    found: list[Event] = []
    with raw_asset_writes_to(TaskLog(found.append, Redaction(["hunter2"]), "t", 1).for_asset("s.a", "duck")):
        yield found


@pytest.fixture
def output() -> Iterator[LoggedOutput]:
    null = os.open(os.devnull, os.O_WRONLY)
    yield LoggedOutput("stdout", null)
    os.close(null)


def messages(events: list[Event]) -> list[str]:
    return [event.entry.message for event in events if isinstance(event, Logged)]


def test_lines(events: list[Event], output: LoggedOutput) -> None:
    """Each line is an entry of the asset, however it was written; empty lines are none, and secrets are hidden."""
    for text in ("one\ntwo, ", "", "still two\n\n", "   \n", "hunter2\r\n", "rest"):
        assert output.write(text) == len(text)
    assert messages(events) == ["one", "two, still two", "***"]
    output.end_line()
    output.end_line()
    assert messages(events)[3:] == ["rest"]
    (first, *_) = events
    assert isinstance(first, Logged)
    assert (first.entry.asset, first.entry.fields) == ("s.a", {"stream": "stdout"})


def test_a_line_without_an_end(events: list[Event], output: LoggedOutput) -> None:
    """A line of a million characters is an entry although it does not end, and is not copied for each of them."""
    for _ in range(100_001):
        output.write("x" * 10)
    assert len(messages(events)) == 1
    assert output.pending == ""


def test_what_is_no_text(output: LoggedOutput) -> None:
    """Bytes are refused as by any text stream."""
    with pytest.raises(TypeError, match=r"^write\(\) argument must be str, not bytes$"):
        output.write(b"x")  # type: ignore[arg-type]  # on purpose
