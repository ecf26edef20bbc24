"""Refusing requests that take too long to arrive: each occupies a socket, of which a process has only so many."""

import asyncio
from typing import ClassVar

import h11

from dagscope.server.http.bounded_requests import BoundedProtocol


class PromptProtocol(BoundedProtocol):
    """HTTP/1.1 that answers 408 to a request that has not arrived completely `arrival_s` seconds after its first byte.

    A connection on which nothing was sent is closed after that time.
    """

    arrival_s: ClassVar[float]
    _arrival_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_arrival()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._wait_for_arrival()
        else:
            self._stop_arrival_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_arrival_timer()
        super().connection_lost(exc)

    def _wait_for_arrival(self) -> None:
        if self._arrival_timer is None and not self.transport.is_closing():
            self._arrival_timer = self.loop.call_later(self.arrival_s, self._give_up)

    def _stop_arrival_timer(self) -> None:
        if self._arrival_timer is not None:
            self._arrival_timer.cancel()
            self._arrival_timer = None

    def _give_up(self) -> None:
        self._arrival_timer = None
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.transport.close()  # a browser keeps unused connections: an answer would be taken for that of a request
            return
        self.conn.refused_with = 408
        self.send_400_response("")
