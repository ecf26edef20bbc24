"""Streams that catch up at the same time (docs/architecture.md, Following an event)."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.doors import Serve
from tests.faults.projects import noisy, raw_project
from tests.faults.state import State


def test_many_streams_from_the_beginning(tmp_path: Path, serve: Serve) -> None:
    """Streams that catch up at once have all entries, and none that was deleted before they began."""
    door = serve(raw_project(tmp_path, talker=noisy(6_000, burst=1_000, pause_s=0.01)))
    assert door.run("t").json()["status"] == "SUCCESS"
    with ThreadPoolExecutor(20) as clients:
        for _ in range(2):
            written = [entry.id for entry in State(tmp_path).entries()]
            for found in clients.map(lambda _: door.stream("?taskId=t&lastEventId=0"), range(20)):
                assert [message["id"] for message in found[:-1]] == written
            door.delete("/api/logs/t")
