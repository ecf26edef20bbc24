"""Closing the project's databases until they are needed again."""

import asyncio
import time
from collections.abc import Collection

from dagscope.dag.connections import Connection

_READERS_WAIT_S = 2.0  # how long to wait for reads that are running
_LOOK_AGAIN_S = 0.02


async def disconnect(connections: Collection[Connection]) -> str | None:
    """Close the databases, and open no session on them until `connect_again`.

    None if that worked; otherwise nothing has changed, and the result is a connection that is still being read from.
    """
    for connection in connections:
        connection.hold_off()
    busy = await _still_read(connections)
    if busy is not None:
        connect_again(*connections)
        return busy
    for connection in connections:
        if connection.outlives_closing:
            await asyncio.to_thread(connection.close)
    return None


def connect_again(*connections: Connection) -> None:
    """Let the next session open the databases again: for a task, a connect, a preview, a drop or a truncate."""
    for connection in connections:
        connection.admit()


async def _still_read(connections: Collection[Connection]) -> str | None:
    """A connection whose sessions do not end in time; None if all of them have."""
    deadline = time.monotonic() + _READERS_WAIT_S
    while True:
        busy = next((connection.name for connection in connections if connection.sessions), None)
        if busy is None or time.monotonic() > deadline:
            return busy
        await asyncio.sleep(_LOOK_AGAIN_S)
