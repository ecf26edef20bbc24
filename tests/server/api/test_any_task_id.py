"""Any text is a safe task id, or is refused; no name that a client sends becomes a path (contract, Words)."""

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.doors import ServerDoor
from tests.projects import block, model, write_project

pytestmark = pytest.mark.server

SECRET = "not for clients"
NAMES = (
    *("a b", " ", "a?b#c&d=e", "a%2Fb", "%", "+", "a'b", 'a"b', "a;b", "a\u2028b", "a\u202eb", "\ufeff", "\uffff", "-"),
    *("e\u0301", "\xe9", "CON", "nul.txt", "~", "$HOME", "a:b", "a|b", "*", "...", ".hidden", "a\u2044b", "\uff0f"),
    *(
        "../secret",
        "..\\secret",
        "/etc/passwd",
        "a/b",
        "a\nb",
        "a\r\nSet-Cookie: x=1",
        "a\0b",
        "\x7f",
        "\x85",
        "\x1b[m",
    ),
    *("", ".", "..", "default", "\ud800", "a\udfff", "results", "download", "__proto__", "constructor"),
)
TEXTS = (
    st.sampled_from(NAMES)
    | st.text(st.characters(), max_size=40)
    | st.builds(lambda character, count: character * count, st.characters(), st.sampled_from([4_095, 4_096, 4_097]))
)
OWN_FILE = re.compile(
    r"\.dagscope|frames|server\.lock|state\.sqlite(-wal|-shm)?|[0-9a-f]{40}\.(arrow|json)"
    r"|config\.yaml|profile\.yaml|assets|models|s|a\.sql|store|small\.duckdb(\.wal)?"
)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    """A project with one asset whose rows are kept, and a secret beside it."""
    around = tmp_path_factory.mktemp("around")
    (around / "secret").write_text(SECRET, encoding="utf-8")
    files = {model("s.a"): block("is_data_framed: true") + "SELECT 1 AS id"}
    server = ServerDoor(write_project(around / "project", files))
    yield server
    server.stop()


def encoded(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass").replace(".", "%2E")  # clients take "." and ".." out of paths


def is_safe(text: str) -> bool:
    """Whether it is neither a path nor something that a header or a console would misread."""
    is_plain = not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)
    return 1 <= len(text) <= 4_096 and text not in (".", "..", "default") and is_plain and not {"/", "\\"} & set(text)


def run(door: ServerDoor, task_id: str) -> httpx2.Response:
    content = json.dumps({"taskId": task_id}).encode()
    return door.request("POST", "/api/dag/run", content=content, headers={"Content-Type": "application/json"})


def strange_files(folder: Path) -> list[Path]:
    """Files around the project that neither it nor dagscope has."""
    return [path for path in folder.rglob("*") if not OWN_FILE.fullmatch(path.name)]


@settings(max_examples=60)
@given(text=TEXTS)
def test_any_text(door: ServerDoor, text: str) -> None:
    """A run under any name is refused with 400, or can be found under exactly that name by every endpoint."""
    answer = run(door, text)
    assert answer.status_code == (200 if is_safe(text) else 400), answer.text
    if is_safe(text):
        found_by_every_endpoint(door, text)
    elif text != "default":
        refused_by_every_endpoint(door, text)
    assert strange_files(door.folder) == []


for _name in NAMES:
    test_any_text = example(text=_name)(test_any_text)


def found_by_every_endpoint(door: ServerDoor, task_id: str) -> None:
    name = encoded(task_id)
    status = door.get(f"/api/dag/status/{name}").json()
    assert (status["taskId"], status["status"]) == (task_id, "SUCCESS")
    assert {entry["taskId"] for entry in door.get(f"/api/logs/{name}").json()["logs"]} == {task_id}
    assert door.get(f"/api/tests/results/{name}").json()["taskId"] == task_id
    rows = door.get(f"/api/dag/asset/s.a/data?taskId={name}").json()
    assert (rows["data"], rows["totalRecords"]) == ([{"id": 1}], 1)
    messages = door.stream(f"?taskId={name}")
    assert [message["event"] for message in messages] == ["snapshot", "done"]
    assert messages[0]["data"]["taskId"] == task_id
    log = door.get(f"/api/logs/{name}/download")
    plain, extended = saved_as(log)
    assert (unquote(extended), len(log.text.splitlines()) > 1) == (f"{task_id}-log.jsonl", True)
    assert re.fullmatch(r"[\w-][\w.-]*\.jsonl", plain, re.ASCII)


def saved_as(answer: httpx2.Response) -> tuple[str, str]:
    """The two names under which an answer is saved: for clients that know ASCII alone, and for all others."""
    header = answer.headers["Content-Disposition"]
    found = re.fullmatch(r"""attachment; filename="([^"]*)"(?:; filename\*=UTF-8''([\w.%~-]*))?""", header, re.ASCII)
    assert found, header
    return found[1], found[2] or found[1]


def refused_by_every_endpoint(door: ServerDoor, task_id: str) -> None:
    name = encoded(task_id)
    paths = [f"/api/dag/status/{name}", f"/api/logs/{name}", f"/api/tests/results/{name}", f"/api/logs/{name}/download"]
    if "\ufffd" not in unquote(name):  # invalid UTF-8 reaches the server as other characters, which are safe
        for path in paths:
            assert door.get(path).status_code in (400, 404), path
        for query in (f"/api/events?taskId={name}", f"/api/dag/asset/s.a/data?taskId={name}"):
            assert door.get(query).status_code == 400, query


@pytest.mark.parametrize("name", ["../../secret", "..%2F..%2Fsecret", "%2e%2e/%2e%2e/secret", "..%5Csecret", "s.a%00"])
def test_no_name_is_a_path(door: ServerDoor, name: str) -> None:
    """The name of an asset, a test, a task or a file of the page leads to nothing outside of what it names."""
    for path in (
        *(f"/api/dag/asset/{name}/{kind}" for kind in ("data", "data/download?as=csv", "sql", "statements")),
        *(f"/api/tests/{name}/sql", f"/api/tests/data/{name}", f"/api/dag/status/{name}", f"/api/logs/{name}"),
        *(f"/static/{name}", f"/assets/{name}", f"/tasks/{name}", f"/{name}"),
    ):
        answer = door.get(path)
        assert SECRET not in answer.text, path
        assert answer.status_code in (200, 400, 404), path
    assert strange_files(door.folder) == []
