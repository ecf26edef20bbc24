"""Bounding what one answer may send: an answer that is cut off never looks as if it were whole."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dagscope.dag.ground.errors import DagscopeError
from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.shapes.about import Error


@dataclass(frozen=True)
class AnswerLimits:
    """How many bytes one answer may have, and how long sending it may take."""

    most_bytes: int
    seconds: float


class AnswerCutOff(DagscopeError):
    """An answer that has begun exceeds a limit; the server closes its connection."""


class BoundedAnswers:
    """Lets an answer of `app` through within its limits; a stream of events has none. Pure ASGI.

    If the first part of an answer is too large, the answer is 400. If a later one is, the connection is closed.
    """

    def __init__(
        self, app: ASGIApp, limits_of: Callable[[Scope], AnswerLimits], is_page: Callable[[str, str], bool]
    ) -> None:
        self._app, self._limits_of, self._is_page = app, limits_of, is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_page(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        answer = _Answer(self._limits_of(scope), send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            if answer.refusal is None:
                raise
            await answer.refusal(scope, receive, send)


class _Answer:
    """One answer on its way."""

    def __init__(self, limits: AnswerLimits, send: Send) -> None:
        self._limits, self._send = limits, send
        self._head: Message | None = None
        self._is_stream, self._bytes, self._began_s = False, 0, 0.0
        self.refusal: ShapeResponse | None = None
        """What to answer instead."""

    async def send(self, message: Message) -> None:
        """Send a message, or raise `AnswerCutOff`. The head waits for the first part of the body."""
        if message["type"] == "http.response.start":
            self._is_stream = _is_stream(message)
            if not self._is_stream:
                self._head = message
                return
        elif not self._is_stream:
            self._check(len(message.get("body", b"")))
        if self._head is not None:
            head, self._head, self._began_s = self._head, None, _now_s()
            await self._send(head)
        await self._send(message)

    def _check(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._limits.most_bytes:
            limit = f"{self._limits.most_bytes:,} bytes, the limit that DAGSCOPE_ANSWER_BYTES sets"
            details = f"the answer has more than {limit}"
            if self._head is not None:
                self.refusal = ShapeResponse(Error(error="Answer too large", details=details), 400)
            raise AnswerCutOff(details)
        if self._head is None and _now_s() - self._began_s > self._limits.seconds:
            limit = f"{self._limits.seconds:g} s, the limit that DAGSCOPE_ANSWER_LIMIT_S sets"
            raise AnswerCutOff(f"the answer was not sent within {limit}")


def _is_stream(head: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in head["headers"])


def _now_s() -> float:
    return asyncio.get_running_loop().time()
