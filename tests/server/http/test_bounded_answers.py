"""Limits of one answer: its rows, its bytes and the time to send it."""

from collections import deque
from pathlib import Path

import httpx2
import pytest

from tests.doors import OpenDoor, Serve, ServerDoor, wait_until
from tests.projects import block, model, raw, write_project

FILES = {
    model("s.kept"): block("is_data_framed: true") + "SELECT range + 0 AS id FROM range(100)",
    model("s.there"): "SELECT range AS id FROM range(100)",
    model("s.long"): block("materialization: view") + "SELECT repeat('x', 1000) AS text FROM range(100000000)",
    raw("s.value"): "def execute(context):\n    return 'x' * 2000\n",
}


@pytest.mark.parametrize("name", ["s.kept", "s.there"])
def test_rows_of_an_answer(tmp_path: Path, opened: OpenDoor, name: str) -> None:
    """A request for more rows than an answer may have is refused with the limit; a page or a filter is answered."""
    door = opened(write_project(tmp_path, FILES), answer_rows=50)
    door.run("t", select=name)
    path = f"/api/dag/asset/{name}/data"
    limit = "Invalid request format: an answer has at most 50 rows, the limit that DAGSCOPE_ANSWER_ROWS sets, and these"
    asked = {"": 100, "?limit=51": 51, "?format=arrays": 100, "/download?as=csv": 100, "?offset=40": 60}
    for query, rows in asked.items():
        answer = door.get(path + query)
        error = f"{limit} are {rows}; ask for fewer with 'limit' or 'filter'"
        assert (answer.status_code, answer.json()) == (400, {"error": error})
    for query in ("?limit=50", "?limit=99&offset=60", "?filter=id:lt:50", "/download?as=csv&filter=id:lt:9"):
        assert door.get(path + query).status_code == 200, query


def test_rows_of_a_preview(tmp_path: Path, opened: OpenDoor) -> None:
    """A preview and an execute have no more rows than an answer may have; one that is asked for more is refused."""
    door = opened(write_project(tmp_path, FILES), answer_rows=50)
    executed = door.post("/api/dag/asset/s.there/execute", {"taskId": "t"}).json()
    assert len(executed["result"]["data"]) == 50
    assert len(door.post("/api/dag/asset/s.there/preview").json()["data"]) == 50
    assert door.post("/api/dag/asset/s.there/preview", {"limit": 51}).status_code == 400


def test_bytes_of_an_answer(tmp_path: Path, opened: OpenDoor) -> None:
    """An answer whose first part is too large is refused with the limit, whatever it is."""
    door = opened(write_project(tmp_path, FILES), answer_bytes=1000)
    door.run("t", select="s.kept s.value")
    details = "the answer has more than 1,000 bytes, the limit that DAGSCOPE_ANSWER_BYTES sets"
    paths = ["s.kept/data", "s.value/data"]
    for path in (*(f"/api/dag/asset/{path}" for path in paths), "/openapi.json"):
        answer = door.get(path)
        assert (answer.status_code, answer.json()) == (400, {"error": "Answer too large", "details": details}), path
    assert door.get("/api/dag/asset/s.kept/data?limit=5").status_code == 200
    assert len(door.stream("?lastEventId=0&taskId=t")) > 10  # a stream has no limit


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"answer_bytes": 30_000_000}, "has more than 30,000,000 bytes, the limit that DAGSCOPE_ANSWER_BYTES sets"),
        ({"answer_limit_s": 0.2}, "was not sent within 0.2 s, the limit that DAGSCOPE_ANSWER_LIMIT_S sets"),
    ],
    ids=["bytes", "time"],
)
def test_limit_amid_an_answer(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, setting: dict[str, float], reason: str
) -> None:
    """An answer that has begun is broken off at a limit, never ends well, and the console names the limit."""
    console = tmp_path / "console"
    with console.open("w", encoding="utf-8") as file:
        monkeypatch.setattr(ServerDoor, "console", file)
        door = serve(write_project(tmp_path / "project", FILES), **setting)
        door.run("t", select="s.long")
        for path in ("data", "data/download?as=csv"):
            with door.http.stream("GET", f"/api/dag/asset/s.long/{path}") as answer:
                assert answer.status_code == 200
                with pytest.raises(httpx2.RemoteProtocolError):
                    deque(answer.iter_bytes(), maxlen=0)
        assert door.get("/api/dag").status_code == 200
        wait_until(lambda: console.read_text(encoding="utf-8").count(f"the answer {reason}") >= 2)
