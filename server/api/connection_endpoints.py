"""`/api/dag/connect`, `disconnect`, `connection-status`: opening and closing the project's databases."""

import asyncio

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.connections import Connection
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.redaction.redaction import Redaction
from dagscope.server.http.answers import Refused, ShapeResponse
from dagscope.server.http.between_tasks import between_tasks
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes import Connected, ConnectionNow, ConnectionStatus, Disconnected, Error
from dagscope.server.workspace.disconnecting import connect_again, disconnect


async def get_connection_status(request: Request) -> Response:
    project = workspace_of(request).project
    connections = tuple(_now(each, project.redaction) for each in project.connections.values())
    return ShapeResponse(
        ConnectionStatus(is_connected=all(each.is_connected for each in connections), connections=connections)
    )


def _now(connection: Connection, redaction: Redaction) -> ConnectionNow:
    details = connection.details
    return ConnectionNow(
        name=connection.name,
        type=connection.engine,
        is_connected=connection.is_open and not connection.is_held_off,
        path=_redacted(details.path, redaction),
        extensions=details.extensions,
        host=_redacted(details.host, redaction),
        port=details.port,
        database=_redacted(details.database, redaction),
        user=_redacted(details.user, redaction),
    )


def _redacted(text: str | None, redaction: Redaction) -> str | None:
    return redaction.text(text) if text is not None else None


async def post_connect(request: Request) -> Response:
    project = workspace_of(request).project
    failures = await asyncio.gather(
        *(run_in_threadpool(_connect, connection) for connection in project.connections.values())
    )
    problems = [project.redaction.text(failure) for failure in failures if failure is not None]
    if problems:
        raise Refused(500, Error(error="Failed to connect to databases", details="; ".join(problems)))
    return ShapeResponse(Connected())


def _connect(connection: Connection) -> str | None:
    """Open it; returns why that failed, None if it is open."""
    connect_again(connection)
    try:
        connection.connect()
    except ConnectionFailed as error:
        return str(error)
    return None


async def post_disconnect(request: Request) -> Response:
    workspace = workspace_of(request)
    async with between_tasks(workspace, "Cannot disconnect now"):
        busy = await disconnect(workspace.project.connections.values())
    if busy is not None:
        details = f'data is being read over connection "{busy}"; wait until that has finished'
        raise Refused(409, Error(error="Cannot disconnect now", details=details))
    return ShapeResponse(Disconnected())


ENDPOINTS = (
    Endpoint("POST", "/api/dag/connect", post_connect, "Open all databases.", {200: Connected, 500: Error}),
    Endpoint(
        "POST",
        "/api/dag/disconnect",
        post_disconnect,
        "Close all databases; the next task opens them again.",
        {200: Disconnected, 409: Error},
    ),
    Endpoint(
        "GET",
        "/api/dag/connection-status",
        get_connection_status,
        "Whether the databases are open, and where they are.",
        {200: ConnectionStatus},
    ),
)
