"""`/graphql` and `/dagster/graphql`, with or without an organization in front (contract, Run events).

Only one JSON object per POST: no batches, no GET, no GraphiQL, no WebSocket.
"""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Any, Literal

from pydantic import Field, JsonValue
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.answers import Refused
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import read_body, workspace_of
from dagscope.server.http.shapes.about import Error


class GraphQLRequest(Shape):
    """A GraphQL query. Other keys are ignored."""

    query: str
    operation_name: str | None = None
    variables: dict[str, JsonValue] | None = None


class GraphQLFailure(Shape):
    """One error of an answer; `path` leads to the field that it is about."""

    message: str
    locations: list[dict[str, int]] | None = None
    path: list[str | int] | None = None


class GraphQLAnswer(Shape):
    """An answer. If nothing was executed, `data` is null, the code is 400, and `errors` says why."""

    data: dict[str, Any] | None = Field(...)
    errors: list[GraphQLFailure] | None = None


async def post_graphql(request: Request) -> Response:
    return await _answer("cloud", request)


async def post_organization_graphql(request: Request) -> Response:
    _check_organization(request)
    return await _answer("cloud", request)


async def post_dagster_graphql(request: Request) -> Response:
    return await _answer("dagster", request)


async def post_dagster_organization_graphql(request: Request) -> Response:
    _check_organization(request)
    return await _answer("dagster", request)


def _check_organization(request: Request) -> None:
    """The organization in the path must be the server's, as the one in the header must (server/http/guard.py)."""
    own, named = workspace_of(request).settings.organization, request.path_params["organization"]
    if own is not None and named != own:
        raise Refused(
            403, Error(error="Forbidden", details=f"this server does not belong to the organization {named!r}")
        )


async def _answer(schema: Literal["cloud", "dagster"], request: Request) -> Response:
    body = await read_body(request, GraphQLRequest)
    if not _imported.is_set():
        await asyncio.to_thread(_import_queries)
    from dagscope.server.graphql.graphql_queries import SCHEMAS, execute_query

    return await execute_query(
        SCHEMAS[schema], body.query, body.variables or {}, body.operation_name, workspace_of(request)
    )


_imported = Event()


def _import_queries() -> None:
    """Import what executes queries, with the first one: a fifth of a second that would block the event loop."""
    import dagscope.server.graphql.graphql_queries  # noqa: F401  executed here, looked up by the handler

    _imported.set()


def _endpoint(path: str, handler: Callable[[Request], Any], summary: str) -> Endpoint:
    codes = {200: GraphQLAnswer, 400: GraphQLAnswer, 403: Error, 413: Error, 415: Error}
    return Endpoint("POST", path, handler, summary, codes, request=GraphQLRequest, tag="run events", only_reads=True)


ENDPOINTS = (
    _endpoint("/graphql", post_graphql, "The events of runs, in the run API's GraphQL schema."),
    _endpoint("/dagster/graphql", post_dagster_graphql, "Runs and their events, in Dagster's own schema."),
    _endpoint(
        "/dagster/{organization}/graphql",
        post_dagster_organization_graphql,
        "The same as /dagster/graphql, under an organization's name.",
    ),
    _endpoint(
        "/{organization}/graphql",
        post_organization_graphql,
        "The same as /graphql, under an organization's name.",
    ),
)
