"""The part of Dagster's public schema that its own client uses (contract, Run events).

`dg api run get-events`, `get` and `list` of PyPI's `dagster-dg-cli` (1.13) work against it. Here `MessageEvent` is an
interface with a concrete type for each kind of event, `timestamp` a text of epoch milliseconds, `eventType` null for a
log line, stacks are lists, and the times of runs are epoch seconds.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Optional

import strawberry
import yaml

from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.server.graphql.graphql_context import GraphQLContext, GraphQLInfo, given
from dagscope.server.graphql.run_event_pages import BadArgument, RunNotFound, checked_limit, event_page, published
from dagscope.server.workspace.faults import Fault, report_fault
from dagscope.storage.runs import KeptRun, KeptRunEvent, RunStatus


class _ExactDumper(yaml.SafeDumper):
    """YAML with all digits of decimals."""


_ExactDumper.add_representer(
    Decimal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", f"{value:f}")
)

strawberry.enum(RunEventLevel, name="LogLevel")
strawberry.enum(RunStatus)


@strawberry.enum
class DagsterEventType(StrEnum):
    """Dagster's names for the events that dagscope has."""

    RUN_START = "RUN_START"
    RUN_SUCCESS = "RUN_SUCCESS"
    RUN_FAILURE = "RUN_FAILURE"
    RUN_CANCELED = "RUN_CANCELED"
    STEP_START = "STEP_START"
    STEP_SUCCESS = "STEP_SUCCESS"
    STEP_FAILURE = "STEP_FAILURE"
    STEP_SKIPPED = "STEP_SKIPPED"
    ASSET_MATERIALIZATION = "ASSET_MATERIALIZATION"
    ASSET_CHECK_EVALUATION = "ASSET_CHECK_EVALUATION"
    ENGINE_EVENT = "ENGINE_EVENT"


@strawberry.type
class PythonError:
    """An error with its causes."""

    message: str
    class_name: str | None = None
    stack: list[str] = strawberry.field(default_factory=list)
    cause: Optional["PythonError"] = None


@strawberry.interface
class MessageEvent:
    """The fields of every event. `timestamp` is epoch milliseconds."""

    run_id: str
    message: str
    timestamp: str
    level: RunEventLevel
    step_key: str | None
    event_type: DagsterEventType | None


@strawberry.type
class RunStartEvent(MessageEvent):
    """RUN_START"""


@strawberry.type
class RunSuccessEvent(MessageEvent):
    """RUN_SUCCESS"""


@strawberry.type
class RunFailureEvent(MessageEvent):
    """RUN_FAILURE"""


@strawberry.type
class RunCanceledEvent(MessageEvent):
    """RUN_CANCELED"""


@strawberry.type
class ExecutionStepStartEvent(MessageEvent):
    """STEP_START"""


@strawberry.type
class ExecutionStepSuccessEvent(MessageEvent):
    """STEP_SUCCESS"""


@strawberry.type
class ExecutionStepFailureEvent(MessageEvent):
    """STEP_FAILURE, with the error and its cause."""

    error: PythonError | None


@strawberry.type
class ExecutionStepSkippedEvent(MessageEvent):
    """STEP_SKIPPED"""


@strawberry.type
class MaterializationEvent(MessageEvent):
    """ASSET_MATERIALIZATION"""


@strawberry.type
class AssetCheckEvaluationEvent(MessageEvent):
    """ASSET_CHECK_EVALUATION: a data test."""


@strawberry.type
class EngineEvent(MessageEvent):
    """ENGINE_EVENT: what the server itself did."""


@strawberry.type
class LogMessageEvent(MessageEvent):
    """A line that a raw asset logged; its type is null."""


