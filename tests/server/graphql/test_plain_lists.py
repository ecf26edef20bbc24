"""The shortcut for lists of plain objects: the same answers as graphql-core's own."""

import inspect
from typing import Annotated

import graphql
import pytest
import strawberry
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from dagscope.server.graphql.plain_lists import PlainListExecutor


@strawberry.type
class Step:
    key: str
    duration_ms: int | None = None

    @strawberry.field
    def title(self) -> str:
        return self.key.title()


@strawberry.type
class Note:
    key: str
    steps: list[Step]


@strawberry.type
class Query:
    @strawberry.field
    def things(self) -> list[Annotated[Step | Note, strawberry.union("Thing")]]:
        return [Step(key="a"), Note(key="b", steps=[Step(key="c", duration_ms=1)]), Step(key="d", duration_ms=2)]

    @strawberry.field
    def steps(self) -> list[Step]:
        return [Step(key="a", duration_ms=3), Step(key="b")]


@pytest.mark.parametrize(
    "query",
    [
        "{steps {key}}",
        "{steps {name: key durationMs kind: __typename}}",
        "{steps {...Own key}} fragment Own on Step {durationMs}",
        "{steps {key title}}",
        "{steps {key @skip(if: true) durationMs @include(if: true)}}",
        "{things {__typename ... on Step {key durationMs} ... on Note {key}}}",
        "{things {... on Note {steps {key}} ... on Step {key}}}",
        "{steps {durationMs: key}}",
    ],
)
def test_answers_are_the_same(query: str) -> None:
    """Every query gets the same fields, values and order as without the shortcut."""
    short, usual = (
        strawberry.Schema(Query, execution_context_class=executor).execute_sync(query)
        for executor in (PlainListExecutor, StrawberryGraphQLCoreExecutionContext)
    )
    assert short.errors is usual.errors is None
    assert str(short.data) == str(usual.data)


def test_method_that_is_overridden() -> None:
    """The method that the shortcut overrides is that of graphql-core 3.3, the only version that is allowed."""
    assert graphql.version_info[:2] == (3, 3)
    own, theirs = (inspect.signature(executor.complete_list_value) for executor in PlainListExecutor.__mro__[:2])
    assert list(own.parameters) == list(theirs.parameters)
