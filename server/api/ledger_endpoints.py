"""`GET /api/tests/ledger/:testName`: which failing rows are new, fixed and still there, task by task."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.project.project import Project
from dagscope.server.api.row_answers import RowRefusals, columns_shape, unreadable
from dagscope.server.api.row_json import parsed_rows
from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import attempt_of, data_test_named
from dagscope.server.http.request_reading import asked_task_id, whole_number, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.ledger import DataTestLedger, LedgerGroup, LedgerTask
from dagscope.server.workspace.reads import Gone
from dagscope.server.workspace.row_identities import Comparing
from dagscope.server.workspace.row_ledger import Counts, Found, Group
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.data_test_runs import DataTestRun

DEFAULT_TASKS = 50
MOST_TASKS = 500
LISTED_ROWS = 1_000


async def get_ledger(request: Request) -> Response:
    limit = whole_number(request, "limit", least=1, most=MOST_TASKS) or DEFAULT_TASKS
    through = asked_task_id(request)
    name = request.path_params["test_name"]
    return ShapeResponse(await ledger_of(workspace_of(request), name, limit, through, until_gone(request)))


async def ledger_of(
    workspace: Workspace, name: str, limit: int, through: str | None, gone: Gone | None = None
) -> DataTestLedger:
    """The ledger of a data test over the newest tasks, or those up to the task `through`. Raises `Refused`."""
    async with workspace.reader.moment() as moment:
        task = await attempt_of(moment, through, None) if through is not None else None
        runs = await moment.data_test_runs.newest(name, limit + 1, task.summary if task else None)
    if not any(run.status for run in runs):
        data_test_named(workspace.project, name)

    def compared(cancellation: Cancellation) -> DataTestLedger:
        return _ledger(workspace, name, runs, limit, cancellation)

    async with RowRefusals(workspace, unreadable):
        return await workspace.reads.frames.answer(compared, gone)


def _ledger(
    workspace: Workspace, name: str, runs: Sequence[DataTestRun], limit: int, cancellation: Cancellation
) -> DataTestLedger:
    """The ledger of the first `limit` of these runs, newest first; one more is there to compare with."""
    counted = [run for run in reversed(runs) if run.has_counted]
    comparing = _comparing(workspace.project, name, counted[-1].asset if counted else None)
    listed = min(LISTED_ROWS, workspace.settings.answer_rows or LISTED_ROWS)
    found = [Found(run.violation_count, run.violations) for run in counted]
    ledger = workspace.row_ledgers.ledger(found, len(runs) > limit, comparing, listed, cancellation)
    of_tasks = {run.task_id: counts for run, counts in zip(counted, ledger.counts, strict=True)}
    key_fields = comparing.key_fields if ledger.is_by_key else ()
    return DataTestLedger(
        test_name=name,
        tasks=tuple(_task(workspace, run, of_tasks.get(run.task_id)) for run in runs[:limit]),
        has_earlier=len(runs) > limit,
        task_id=counted[-1].task_id if counted else None,
        compared_with=counted[-2].task_id if len(counted) > 1 else None,
        key_fields=key_fields or None,
        columns=columns_shape(ledger.columns, key_fields),
        groups=tuple(_group(group, counted) for group in ledger.groups),
    )


def _comparing(project: Project, name: str, asset: str | None) -> Comparing:
    """By the primary key of the asset that the test belongs to: that of its newest run, else one that lists it now."""
    owner = project.assets.get(asset or "") or next(
        (each for each in project.assets.values() if name in each.tests), None
    )
    test = project.tests.get(name)
    return Comparing(owner.primary_key_fields if owner else (), test.mask if test else ())


def _task(workspace: Workspace, run: DataTestRun, counts: Counts | None) -> LedgerTask:
    about = LedgerTask(
        task_id=run.task_id,
        attempt=run.attempt,
        start_time=run.start_time,
        status=run.status,
        could_not_run=run.could_not_run,
    )
    if counts is None:
        return about
    return about.model_copy(
        update={
            "row_count": run.violation_count,
            "kept_rows": counts.kept,
            "new_rows": counts.new,
            "fixed_rows": counts.fixed,
            "maybe_new_rows": counts.maybe_new,
            "still_rows": counts.still,
            "columns_changed": counts.columns_changed or None,
            "error_msg": workspace.project.redaction.text(counts.unread) if counts.unread else None,
        }
    )


def _group(group: Group, runs: Sequence[DataTestRun]) -> LedgerGroup:
    return LedgerGroup(
        state=group.standing,
        count=group.count,
        rows=[row for table in group.tables for row in parsed_rows(iter(table.combine_chunks().to_batches()))],
        since=tuple(runs[place].task_id for place in group.since),
        since_is_exact=group.since_is_exact,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/tests/ledger/{test_name}",
        get_ledger,
        "Which rows that violate a data test are new, fixed and still there, task by task, newest first.",
        {200: DataTestLedger, 400: Error, 404: Error, 500: Error, 503: Error, 504: Error},
        queries=(
            Query("limit", "the number of tasks; 50 by default", "integer", least=1, most=MOST_TASKS),
            Query("taskId", "the newest of these tasks", names_task=True),
        ),
        tag="tests",
    ),
)
