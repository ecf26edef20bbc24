"""Access: the token, and the organization and deployment that a client names (contract; spec, Authentication).

Pure ASGI, before everything else, so that no handler has to check it.
"""

import hmac
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.shapes import Error
from dagscope.server.workspace.settings import Settings

TOKEN_HEADER = b"dagster-cloud-api-token"
ORGANIZATION_HEADER = b"dagster-cloud-organization"
DEPLOYMENT_HEADER = b"dagster-cloud-deployment"

Headers = list[tuple[bytes, bytes]]


class Guard:
    """Lets a request through to `app`, or answers 401 or 403 in its place.

    If a token is configured, every request must send it. If not, only clients on this machine are answered.
    Every request for one of `open_paths` is let through: the answer must contain nothing about the project.
    """

    def __init__(
        self, app: ASGIApp, settings_of: Callable[[Scope], Settings], open_paths: frozenset[str] = frozenset()
    ) -> None:
        self._app, self._settings_of, self._open_paths = app, settings_of, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ShapeResponse | None:
        if scope["path"] in self._open_paths:
            return None
        settings, headers = self._settings_of(scope), scope["headers"]
        token = settings.api_token.get_secret_value().encode() if settings.api_token is not None else b""
        if not token and not _is_local(scope):
            return _unauthorized(
                "this server has no API token, so it only answers clients on its own machine; "
                "start it with --api-token-file"
            )
        if token and not _has_token(headers, token):
            return _unauthorized("send the API token as Dagster-Cloud-Api-Token, or as Authorization: Bearer")
        for what, header, own in (
            ("organization", ORGANIZATION_HEADER, settings.organization),
            ("deployment", DEPLOYMENT_HEADER, settings.deployment),
        ):
            if own is not None and any(value != own.encode() for name, value in headers if name == header):
                details = f"this server does not belong to the {what} that the request names"
                return ShapeResponse(Error(error="Forbidden", details=details), 403)
        return None


def _has_token(headers: Headers, right: bytes) -> bool:
    # Every token is compared, each in constant time: the time taken reveals nothing about the right one.
    return sum(hmac.compare_digest(token, right) for token in _tokens(headers)) > 0


def _tokens(headers: Headers) -> Iterable[bytes]:
    for name, value in headers:
        if name == TOKEN_HEADER:
            yield value
        elif name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() == b"bearer":
                yield token.strip()


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
