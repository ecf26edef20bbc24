"""Pages that are not the server's own, in a real browser (docs/security.md, Pages)."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request

from tests.doors import Serve, ServerDoor
from tests.page.chromium import FOREIGN_NAME
from tests.page.conftest import Chromium
from tests.page.visitor import WAIT_MS
from tests.projects import copy_example

ATTEMPTS = Path(__file__).with_name("attempts.js").read_text(encoding="utf-8")
BEACONS = """({ server, endpoints, body }) => {
  const json = JSON.stringify(body);
  const contents = [json, new Blob([json], { type: "application/json" }), new URLSearchParams(body)];
  const urls = endpoints.filter(({ method }) => method === "POST").map(({ path }) => server + path);
  return urls.flatMap((url) => contents.filter((content) => navigator.sendBeacon(url, content))).length;
}"""
SOCKETS = """async (urls) => {
  const opened = [];
  for (const url of urls)
    await new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.onopen = socket.onmessage = () => opened.push(url);
      socket.onclose = resolve;
    });
  return opened;
}"""
AT_ONCE = 10  # after more failures in one page, Chromium delays each further WebSocket for seconds
TOKEN = "agent:a1b2c3d4e5"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
BODY = {"taskId": "foreign", "confirm": "staging.hello", "query": "{ version }", "token": "guessed"}
"""A body that every endpoint takes: each ignores the keys of the others."""
NAMED = {"asset": "dds.world", "column": "count"}
EVER_NEW = ("/api/events", "/api/bundle")  # a stream does not end, and a bundle says when it was made
VALUES = {"task_id": "monday", "name": "staging.hello", "test_name": "staging.test_hello_exists", "organization": "o"}
_TIME = re.compile(r'"timeMs":\d+')
MORE_PATHS = ("/", "/tests", "/openapi.json", "/api")


class _ForeignHandler(BaseHTTPRequestHandler):
    """An empty page, and redirects that keep the method and the body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = parse_qs(urlsplit(self.path).query).get("to")
        self.send_response(307 if target else 200)
        if target:
            self.send_header("Location", target[0])
        self.send_header("Content-Type", "text/html")
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.send_header("Access-Control-Allow-Headers", "Content-Type")
        self.send_header("Access-Control-Allow-Methods", "GET, POST, DELETE")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Endpoint:
    method: str
    path: str


@dataclass(frozen=True)
class Found:
    """What came of the attempts of one page."""

    read: list[dict[str, Any]]
    shown: list[str]
    """Addresses that a frame shows, or that were downloaded."""


