"""Executes GraphQL queries on the two schemas.

Imports Strawberry, which takes longer than any other library of the server: `graphql_endpoints` imports this with the
first query.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import strawberry
from graphql import DocumentNode, GraphQLError, validate
from pydantic_core import to_json
from starlette.responses import Response
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext

from dagscope.server.graphql import cloud_schema, dagster_schema
from dagscope.server.graphql.graphql_context import GraphQLContext
from dagscope.server.graphql.plain_lists import PlainListExecutor
from dagscope.server.graphql.query_limits import check_cost, parse_within_limits
from dagscope.server.workspace.faults import report_fault
from dagscope.server.workspace.workspace import Workspace

_KEPT_QUERIES = 32  # parsed and validated; tools send the same few again and again


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

SCHEMAS = {"cloud": CLOUD_SCHEMA, "dagster": DAGSTER_SCHEMA}


async def execute_query(
    schema: strawberry.Schema,
    query: str,
    variables: Mapping[str, Any],
    operation_name: str | None,
    workspace: Workspace,
) -> Response:
    """The answer to a query, with 400 if nothing of it could be executed."""
    try:
        document, invalid = _prepared(schema, query)
        check_cost(document, variables)
        if invalid:
            return _refused(invalid)
        result = await schema.execute(
            query,
            variable_values=dict(variables),
            operation_name=operation_name,
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
