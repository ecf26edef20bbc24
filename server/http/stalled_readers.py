"""Letting go of readers that hold their connection open and take nothing (contract, The stream)."""

import asyncio
import socket

from dagscope.server.http.bounded_requests import BoundedProtocol

_MOST_UNSENT_BYTES = 1 << 17  # what the system takes of a reader who takes nothing: else megabytes, each of them copied


def letting_go_after(stalled_s: float) -> type[asyncio.Protocol]:
    """HTTP/1.1 that drops a connection whose full send buffer nobody has read from for so many seconds.

    Closing it would not do: the socket would stay until its buffer is sent, which is never.
    """

    class Protocol(BoundedProtocol):
        _letting_go: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # not on Windows
                connection = transport.get_extra_info("socket")
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT_BYTES)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._letting_go = self.loop.call_later(stalled_s, self.transport.abort)

        def resume_writing(self) -> None:
            self._keep()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._keep()
            super().connection_lost(exc)

        def _keep(self) -> None:
            if self._letting_go is not None:
                self._letting_go.cancel()
                self._letting_go = None

    return Protocol
