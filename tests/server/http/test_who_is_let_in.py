"""Which names, pages and sessions are answered, on every route (docs/security.md)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from tests.doors import ADDRESS, AppDoor
from tests.server.http.test_guard import TOKEN, with_token

FOREIGN_PAGES = [
    {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"},
    {"Origin": "http://localhost:8080"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]
WRONG_HOSTS = [
    "evil.example",
    "evil.example:8080",
    "127.0.0.1",
    "127.0.0.1:9999",
    "localhost.:8080",
    "127.1:8080",
    "[::1",
]
OWN_PAGE = {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}
ANY = {"task_id": "t", "name": "dds.world", "test_name": "dds.test_world_count", "organization": "o", "path": "x.js"}


@pytest.fixture
def door(hello: Path) -> Iterator[AppDoor]:
    opened = AppDoor(hello)
    yield opened
    opened.stop()


@pytest.fixture
def guarded(hello: Path) -> Iterator[AppDoor]:
    opened = AppDoor(hello, api_token=TOKEN)
    yield opened
    opened.stop()


def routes(door: AppDoor) -> list[tuple[str, str]]:
    """Every method and path of the application, with something in the place of each parameter."""
    app = door.client.app
    assert isinstance(app, Starlette)
    found = [
        (method, route.path.format(**ANY)) if ":path}" not in route.path else (method, "/static/x.js")
        for route in app.routes
        if isinstance(route, Route)
        for method in sorted(route.methods or ())
    ]
    assert len(found) > 40
    return found


def is_of_page(method: str, path: str) -> bool:
    return method in ("GET", "HEAD") and path in (
        *("/", "/tests", "/logs", "/history", "/compare", "/tasks/t", "/assets/dds.world", "/static/x.js"),
    )


def test_every_route_refuses_other_names(door: AppDoor) -> None:
    """A request for a name that is not the server's own gets 403 on every route but the health."""
    for method, path in routes(door):
        answer = door.request(method, path, headers={"Host": "evil.example:8080"})
        assert answer.status_code == (200 if path == "/healthz" else 403), (method, path)


def test_every_route_refuses_other_pages(door: AppDoor) -> None:
    """A page of another origin, or of another port, gets 403 on every route but the page's own files and the health."""
    for method, path in routes(door):
        for headers in FOREIGN_PAGES:
            answer = door.request(method, path, headers=headers)
            is_refused = answer.status_code == 403 and "Access-Control-Allow-Origin" not in answer.headers
            assert is_refused == (path != "/healthz" and not is_of_page(method, path)), (method, path, headers)


def test_every_route_needs_the_token(guarded: AppDoor) -> None:
    """Without the token, every route but the page's own files, the health and the session answers 401."""
    for method, path in routes(guarded):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "dagscope-8080=99999999999.x.y"}):
            answer = guarded.request(method, path, headers=headers)
            is_open = path in ("/healthz", "/api/session") or is_of_page(method, path)
            assert (answer.status_code == 401) != is_open, (method, path, headers)


@pytest.mark.parametrize("host", WRONG_HOSTS)
def test_wrong_names(door: AppDoor, host: str) -> None:
    """Only the loopback's names with the server's own port are its names; the error says how to add one."""
    answer = door.get("/api/dag/tasks", headers={"Host": host})
    details = f'this server does not answer to the name "{host}"; `dagscope serve --allow-host` adds a name'
    assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden", "details": details})


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"])
def test_own_names(door: AppDoor, host: str) -> None:
    """The loopback's names are answered."""
    assert door.get("/api/dag/tasks", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("dag.example", 200),
        ("dag.example:443", 200),
        ("DAG.example", 200),
        ("other.example:9000", 200),
        ("other.example", 403),
        ("x.dag.example", 403),
        ("localhost:8080", 200),
    ],
)
def test_allowed_names(hello: Path, host: str, code: int) -> None:
    """An allowed name is answered at any port, or at the port that was given with it."""
    door = AppDoor(hello, allowed_hosts="dag.example, other.example:9000")
    answer = door.get("/api/dag/tasks", headers={"Host": host})
    door.stop()
    assert answer.status_code == code


