"""`GET /healthz`, on a real server."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tests.doors import Serve


def test_health_of_a_server_that_works(hello: Path, serve: Serve) -> None:
    """A server that records is healthy, and says so without a token."""
    answer = serve(hello, api_token="secret").get("/healthz")
    assert (answer.status_code, answer.text) == (200, '{"status":"ok"}')


def test_health_of_a_server_that_cannot_write(hello: Path, serve: Serve) -> None:
    """Once the state could not be written, the server is unhealthy until it is started again."""
    door = serve(hello)
    with closing(sqlite3.connect(hello / ".dagscope" / "state.sqlite")) as state:
        state.execute("ALTER TABLE status_event RENAME TO elsewhere")
    refused = door.run("t").json()
    assert refused["error"] == "Internal server error"
    assert refused["details"] == "the state cannot be written: no such table: status_event"
    answer = door.get("/healthz")
    assert (answer.status_code, answer.text) == (503, '{"status":"failed"}')
    assert door.get("/api/dag").status_code == 200
    with closing(sqlite3.connect(hello / ".dagscope" / "state.sqlite")) as state:
        state.execute("ALTER TABLE elsewhere RENAME TO status_event")
    door.stop()
    door.start()
    assert door.get("/healthz").status_code == 200


def test_health_of_a_server_whose_state_was_moved(hello: Path, serve: Serve) -> None:
    """A read that meets another file than the one that is written is enough to find out."""
    door = serve(hello)
    (hello / ".dagscope" / "state.sqlite").rename(hello / "elsewhere")
    with ThreadPoolExecutor(8) as clients:  # as many need connections that are not open yet
        while not {500} & set(clients.map(lambda _: door.get("/api/dag/tasks").status_code, range(16))):
            pass
    assert door.get("/healthz").status_code == 503
