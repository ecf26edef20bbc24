"""Closing the connections of clients that stop reading (contract, The stream)."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from dagscope.server.http.bounded_requests import REFUSALS
from dagscope.server.http.direct_lines import DirectProtocol
from dagscope.server.http.shapes.about import Error

_MOST_UNSENT_BYTES = 1 << 17  # what the system buffers for a client that stops reading: else megabytes, all copied
_MOST_UNSENT_ROWS_BYTES = 1 << 20  # sent in larger steps, a long answer takes a fifth less time
_KEY = "leave_unsent"


def aborting_after(stalled_s: float, slow_sender_s: float) -> type[asyncio.Protocol]:
    """HTTP/1.1 that aborts a connection whose full send buffer has not been read from for `stalled_s` seconds.

    Closing is not enough: the socket would stay open until its buffer is sent, which never happens. A request that has
    not arrived after `slow_sender_s` is answered with 408.
    """
    late = f"a request must arrive within {slow_sender_s:g} s, the limit that DAGSCOPE_SLOW_SENDER_S sets"

    class Protocol(DirectProtocol):
        arrival_s = slow_sender_s
        refusals = {**REFUSALS, 408: Error(error="Request timeout", details=late)}
        _abort_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app_state = {**self.app_state, _KEY: self._leave_unsent}
            self._leave_unsent(_MOST_UNSENT_BYTES)

        def _leave_unsent(self, most_bytes: int) -> None:
            if hasattr(socket, "TCP_NOTSENT_LOWAT") and not self.transport.is_closing():  # not on Windows
                connection = self.transport.get_extra_info("socket")
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, most_bytes)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._abort_timer = self.loop.call_later(stalled_s, self.transport.abort)

        def resume_writing(self) -> None:
            self._stop_abort_timer()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_abort_timer()
            super().connection_lost(exc)

        def _stop_abort_timer(self) -> None:
            if self._abort_timer is not None:
                self._abort_timer.cancel()
                self._abort_timer = None

    return Protocol


@contextmanager
def sending_rows(scope: Scope) -> Iterator[None]:
    """While it lasts, more of the answer to a request may be unsent."""
    leave_unsent = scope.get("state", {}).get(_KEY)
    if leave_unsent is None:  # another server's protocol
        yield
        return
    leave_unsent(_MOST_UNSENT_ROWS_BYTES)
    try:
        yield
    finally:
        leave_unsent(_MOST_UNSENT_BYTES)