def test_own_page(door: AppDoor) -> None:
    """The server's own page may do everything, and a person may open an answer by its address, which only reads."""
    assert door.post("/api/dag/run", {"taskId": "t"}, headers=OWN_PAGE).status_code == 200
    assert door.get("/api/dag/tasks", headers={"Sec-Fetch-Site": "none"}).status_code == 200
    assert door.request("DELETE", "/api/logs", headers={"Sec-Fetch-Site": "none"}).status_code == 403


def test_allowed_page(hello: Path) -> None:
    """A page of an allowed origin may ask before it sends, without the token, and read answers, with the token."""
    page = {"Origin": "https://tools.example"}
    door = AppDoor(hello, api_token=TOKEN, allowed_origins="https://tools.example")
    asked = door.request("OPTIONS", "/api/dag/run", headers={**page, "Access-Control-Request-Method": "POST"})
    answer = door.get("/api/dag/tasks", headers={**page, "Sec-Fetch-Site": "cross-site", **with_token()})
    without, other = (
        door.get("/api/dag/tasks", headers=page),
        door.get("/api/dag/tasks", headers={"Origin": "https://tools.example:8443", **with_token()}),
    )
    door.stop()
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "https://tools.example")
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE"
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://tools.example")
    assert (without.status_code, other.status_code) == (401, 403)
    details = "pages of https://tools.example:8443 may not send requests here; "
    assert other.json()["details"] == details + "`dagscope serve --allow-origin` allows an origin"


def test_session(guarded: AppDoor) -> None:
    """The token opens a session, whose cookie scripts cannot read and other sites cannot send; it can be ended."""
    opened = guarded.post("/api/session", {"token": TOKEN}, headers=OWN_PAGE)
    cookie = opened.headers["Set-Cookie"]
    assert opened.status_code == 204
    assert cookie.startswith("dagscope-8080=")
    assert "; HttpOnly; SameSite=Strict" in cookie
    session = {"Cookie": cookie.split(";")[0]}
    guarded.client.cookies.clear()
    assert guarded.get("/api/dag/tasks", headers=session).status_code == 200
    assert guarded.get("/api/dag/tasks", headers={"Cookie": session["Cookie"] + "x"}).status_code == 401
    ended = guarded.request("DELETE", "/api/session", headers=session)
    assert ended.headers["Set-Cookie"].startswith("dagscope-8080=; Max-Age=0")


def test_session_survives_a_restart(guarded: AppDoor) -> None:
    """A session is still valid when the server was restarted with the same token."""
    session = {"Cookie": guarded.post("/api/session", {"token": TOKEN}).headers["Set-Cookie"].split(";")[0]}
    guarded.stop()
    guarded.start()
    assert guarded.get("/api/dag/tasks", headers=session).status_code == 200


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"token": "wrong"}, "wrong API token"),
        ({}, "wrong API token"),
        ({"code": "wrong"}, "the code was used or is of an earlier start; send the API token"),
    ],
)
def test_no_session(guarded: AppDoor, body: dict[str, str], details: str) -> None:
    """A wrong token or code opens no session."""
    answer = guarded.post("/api/session", body)
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized", "details": details})
    assert "Set-Cookie" not in answer.headers


def test_code_works_once(guarded: AppDoor) -> None:
    """The code of the server's start opens one session."""
    app = guarded.client.app
    assert isinstance(app, Starlette)
    code = app.state.rules.sessions.code
    assert [guarded.post("/api/session", {"code": code}).status_code for _ in range(2)] == [204, 401]


def test_headers_of_every_answer(door: AppDoor) -> None:
    """Every answer, also of an error, tells a browser to load nothing, to guess nothing, and to keep no data."""
    for method, path in [*routes(door), ("GET", "/nowhere"), ("GET", "/api/dag/tasks?limit=x")]:
        query = "?lastEventId=x" if path == "/api/events" else ""  # a stream would not end
        headers = door.request(method, path + query).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert "unsafe-inline" not in headers["Content-Security-Policy"], path
        assert headers["Cache-Control"] == "no-store" or is_of_page(method, path) or path == "/api", path
