"""Bounding what parsing a request may cost: the event loop parses it, and everybody waits meanwhile.

Bytes are cheap; lines of headers and chunks of a body are not. A thousand of them take the loop for tens of
milliseconds, so their number is bounded before they are parsed.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import h11
from h11 import RemoteProtocolError
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from dagscope.server.http.secure_headers import ALL
from dagscope.server.http.shapes.about import Error

HEADER_LINES = 128
"""Lines of a request's head, and of what may follow a body in chunks."""

FREE_CHUNKS = 500
CHUNK_BYTES = 256
"""What chunks hold on average, at least; the first ones are free."""

_LAST_CHUNK = re.compile(rb"(?:\r\n)?0+[ \t]*(?:;[^\n]*)?\r?\n")
_END_OF_LINES = re.compile(rb"\n\r?\n")

REFUSALS = {
    400: Error(error="Bad request", details="not a valid HTTP request, or its head is too large"),
    431: Error(
        error="Request header fields too large", details=f"a request has at most {HEADER_LINES} lines of headers"
    ),
    413: Error(
        error="Too many chunks",
        details=f"after the first {FREE_CHUNKS}, the chunks of a body hold {CHUNK_BYTES} bytes or more on average",
    ),
}


class BoundedConnection(h11.Connection):
    """Raises `RemoteProtocolError`, with 431 or 413 as its hint, for what would be costly to parse."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.refused_with: int | None = None
        self._chunks = self._body_bytes = 0
        self._between_chunks = self._after_last_chunk = False

    def next_event(self) -> Any:
        if self.their_state is h11.IDLE:
            self._bound_lines(self.trailing_data[0])
        elif self._between_chunks:
            self._bound_trailers(self.trailing_data[0])
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._refuse_two_lengths(event)
            self._chunks = self._body_bytes = 0
            self._between_chunks, self._after_last_chunk = True, False
        elif isinstance(event, h11.Data):
            self._between_chunks = event.chunk_end
            self._bound_chunks(event)
        return event

    def _bound_lines(self, received: bytes) -> None:
        end = _END_OF_LINES.search(received)
        if received.count(b"\n", 0, end.end() if end else len(received)) > HEADER_LINES:
            self._refuse(431)

    def _bound_trailers(self, received: bytes) -> None:
        last = None if self._after_last_chunk else _LAST_CHUNK.match(received)
        self._after_last_chunk |= last is not None
        if self._after_last_chunk:
            self._bound_lines(received)

    def _bound_chunks(self, data: h11.Data) -> None:
        self._chunks += data.chunk_start
        self._body_bytes += len(data.data)
        if self._chunks > FREE_CHUNKS + self._body_bytes // CHUNK_BYTES:
            self._refuse(413)

    def _refuse_two_lengths(self, request: h11.Request) -> None:
        """A proxy may take the other of the two, and the rest of the body for a request (RFC 9112, 6.1)."""
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in request.headers}:
            self._refuse(400)

    def _refuse(self, status_code: int) -> None:
        self.refused_with = status_code
        raise RemoteProtocolError(REFUSALS[status_code].error, error_status_hint=status_code)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 over a `BoundedConnection`. What it refuses is answered, if it can be, and the connection closed."""

    conn: BoundedConnection
    refusals: ClassVar[Mapping[int, Error]] = REFUSALS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        limit = self.config.h11_max_incomplete_event_size
        assert limit is not None
        self.conn = BoundedConnection(h11.SERVER, limit)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn calls it so
        if self.cycle is not None:
            self.cycle.disconnected = True  # what its handler still sends would follow an answer that is complete
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # the answer has begun, or been sent
            self.transport.close()
        else:
            self._refuse(self.conn.refused_with or 400)

    def _refuse(self, status_code: int) -> None:
        body = self.refusals[status_code].to_json().encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *ALL,
        ]
        for event in (
            h11.Response(status_code=status_code, headers=headers, reason=STATUS_PHRASES[status_code]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