@pytest.fixture(scope="module")
def foreign_port() -> Iterator[int]:
    """The port of somebody else's server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _ForeignHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def without_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    yield from _served(tmp_path_factory)


@pytest.fixture(scope="module")
def with_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    yield from _served(tmp_path_factory, api_token=TOKEN)


@pytest.fixture(params=["without_token", "with_token"])
def served(request: pytest.FixtureRequest) -> ServerDoor:
    """The hello project after a task `monday`: without a token, or with one and a session in the browser."""
    door: ServerDoor = request.getfixturevalue(request.param)
    return door


@pytest.mark.parametrize("name", [FOREIGN_NAME, "127.0.0.1"])
def test_foreign_page(served: ServerDoor, chromium: Chromium, foreign_port: int, name: str) -> None:
    """A page of another site or port changes nothing, reads nothing and shows nothing, whatever it tries."""
    before = _state(served)
    with _tab(chromium, served) as page:
        page.goto(f"http://{name}:{foreign_port}/")
        found = _attempt(page, served.address, _endpoints(served), foreign_port)
    assert _changes(served, before) == []
    assert (found.read, found.shown) == ([], [])


def test_web_sockets(served: ServerDoor, chromium: Chromium, foreign_port: int) -> None:
    """No path of the server opens a WebSocket to a foreign page, and trying one changes nothing."""
    before = _state(served)
    urls = [served.address.replace("http", "ws") + one.path for one in _endpoints(served)]
    opened = []
    for first in range(0, len(urls), AT_ONCE):
        with _tab(chromium, served) as page:
            page.goto(f"http://{FOREIGN_NAME}:{foreign_port}/")
            opened += page.evaluate(SOCKETS, urls[first : first + AT_ONCE])
    assert _changes(served, before) == []
    assert opened == []


def test_rebound_name(served: ServerDoor, chromium: Chromium, foreign_port: int) -> None:
    """A page whose name was pointed at the server cannot be opened; one that was open reads only refusals."""
    before = _state(served)
    port = urlsplit(served.address).port
    rebound = f"http://{FOREIGN_NAME}:{port}"
    with _tab(chromium, served, bypass_csp=True) as page:  # as one that was open before its name was pointed here
        opened = page.goto(f"{rebound}/")
        assert opened is not None
        refusal = opened.text()
        found = _attempt(page, rebound, _endpoints(served), foreign_port)
    assert _changes(served, before) == []
    assert found.shown == []
    health = '{"status":"ok"}'
    too_long = '{"error":"Bad request","details":"not a valid HTTP request, or its head is too large"}'
    assert opened.status == 403
    assert f'the name \\"{FOREIGN_NAME}:{port}\\"' in refusal
    read = {one["text"] for one in found.read}
    assert {refusal, health} <= read <= {refusal, health, too_long}  # whose connection may be closed before it is read


def test_allowed_page(serve: Serve, hello: Path, chromium: Chromium, foreign_port: int) -> None:
    """The attempts are real: the same page changes the state and reads every answer if its origin is allowed."""
    origin = f"http://{FOREIGN_NAME}:{foreign_port}"
    door = serve(hello, "--allow-origin", origin)
    door.run("monday")
    before, endpoints = _state(door), _endpoints(door)
    with _tab(chromium, door) as page:
        page.goto(origin)
        found = _attempt(page, door.address, endpoints, foreign_port)
    assert {"/api/dag/tasks", "/api/dag", "/api/logs"} <= set(_changes(door, before))
    assert {(one["method"], one["path"]) for one in found.read} == {(one.method, one.path) for one in endpoints}


def _served(folders: pytest.TempPathFactory, **settings: Any) -> Iterator[ServerDoor]:
    door = ServerDoor(copy_example("hello", folders.mktemp("served")), **settings)
    assert door.post("/api/dag/run", {"taskId": "monday"}, headers=AUTHORIZED).status_code == 200
    yield door
    door.stop()


def _endpoints(door: ServerDoor) -> list[Endpoint]:
    """All that /openapi.json lists, and what else can be opened."""
    document = door.get("/openapi.json", headers=AUTHORIZED).json()
    listed = [
        Endpoint(method.upper(), _filled(path, operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return [*listed, *(Endpoint("GET", path) for path in MORE_PATHS)]


def _filled(path: str, operation: dict[str, Any]) -> str:
    values = VALUES | ({"name": VALUES["test_name"]} if path.startswith("/api/tests/") else {})
    required = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one.get("required")]
    query = "&".join(f"{one['name']}={NAMED.get(one['name']) or one['schema']['enum'][0]}" for one in required)
    return path.format(**values) + (f"?{query}" if query else "")


def _state(door: ServerDoor) -> dict[str, str]:
    """What every endpoint that reads answers, and the rows that are selected from the relation `staging.hello`."""
    paths = [one.path for one in _endpoints(door) if one.method == "GET" and one.path not in EVER_NEW]
    answers = {path: door.get(path, headers=AUTHORIZED).text for path in paths}
    answers["/api/project"] = _TIME.sub("", answers["/api/project"])
    return answers | {"rows": door.post("/api/dag/asset/dds.world/preview", headers=AUTHORIZED).text}


def _changes(door: ServerDoor, before: dict[str, str]) -> list[str]:
    after = _state(door)
    return [path for path, answer in before.items() if after[path] != answer]


@contextmanager
def _tab(chromium: Chromium, door: ServerDoor, **options: Any) -> Iterator[Page]:
    """A tab of a fresh profile, in which a session is open if the server has a token; it still is in the end."""
    with chromium.at_hand() as browser, browser.new_context(**options) as context:
        context.set_default_timeout(WAIT_MS)
        context.request.post(f"{door.address}/api/session", data={"token": TOKEN})
        assert _has_session(context, door)
        yield context.new_page()
        assert _has_session(context, door)


def _has_session(context: BrowserContext, door: ServerDoor) -> bool:
    return context.request.get(f"{door.address}/api/dag/tasks").status == 200


def _attempt(page: Page, server: str, endpoints: list[Endpoint], foreign_port: int) -> Found:
    shown: list[str] = []
    page.on("download", lambda download: shown.append(download.url))
    about = {
        "server": server,
        "endpoints": [asdict(one) for one in endpoints],
        "body": BODY,
        "redirector": f"http://{FOREIGN_NAME}:{foreign_port}",
        "limitMs": WAIT_MS,
    }
    read = page.evaluate(ATTEMPTS, about)
    answered: set[Request] = set()

    def note(request: Request) -> None:
        answered.add(request)

    page.on("response", lambda response: note(response.request))
    page.on("requestfailed", note)
    sent = page.evaluate(BEACONS, about)
    assert sent >= sum(one.method == "POST" for one in endpoints)
    until = time.monotonic() + WAIT_MS / 1_000
    while sum(request.resource_type == "ping" for request in answered) < sent:  # the page does not see them arrive
        assert time.monotonic() < until, f"of {sent} beacons, not all were answered"
        page.wait_for_timeout(20)
    shown += [frame.url for frame in page.frames[1:] if not frame.url.startswith("chrome-error:")]
    return Found(read, shown)