_TYPES: dict[str, tuple[type[MessageEvent], DagsterEventType | None]] = {
    RunEventType.RUN_START: (RunStartEvent, DagsterEventType.RUN_START),
    RunEventType.RUN_SUCCESS: (RunSuccessEvent, DagsterEventType.RUN_SUCCESS),
    RunEventType.RUN_FAILURE: (RunFailureEvent, DagsterEventType.RUN_FAILURE),
    RunEventType.RUN_CANCELED: (RunCanceledEvent, DagsterEventType.RUN_CANCELED),
    RunEventType.STEP_START: (ExecutionStepStartEvent, DagsterEventType.STEP_START),
    RunEventType.STEP_SUCCESS: (ExecutionStepSuccessEvent, DagsterEventType.STEP_SUCCESS),
    RunEventType.STEP_SKIPPED: (ExecutionStepSkippedEvent, DagsterEventType.STEP_SKIPPED),
    RunEventType.MATERIALIZATION: (MaterializationEvent, DagsterEventType.ASSET_MATERIALIZATION),
    RunEventType.ASSET_CHECK_EVALUATION: (AssetCheckEvaluationEvent, DagsterEventType.ASSET_CHECK_EVALUATION),
    RunEventType.ENGINE_EVENT: (EngineEvent, DagsterEventType.ENGINE_EVENT),
    RunEventType.LOG_MESSAGE: (LogMessageEvent, None),
}
"""All except STEP_FAILURE, which has a field of its own."""

DagsterRunEvent = Annotated[
    RunStartEvent
    | RunSuccessEvent
    | RunFailureEvent
    | RunCanceledEvent
    | ExecutionStepStartEvent
    | ExecutionStepSuccessEvent
    | ExecutionStepFailureEvent
    | ExecutionStepSkippedEvent
    | MaterializationEvent
    | AssetCheckEvaluationEvent
    | EngineEvent
    | LogMessageEvent,
    strawberry.union("DagsterRunEvent"),
]


@strawberry.type
class EventConnection:
    """A page of events."""

    events: list[DagsterRunEvent]
    cursor: str
    has_more: bool


@strawberry.type
class RunNotFoundError:
    """No run has that id."""

    run_id: str
    message: str


EventConnectionOrError = Annotated[
    EventConnection | RunNotFoundError | PythonError, strawberry.union("EventConnectionOrError")
]


@strawberry.type
class PipelineTag:
    """A tag of a run."""

    key: str
    value: str


@strawberry.type
class RunStatsSnapshot:
    """Counts of a run; `expectations` counts its data tests."""

    run_id: str
    steps_succeeded: int
    steps_failed: int
    materializations: int
    expectations: int


RunStatsSnapshotOrError = Annotated[RunStatsSnapshot | PythonError, strawberry.union("RunStatsSnapshotOrError")]


@strawberry.type
class Run:
    """The newest attempt of a run. Times are epoch seconds; the job of every run is the project's DAG."""

    kept: strawberry.Private[KeptRun]
    run_id: str
    status: RunStatus
    job_name: str
    creation_time: float
    start_time: float | None
    end_time: float | None
    tags: list[PipelineTag]

    @strawberry.field
    async def run_config_yaml(self, info: GraphQLInfo) -> str:
        """The run's `data`."""
        async with info.context.reader.moment() as moment:
            data = await moment.runs.data(self.kept.key, self.kept.attempt)
        return str(yaml.dump(data, Dumper=_ExactDumper, allow_unicode=True, sort_keys=False))

    @strawberry.field
    async def stats(self, info: GraphQLInfo) -> RunStatsSnapshotOrError:
        kinds = (RunEventType.MATERIALIZATION, RunEventType.ASSET_CHECK_EVALUATION)
        async with info.context.reader.moment() as moment:
            materializations, tests = await moment.runs.count_events(self.kept.key, self.kept.attempt, kinds)
        return RunStatsSnapshot(
            run_id=self.run_id,
            steps_succeeded=self.kept.steps_succeeded,
            steps_failed=self.kept.steps_failed,
            materializations=materializations,
            expectations=tests,
        )


@strawberry.type
class Runs:
    """Runs, newest first; `count` counts all that match the filter."""

    results: list[Run]
    count: int


@strawberry.type
class InvalidPipelineRunsFilterError:
    """An invalid filter."""

    message: str


@strawberry.input
class RunsFilter:
    """Which runs to list; `pipeline_name` is a job's name."""

    pipeline_name: str | None = strawberry.UNSET
    statuses: list[RunStatus] | None = strawberry.UNSET


RunOrError = Annotated[Run | RunNotFoundError | PythonError, strawberry.union("RunOrError")]
RunsOrError = Annotated[Runs | InvalidPipelineRunsFilterError | PythonError, strawberry.union("RunsOrError")]


