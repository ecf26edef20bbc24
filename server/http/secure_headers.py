"""Headers that every answer has: what a browser must not do with it (docs/security.md, Headers)."""

from collections.abc import Awaitable, Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
# An answer that is opened as a page may load nothing, run nothing and stand in no frame. The page sets its own policy.
_UNLESS_SET = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


ALL = [(name.lower().encode(), value.encode()) for name, value in (_ALWAYS | _UNLESS_SET).items()]
"""The headers as bytes, for answers that are not sent through the application."""


class SecureHeaders:
    """Adds the headers to what `app` answers. Pure ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_to(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_secured)


def secured(
    handler: Callable[[Request, Exception], Awaitable[Response]],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """An exception handler whose answer has the headers: Starlette answers faults outside of all middleware."""

    async def answer(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        _add_to(response.headers)
        return response

    return answer


def _add_to(headers: MutableHeaders) -> None:
    headers.update(_ALWAYS)
    for name, value in _UNLESS_SET.items():
        headers.setdefault(name, value)
