"""The connections of the project."""

from typing import Literal

from dagscope.dag.ground.shapes import Shape


class ConnectionNow(Shape):
    """A connection of the project, whether it is open, and where it connects to; never a secret."""

    name: str
    type: str
    is_connected: bool
    path: str | None = None
    extensions: tuple[str, ...] | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    user: str | None = None


class ConnectionStatus(Shape):
    """`GET /api/dag/connection-status`; `is_connected` is true if all connections are open."""

    is_connected: bool
    connections: tuple[ConnectionNow, ...]


class Connected(Shape):
    """`POST /api/dag/connect`."""

    message: str = "Successfully connected to all databases"
    status: Literal["CONNECTED"] = "CONNECTED"


class Disconnected(Shape):
    """`POST /api/dag/disconnect`."""

    message: str = "Successfully disconnected from all databases"
    status: Literal["DISCONNECTED"] = "DISCONNECTED"
