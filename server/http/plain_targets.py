"""Refusing requests whose path or query no endpoint could mean, before any handler or route sees them."""

from starlette.types import ASGIApp, Receive, Scope, Send

from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.shapes.about import Error

QUERY_PARAMETERS = 100


class PlainTargets:
    """Lets a request through to `app`, or answers 400 in its place. Pure ASGI.

    A path with a control character is refused: the pattern of a route would take a line break at its end for nothing.
    So is a query of many parameters, which take time to part.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        details = _fault(scope) if scope["type"] == "http" else None
        if details is None:
            await self._app(scope, receive, send)
        else:
            await ShapeResponse(Error(error="Bad request", details=details), 400)(scope, receive, send)


def _fault(scope: Scope) -> str | None:
    control = next((character for character in scope["path"] if _is_control(character)), None)
    if control is not None:
        return f"a path cannot hold the character {control!a}"
    if scope["query_string"].count(b"&") >= QUERY_PARAMETERS:
        return f"a query has at most {QUERY_PARAMETERS} parameters"
    return None


def _is_control(character: str) -> bool:
    return ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0
