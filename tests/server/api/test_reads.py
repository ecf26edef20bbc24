"""Reads of databases end: with their client, at their time limit, and when the server is stopped."""

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.doors import AppDoor, ServerDoor, wait_until
from tests.projects import SLOW_SQL, block, model, on_engine, write_project

FILES = {
    model("s.slow"): block("materialization: view") + SLOW_SQL,
    model("s.long"): block("materialization: view") + "SELECT repeat('x', 1000) AS text FROM range(100000000)",
    model("s.quick"): "SELECT 1 AS id",
    model("s.framed"): block("is_data_framed: true") + "SELECT 1 AS id",
    model("s.grows"): block("materialization: incremental") + "SELECT 1 AS id",
}
LIMIT = "the database was not read within 1 s, the limit that DAGSCOPE_READ_LIMIT_S sets"


def opened_connection(door: ServerDoor, method: str, path: str) -> socket.socket:
    """A connection that has sent a request without a body."""
    address = urlsplit(door.address)
    connection = socket.create_connection((address.hostname, address.port), timeout=20)
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 0\r\n\r\n".encode())
    return connection


def cpu_s(door: ServerDoor) -> float:
    """What the server has used of processors."""
    fields = Path(f"/proc/{door.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_time_limit(tmp_path: Path, opened: Callable[..., AppDoor]) -> None:
    """Data and previews that are not read in time are an error that names the setting."""
    door = opened(write_project(tmp_path, FILES), read_limit_s=1)
    door.run("t")
    for answer in (door.get("/api/dag/asset/s.slow/data?limit=1"), door.post("/api/dag/asset/s.slow/preview")):
        assert (answer.status_code, answer.json()["hasData"], answer.json()["error"]) == (504, False, LIMIT)


def test_limit_amid_an_answer(tmp_path: Path, serve: Callable[..., ServerDoor]) -> None:
    """An answer that has begun is broken off at the limit, and never ends well."""
    door = serve(write_project(tmp_path, FILES), read_limit_s=1)
    door.run("t")
    with door.http.stream("GET", "/api/dag/asset/s.long/data") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError):
            deque(answer.iter_bytes(), maxlen=0)
    assert door.get("/api/dag/asset/s.quick/data").json()["data"] == [{"id": 1}]


@pytest.mark.parametrize(("method", "what"), [("GET", "data"), ("POST", "preview")])
def test_client_that_leaves(method: str, what: str, tmp_path: Path, serve: Callable[..., ServerDoor]) -> None:
    """A read ends when its client goes away, one that waits for its turn too: the server is idle afterwards."""
    door = serve(write_project(tmp_path, FILES))
    door.run("t")
    clients = [opened_connection(door, method, f"/api/dag/asset/s.slow/{what}") for _ in range(20)]
    time.sleep(0.5)
    for client in clients:
        client.close()

    def is_idle() -> bool:
        before = cpu_s(door)
        time.sleep(0.3)
        return cpu_s(door) - before < 0.1

    wait_until(is_idle)
    assert door.get("/api/dag/asset/s.quick/data").status_code == 200


def test_reads_have_places_of_their_own(tmp_path: Path, serve: Callable[..., ServerDoor]) -> None:
    """While data is read that takes all places, everything else answers; one read more is refused after a while."""
    door = serve(write_project(tmp_path, FILES), read_limit_s=3, post_wait_ms=20_000)
    door.run("t")
    clients = [opened_connection(door, "GET", "/api/dag/asset/s.slow/data?limit=1") for _ in range(8)]
    time.sleep(0.5)
    for path in ("/api/dag", "/api/tests", "/api/docs/readme", "/api/dag/asset/s.framed/data", "/api/dag/tasks"):
        began_s = time.monotonic()
        assert door.get(path).status_code in {200, 404}
        assert time.monotonic() - began_s < 2
    assert door.post("/api/dag/asset/s.quick/preview").status_code == 200
    for client in clients:
        client.close()


