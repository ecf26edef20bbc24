"""Who may send requests: token, organization, deployment, and clients on other machines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dagscope.server.http.guard import Guard, OpenPaths, Rules
from dagscope.server.workspace.settings import Settings
from tests.doors import ADDRESS, AppDoor
from tests.run_events import SPEC_QUERY

TOKEN = "agent:a1b2c3d4e5"
WRONG_TOKEN = {
    "error": "Unauthorized",
    "details": "send the API token as Dagster-Cloud-Api-Token, or as Authorization: Bearer",
}


@pytest.fixture
def guarded(hello: Path) -> Iterator[AppDoor]:
    opened = AppDoor(hello, api_token=TOKEN, organization="acme", deployment="prod")
    yield opened
    opened.stop()


def with_token(**headers: str) -> dict[str, str]:
    return {"Dagster-Cloud-Api-Token": TOKEN} | headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/openapi.json"),
        ("GET", "/api/dag"),
        ("POST", "/api/dag/run"),
        ("GET", "/api/events"),
        ("DELETE", "/api/logs"),
        ("POST", "/graphql"),
        ("POST", "/acme/graphql"),
        ("POST", "/dagster/acme/graphql"),
        ("GET", "/nowhere"),
    ],
)
def test_every_endpoint_needs_the_token(guarded: AppDoor, method: str, path: str) -> None:
    """If a token is configured, no request without it is answered, not even for an unknown path."""
    answer = guarded.request(method, path)
    assert (answer.status_code, answer.json()) == (401, WRONG_TOKEN)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"Dagster-Cloud-Api-Token": TOKEN},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"bearer  {TOKEN}"},
        {"Dagster-Cloud-Api-Token": "other", "Authorization": f"Bearer {TOKEN}"},
    ],
)
def test_right_token(guarded: AppDoor, headers: dict[str, str]) -> None:
    """The token is accepted from either header."""
    assert guarded.get("/api/dag/tasks", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Dagster-Cloud-Api-Token": ""},
        {"Dagster-Cloud-Api-Token": TOKEN[:-1]},
        {"Dagster-Cloud-Api-Token": TOKEN + "x"},
        {"Dagster-Cloud-Api-Token": TOKEN.upper()},
        {"Dagster-Cloud-Api-Token": b"\xff\xfe"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
    ],
)
def test_wrong_token(guarded: AppDoor, headers: dict[str, Any]) -> None:
    """Anything except the token gives 401."""
    answer = guarded.get("/api/dag/tasks", headers=headers)
    assert (answer.status_code, answer.json()) == (401, WRONG_TOKEN)


def test_token_in_the_query(guarded: AppDoor) -> None:
    """A token in the URL is not read, because it would end up in logs and histories."""
    assert guarded.get(f"/api/dag/tasks?token={TOKEN}").status_code == 401


@pytest.mark.parametrize(
    ("header", "what"),
    [("Dagster-Cloud-Organization", "organization"), ("Dagster-Cloud-Deployment", "deployment")],
)
def test_other_names(guarded: AppDoor, header: str, what: str) -> None:
    """A client that names another organization or deployment gets 403; the right name, or no name, does not."""
    right = {"organization": "acme", "deployment": "prod"}[what]
    assert guarded.get("/api/dag/tasks", headers=with_token(**{header: right})).status_code == 200
    assert guarded.get("/api/dag/tasks", headers=with_token()).status_code == 200
    answer = guarded.get("/api/dag/tasks", headers=with_token(**{header: "other"}))
    expected = {"error": "Forbidden", "details": f"this server does not belong to the {what} that the request names"}
    assert (answer.status_code, answer.json()) == (403, expected)


@pytest.mark.parametrize("path", ["/other/graphql", "/dagster/other/graphql"])
def test_other_organization_in_the_path(guarded: AppDoor, path: str) -> None:
    """The organization in GraphQL's path is checked in the same way."""
    body = {"query": SPEC_QUERY, "variables": {"runId": "x"}}
    answer = guarded.post(path, body, headers=with_token())
    expected = {"error": "Forbidden", "details": "this server does not belong to the organization 'other'"}
    assert (answer.status_code, answer.json()) == (403, expected)
    assert guarded.post(path.replace("other", "acme"), body, headers=with_token()).status_code == 200


def test_names_need_no_token(hello: Path) -> None:
    """Organization and deployment are also checked without a token."""
    door = AppDoor(hello, organization="acme")
    answer = door.get("/api/dag/tasks", headers={"Dagster-Cloud-Organization": "other"})
    door.stop()
    assert answer.status_code == 403


def test_any_names_if_none_is_configured(hello: Path) -> None:
    """A server without names of its own accepts any."""
    door = AppDoor(hello)
    headers = {"Dagster-Cloud-Organization": "any", "Dagster-Cloud-Deployment": "thing"}
    answer = door.get("/api/dag/tasks", headers=headers)
    door.stop()
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("127.0.0.1", 200),
        ("127.8.8.8", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("192.168.1.5", 401),
        ("::ffff:192.168.1.5", 401),
        ("fe80::1%eth0", 401),
        ("8.8.8.8", 401),
    ],
)
def test_other_machines(address: str, code: int) -> None:
    """Without a configured token, only clients on this machine are answered; with one, all clients that have it."""
    assert _answer(Settings(), address).status_code == code
    assert _answer(Settings(api_token=TOKEN), address).status_code == 200  # type: ignore[arg-type]
    if code == 401:
        details = (
            "this server has no API token, so it only answers clients on its own machine; "
            "start it with --api-token-file"
        )
        assert _answer(Settings(), address).json() == {"error": "Unauthorized", "details": details}


@pytest.mark.parametrize(
    ("path", "code"), [("/healthz", 200), ("/healthz/", 401), ("/healthz/x", 401), ("/healthzx", 401), ("/api", 401)]
)
def test_health_needs_no_token(guarded: AppDoor, path: str, code: int) -> None:
    """Only `/healthz` is answered without the token, whatever organization the client names."""
    answer = guarded.get(path, headers={"Dagster-Cloud-Organization": "other"})
    assert answer.status_code == code


@pytest.mark.parametrize("settings", [Settings(), Settings(api_token=TOKEN)])  # type: ignore[arg-type]
def test_health_for_other_machines(settings: Settings) -> None:
    """Clients on other machines get an answer for an open path, and for no other."""
    app = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse("here"))])
    client = TestClient(_guarded(app, settings), ADDRESS, client=("192.168.1.5", 50_000))
    assert client.get("/healthz").text == "here"
    assert client.get("/api/dag").status_code == 401


def test_empty_token() -> None:
    """An empty DAGSCOPE_API_TOKEN configures no token: it never means that an empty token is right."""
    settings = Settings(api_token="")  # type: ignore[arg-type]
    assert _answer(settings, "8.8.8.8", {"Dagster-Cloud-Api-Token": ""}).status_code == 401


def test_token_is_not_shown() -> None:
    """Printed settings do not reveal the token."""
    assert TOKEN not in repr(Settings(api_token=TOKEN))  # type: ignore[arg-type]


def _answer(settings: Settings, address: str, headers: dict[str, str] | None = None) -> Any:
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])
    client = TestClient(_guarded(app, settings), ADDRESS, client=(address, 50_000))
    return client.get("/", headers=with_token() if headers is None else headers)


def _guarded(app: Starlette, settings: Settings) -> Guard:
    rules = Rules.of(settings)
    return Guard(app, lambda _: rules, OpenPaths(frozenset({"/healthz"}), lambda method, path: False, frozenset()))