@strawberry.type
class Query:
    """The queries that Dagster's client sends."""

    @strawberry.field
    async def logs_for_run(
        self,
        info: GraphQLInfo,
        run_id: strawberry.ID,
        after_cursor: str | None = strawberry.UNSET,
        limit: int | None = strawberry.UNSET,
    ) -> EventConnectionOrError:
        try:
            page = await event_page(info.context.reader, run_id, given(limit), after_cursor or None)
        except RunNotFound as error:
            return RunNotFoundError(run_id=run_id, message=str(error))
        except BadArgument as error:
            return PythonError(message=str(error))
        except Exception as error:  # noqa: BLE001  the schema has a type for every failure
            return _fault(report_fault(error, info.context.debug))
        return EventConnection(
            events=[_event(kept) for kept in page.events], cursor=page.cursor, has_more=page.has_more
        )

    @strawberry.field
    async def run_or_error(self, info: GraphQLInfo, run_id: strawberry.ID) -> RunOrError:
        try:
            async with info.context.reader.moment() as moment:
                kept = await moment.runs.run(run_id)
        except Exception as error:  # noqa: BLE001  the schema has a type for every failure
            return _fault(report_fault(error, info.context.debug))
        if kept is None:
            return RunNotFoundError(run_id=run_id, message=str(RunNotFound(run_id)))
        return _run(kept, info.context)

    @strawberry.field
    async def runs_or_error(
        self,
        info: GraphQLInfo,
        filter: RunsFilter | None = strawberry.UNSET,  # noqa: A002  the published name
        cursor: str | None = strawberry.UNSET,
        limit: int | None = strawberry.UNSET,
    ) -> RunsOrError:
        """Runs, newest first; `cursor` is the id of the run after which the page starts."""
        try:
            return await _runs(info.context, filter or RunsFilter(), cursor or None, given(limit))
        except BadArgument as error:
            return InvalidPipelineRunsFilterError(message=str(error))
        except Exception as error:  # noqa: BLE001  the schema has a type for every failure
            return _fault(report_fault(error, info.context.debug))


async def _runs(context: GraphQLContext, wanted: RunsFilter, cursor: str | None, limit: int | None) -> Runs:
    most = checked_limit(limit)
    job_name = wanted.pipeline_name or None
    async with context.reader.moment() as moment:
        after = await moment.runs.run(cursor) if cursor is not None else None
        if cursor is not None and after is None:
            raise BadArgument(f"cursor must be the id of a run, found {cursor!r}")
        if job_name is not None and job_name != context.workspace.project.instance_name:
            return Runs(results=[], count=0)
        page = await moment.runs.page(wanted.statuses or None, after, most)
    return Runs(results=[_run(kept, context) for kept in page.runs], count=page.total)


def _run(kept: KeptRun, context: GraphQLContext) -> Run:
    started = None if kept.status is RunStatus.QUEUED else kept.accepted_ms / 1000
    return Run(
        kept=kept,
        run_id=kept.key.task_id,
        status=kept.status,
        job_name=context.workspace.project.instance_name,
        creation_time=kept.accepted_ms / 1000,
        start_time=started,
        end_time=None if kept.ended_ms is None else kept.ended_ms / 1000,
        tags=[
            PipelineTag(key="dagscope/attempt", value=str(kept.attempt)),
            PipelineTag(key="dagscope/task_uuid", value=kept.key.task_uuid),
        ],
    )


def _event(kept: KeptRunEvent) -> DagsterRunEvent:
    event = kept.event
    milliseconds = round(datetime.fromisoformat(event.timestamp).timestamp() * 1000)
    values = published(event, MessageEvent) | {"timestamp": str(milliseconds)}
    if event.event_type == RunEventType.STEP_FAILURE:
        values |= {"event_type": DagsterEventType.STEP_FAILURE, "error": _python_error(kept.error)}
        return ExecutionStepFailureEvent(**values)
    type_, event_type = _TYPES[event.event_type]
    values["event_type"] = event_type
    converted: DagsterRunEvent = type_(**values)  # type: ignore[assignment]  # one of `_TYPES`
    return converted


def _python_error(info: ErrorInfo | None) -> PythonError | None:
    if info is None:
        return None
    return PythonError(
        message=info.message, class_name=info.class_name, stack=list(info.stack), cause=_python_error(info.cause)
    )


def _fault(fault: Fault) -> PythonError:
    return PythonError(message=fault.message, stack=list(fault.stack))
