"""The schema of the run API specification, literally (spec, GraphQL Query Specifications): `logsForRun` and its union.

Names are the published ones; Strawberry converts the Python names to camelCase.
"""

from typing import Annotated

import strawberry

from dagscope.dag.events.run_events import RunEventLevel
from dagscope.server.graphql.graphql_context import GraphQLInfo, given
from dagscope.server.graphql.run_event_pages import BadArgument, RunNotFound, event_page, published
from dagscope.server.workspace.faults import report_fault

strawberry.enum(RunEventLevel, name="LogLevel")


@strawberry.type
class MessageEvent:
    """A run event. `timestamp` is ISO 8601, UTC."""

    run_id: str
    message: str
    timestamp: str
    level: RunEventLevel
    step_key: str | None
    event_type: str


@strawberry.type
class EventConnection:
    """A page of events. `cursor` requests the next page: now if `has_more`, else once there are new events."""

    events: list[MessageEvent]
    cursor: str
    has_more: bool


@strawberry.type
class PythonError:
    """An invalid argument, or a fault of the server; `stack` is empty except in debug mode."""

    message: str
    stack: str


@strawberry.type
class RunNotFoundError:
    """No run has that id."""

    message: str


EventConnectionOrError = Annotated[
    EventConnection | PythonError | RunNotFoundError, strawberry.union("EventConnectionOrError")
]


@strawberry.type
class CloudQuery:
    """The root of all queries."""

    @strawberry.field
    async def logs_for_run(
        self,
        info: GraphQLInfo,
        run_id: strawberry.ID,
        limit: int | None = strawberry.UNSET,
        after_cursor: str | None = strawberry.UNSET,
    ) -> EventConnectionOrError:
        """The events of a run in order; `limit` is 100 if not given, and at most 1,000."""
        try:
            page = await event_page(info.context.reader, run_id, given(limit), after_cursor or None)
        except RunNotFound as error:
            return RunNotFoundError(message=str(error))
        except BadArgument as error:
            return PythonError(message=str(error), stack="")
        except Exception as error:  # noqa: BLE001  the spec has a type for every failure
            fault = report_fault(error, info.context.debug)
            return PythonError(message=fault.message, stack="".join(fault.stack))
        return EventConnection(
            events=[MessageEvent(**published(kept.event, MessageEvent)) for kept in page.events],
            cursor=page.cursor,
            has_more=page.has_more,
        )
