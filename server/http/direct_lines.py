"""Writing to a stream's connection past the stream's own task, so that what many streams send is framed only once.

A direct write is one chunk of an answer of unknown length. h11 keeps nothing between two chunks, so those that it
frames and those that it never sees can follow each other. Both are written whole, in the event loop.
"""

import asyncio

import h11
from starlette.requests import Request

from dagscope.server.http.slow_senders import PromptProtocol
from dagscope.server.workspace.fan_out import Line

_KEY = "direct_line"


class DirectProtocol(PromptProtocol):
    """HTTP/1.1 that gives each request the line to its client (`line_of`)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, _KEY: _DirectLine(self.conn, transport)}


class _DirectLine:
    """The connection of a stream whose answer has begun."""

    def __init__(self, connection: h11.Connection, transport: asyncio.Transport) -> None:
        self._connection, self._transport = connection, transport

    @property
    def is_free(self) -> bool:
        transport = self._transport
        is_open = self._connection.our_state is h11.SEND_BODY and not transport.is_closing()
        return is_open and not transport.get_write_buffer_size()

    def write(self, chunk: bytes) -> None:
        self._transport.write(chunk)


def line_of(request: Request) -> Line | None:
    """The line to the client of a request that is answered in chunks; None if there is none, or no chunks."""
    if request.scope["http_version"] != "1.1":  # the body of an answer to HTTP/1.0 ends with the connection
        return None
    line: Line | None = getattr(request.state, _KEY, None)
    return line
