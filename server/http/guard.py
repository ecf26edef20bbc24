"""Who is let in (docs/security.md): the name that the request is for, the page that sends it, and the token.

Pure ASGI, before every route, so that no handler has to check it. A path that nothing here names is refused like any
other.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.hosts import Hosts
from dagscope.server.http.origins import Origins, is_preflight
from dagscope.server.http.raw_headers import Headers, values
from dagscope.server.http.sessions import Sessions
from dagscope.server.http.shapes.about import Error
from dagscope.server.workspace.settings import Settings

TOKEN_HEADER = b"dagster-cloud-api-token"
ORGANIZATION_HEADER = b"dagster-cloud-organization"
DEPLOYMENT_HEADER = b"dagster-cloud-deployment"


@dataclass(frozen=True)
class Rules:
    """What the guard decides by."""

    hosts: Hosts
    origins: Origins
    sessions: Sessions | None
    """None without an API token."""
    api_token: str
    """"" if none is needed."""
    organization: str | None
    deployment: str | None

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        token = settings.api_token.get_secret_value() if settings.api_token is not None else ""
        return cls(
            Hosts.of(settings.allowed_hosts),
            Origins.of(settings.allowed_origins),
            Sessions(token) if token else None,
            token,
            settings.organization,
            settings.deployment,
        )


@dataclass(frozen=True)
class OpenPaths:
    """What is answered to more clients than the rest. The answers must contain nothing about the project."""

    to_all: frozenset[str]
    """To everyone, by any name of the server."""
    is_page: Callable[[str, str], bool]
    """By method and path, the page's own files: to links of other pages, and without a token."""
    to_visitors: frozenset[str]
    """Without a token, but not to other pages."""


class Guard:
    """Lets a request through to `app`, or answers 400, 401 or 403 in its place.

    If a token is configured, every request must send it, or have a session. If not, only clients on this machine are
    answered.
    """

    def __init__(self, app: ASGIApp, rules_of: Callable[[Scope], Rules], open_paths: OpenPaths) -> None:
        self._app, self._rules_of, self._open = app, rules_of, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rules = self._rules_of(scope)
        origin = rules.origins.allowed_by(scope["headers"])
        answered = _readable_by(origin, send) if origin else send
        await (self._answer(scope, rules, origin) or self._app)(scope, receive, answered)

    def _answer(self, scope: Scope, rules: Rules, origin: str) -> Response | None:
        """The guard's own answer; None lets the request through."""
        path, headers = scope["path"], scope["headers"]
        if path in self._open.to_all:
            return None
        wrong_host = rules.hosts.refusal(headers, scope.get("server"))
        if wrong_host is not None:
            return _forbidden(wrong_host)
        if origin and is_preflight(scope["method"], headers):
            return Response(status_code=204, headers=rules.origins.preflight_headers())
        if self._open.is_page(scope["method"], path):
            return None
        wrong_origin = rules.origins.refusal(scope["method"], headers)
        if wrong_origin is not None:
            return _forbidden(wrong_origin)
        if path in self._open.to_visitors:
            return None
        return _token_refusal(scope, rules) or _name_refusal(headers, rules)


def _token_refusal(scope: Scope, rules: Rules) -> Response | None:
    if not rules.api_token:
        if _is_local(scope):
            return None
        return _unauthorized(
            "this server has no API token, so it only answers clients on its own machine; "
            "start it with --api-token-file"
        )
    if _has_token(scope["headers"], rules.api_token.encode()):
        return None
    if rules.sessions is not None and rules.sessions.holds(scope["headers"], port_of(scope)):
        return None
    return _unauthorized("send the API token as Dagster-Cloud-Api-Token, or as Authorization: Bearer")


def _name_refusal(headers: Headers, rules: Rules) -> Response | None:
    for what, header, own in (
        ("organization", ORGANIZATION_HEADER, rules.organization),
        ("deployment", DEPLOYMENT_HEADER, rules.deployment),
    ):
        if own is not None and any(value != own.encode() for value in values(headers, header)):
            return _forbidden(f"this server does not belong to the {what} that the request names")
    return None


def port_of(scope: Scope) -> int | None:
    """The port that the request came in on."""
    server = scope.get("server")
    return server[1] if server else None


def _readable_by(origin: str, send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *Origins.answer_headers(origin)]}
        await send(message)

    return sent


def _has_token(headers: Headers, right: bytes) -> bool:
    # Every token is compared, each in constant time: the time taken reveals nothing about the right one.
    return sum(hmac.compare_digest(token, right) for token in _tokens(headers)) > 0


def _tokens(headers: Headers) -> Iterable[bytes]:
    yield from values(headers, TOKEN_HEADER)
    for value in values(headers, b"authorization"):
        scheme, _, token = value.partition(b" ")
        if scheme.lower() == b"bearer":
            yield token.strip()


def _forbidden(details: str) -> ShapeResponse:
    return ShapeResponse(Error(error="Forbidden", details=details), 403)


def _unauthorized(details: str) -> ShapeResponse:
    return ShapeResponse(Error(error="Unauthorized", details=details), 401, {"WWW-Authenticate": "Bearer"})


def _is_local(scope: Scope) -> bool:
    """Whether the client is on this machine. One without an IP address is in this process, or uses a socket file."""
    client = scope.get("client")
    try:
        address = ip_address(client[0].partition("%")[0]) if client else None
    except ValueError:
        return True
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address is None or address.is_loopback
