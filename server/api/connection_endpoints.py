"""`/api/dag/connect`, `disconnect`, `connection-status`: opening and closing the project's databases."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.connections import Connection
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.redaction.redaction import Redaction
from dagscope.server.http.answers import Refused, ShapeResponse
from dagscope.server.http.between_tasks import between_tasks
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.connections import Connected, ConnectionNow, ConnectionStatus, Disconnected
from dagscope.server.workspace.disconnecting import connect_again, disconnect
from dagscope.server.workspace.reads import Gone, ReadsBusy, TimeLimit, TimeLimitReached
from dagscope.server.workspace.workspace import Workspace


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
    workspace = workspace_of(request)
    project = workspace.project
    failures = await asyncio.gather(
        *(_connect(connection, workspace, until_gone(request)) for connection in project.connections.values())
    )
    problems = [project.redaction.text(failure) for failure in failures if failure is not None]
    if problems:
        raise Refused(500, Error(error="Failed to connect to databases", details="; ".join(problems)))
    return ShapeResponse(Connected())


async def _connect(connection: Connection, workspace: Workspace, gone: Gone) -> str | None:
    """Open it, within the time that a POST waits; why that did not work."""
    connect_again(connection)
    limit = TimeLimit(workspace.settings.post_wait_ms / 1000, "DAGSCOPE_POST_WAIT_MS")
    try:
        await workspace.reads.connects.answer(lambda _: connection.connect(), gone, limit)
    except TimeLimitReached:
        return f'connection "{connection.name}": it did not open within {limit.seconds:g} s; ask again later'
    except (ConnectionFailed, ReadsBusy) as error:
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
