"""`/graphql` and `/dagster/graphql`, with or without an organization in front (contract, Run events).

Only one JSON object per POST: no batches, no GET, no GraphiQL, no WebSocket.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import strawberry
from graphql import DocumentNode, GraphQLError, validate
from pydantic import Field, JsonValue
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext

from dagscope.dag.ground.shapes import Shape
from dagscope.server.graphql import cloud_schema, dagster_schema
from dagscope.server.graphql.graphql_context import GraphQLContext
from dagscope.server.graphql.plain_lists import PlainListExecutor
from dagscope.server.graphql.query_limits import check_cost, parse_within_limits
from dagscope.server.http.answers import Refused
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import read_body, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.workspace.faults import report_fault

_KEPT_QUERIES = 32  # parsed and validated; tools send the same few again and again


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


class _Prepared(SchemaExtension):
    """Gives Strawberry the parsed query and the result of its validation, each computed once per query text."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        assert context.query is not None
        context.graphql_document, _ = _prepared(context.schema, context.query)
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.query is not None
        _, context.pre_execution_errors = _prepared(context.schema, context.query)
        yield


@lru_cache(_KEPT_QUERIES)
def _prepared(schema: strawberry.Schema, query: str) -> tuple[DocumentNode, list[GraphQLError]]:
    document = parse_within_limits(query)
    return document, validate(schema._schema, document)  # noqa: SLF001  as Strawberry's own ValidationCache does


class _Schema(strawberry.Schema):
    """A schema whose errors are reported here: Strawberry would log every client's mistake with a stack trace."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Does nothing: see `_masked`."""


def _schema(query: type) -> strawberry.Schema:
    return _Schema(
        query,
        config=StrawberryConfig(auto_camel_case=True),
        extensions=[_Prepared],
        execution_context_class=PlainListExecutor,
    )


CLOUD_SCHEMA = _schema(cloud_schema.CloudQuery)
DAGSTER_SCHEMA = _schema(dagster_schema.Query)


async def post_graphql(request: Request) -> Response:
    return await _answer(CLOUD_SCHEMA, request)


async def post_organization_graphql(request: Request) -> Response:
    _check_organization(request)
    return await _answer(CLOUD_SCHEMA, request)


async def post_dagster_graphql(request: Request) -> Response:
    return await _answer(DAGSTER_SCHEMA, request)


async def post_dagster_organization_graphql(request: Request) -> Response:
    _check_organization(request)
    return await _answer(DAGSTER_SCHEMA, request)


def _check_organization(request: Request) -> None:
    """The organization in the path must be the server's, as the one in the header must (server/http/guard.py)."""
    own, named = workspace_of(request).settings.organization, request.path_params["organization"]
    if own is not None and named != own:
        raise Refused(
            403, Error(error="Forbidden", details=f"this server does not belong to the organization {named!r}")
        )


async def _answer(schema: strawberry.Schema, request: Request) -> Response:
    body = await read_body(request, GraphQLRequest)
    workspace = workspace_of(request)
    variables = body.variables or {}
    try:
        document, invalid = _prepared(schema, body.query)
        check_cost(document, variables)
        if invalid:
            return _refused(invalid)
        result = await schema.execute(
            body.query,
            variable_values=variables,
            operation_name=body.operation_name,
            context_value=GraphQLContext(workspace),
        )
    except GraphQLError as error:
        return _refused([error])
    except (CannotGetOperationTypeError, InvalidOperationTypeError) as error:
        return _refused([GraphQLError(str(error) or "The operation cannot be executed.")])
    if result.data is None and result.errors and all(error.path is None for error in result.errors):
        return _refused(result.errors)
    debug = workspace.settings.debug
    return _json({"data": result.data} | _errors(result.errors, lambda error: _masked(error, debug)), 200)


def _masked(error: GraphQLError, debug: bool) -> GraphQLError:
    """The error for the client: only the id of the fault if the resolver did not expect it (docs/run-events.md)."""
    if error.original_error is None or isinstance(error.original_error, GraphQLError):
        return error
    fault = report_fault(error.original_error, debug)
    return GraphQLError(fault.message, nodes=error.nodes, path=error.path)


def _refused(errors: list[GraphQLError]) -> Response:
    return _json({"data": None} | _errors(errors, lambda error: error), 400)


def _errors(errors: list[GraphQLError] | None, shown: Callable[[GraphQLError], GraphQLError]) -> dict[str, Any]:
    return {"errors": [shown(error).formatted for error in errors]} if errors else {}


def _json(body: dict[str, Any], status_code: int) -> Response:
    return Response(to_json(body), status_code, media_type="application/json")


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