def test_all_places_taken(tmp_path: Path, serve: Callable[..., ServerDoor]) -> None:
    """Who finds no place among the reads in time is refused with 503."""
    door = serve(write_project(tmp_path, FILES), read_limit_s=1)
    door.run("t")

    async def answers() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(base_url=door.address, timeout=30) as client:
            return await asyncio.gather(*(client.get("/api/dag/asset/s.slow/data") for _ in range(30)))

    answered = {(answer.status_code, answer.json()["error"]) for answer in asyncio.run(answers())}
    assert answered == {
        (504, LIMIT),
        (503, "8 reads of databases are under way, which is the limit; try again later"),
    }


def test_stopping(tmp_path: Path, serve: Callable[..., ServerDoor]) -> None:
    """SIGTERM ends a server at once that reads as much as it can."""
    door = serve(write_project(tmp_path, FILES))
    door.run("t")
    clients = [opened_connection(door, "GET", "/api/dag/asset/s.slow/data") for _ in range(20)]
    clients += [opened_connection(door, "POST", "/api/dag/asset/s.slow/preview")]
    time.sleep(0.5)
    began_s = time.monotonic()
    door.stop()
    assert (door.process.returncode, time.monotonic() - began_s < 6) == (0, True)
    for client in clients:
        with closing(client):
            assert b"the server is shutting down" in client.recv(65_536)


def test_arrays_of_two_dimensions(tmp_path: Path, postgres: dict[str, str], opened: Callable[..., AppDoor]) -> None:
    """What cannot be shown is refused before the answer begins, however late the row is that holds it."""
    grid = "CASE n WHEN 400000 THEN '{{1,2},{3,4}}'::int[] ELSE '{1}' END AS grid"
    sql = f"SELECT n, {grid} FROM generate_series(1, 400000) n"
    files = {**on_engine("postgres", postgres), model("s.a"): "{% raw %}" + sql + "{% endraw %}"}
    door = opened(write_project(tmp_path, files))
    assert door.run("t").status_code == 200
    answer = door.get("/api/dag/asset/s.a/data")
    assert (answer.status_code, answer.json()["error"]) == (
        500,
        (
            'column "grid" of type integer[] cannot be kept in Arrow: it holds an array of 2 dimensions; '
            "cast it, for example to_jsonb(grid)"
        ),
    )
    assert door.get("/api/dag/asset/s.a/data?limit=1").json()["data"] == [{"n": 1, "grid": [1]}]


@pytest.mark.parametrize("what", ["execute", "select", "test"])
def test_posts_for_a_task_that_is_past_the_asset(what: str, tmp_path: Path, opened: Callable[..., AppDoor]) -> None:
    """A POST that has to wait for its task's end answers 202 in time, and is executed after it, once."""
    files = {
        model("a.quick"): "SELECT 1 AS id",
        model("b.slow"): 'SELECT 1 AS id FROM {{ Ref("a.quick") }}, (' + SLOW_SQL + ") AS slow",
        "assets/tests/a/fine.sql": "SELECT * FROM a.quick WHERE id <> 1",
    }
    door = opened(write_project(tmp_path, files), post_wait_ms=300)
    door.run("t")
    wait_until(lambda: door.get("/api/dag/status/t").json()["nodes"][0]["state"] == "SUCCESS")
    path = "/api/tests/execute/a.fine" if what == "test" else f"/api/dag/asset/a.quick/{what}"
    for _ in range(2):
        answer = door.post(path, {"taskId": "t"})
        assert (answer.status_code, answer.json()["status"]) == (202, "INITIAL")
    door.post("/api/dag/cancel/t")
    wait_until(lambda: door.get("/api/dag/status/t?attempt=2").status_code == 200)
    wait_until(lambda: door.get("/api/dag/status/t").json()["status"] != "IN_PROGRESS")
    assert door.get("/api/dag/status/t?attempt=3").status_code == 404
