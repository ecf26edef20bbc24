"""What a request for the data of an asset or of a data test is about: the task, and where its rows are."""

from dataclasses import dataclass

from starlette.requests import Request

from dagscope.dag.ground.frames import Frame, Value
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.server.api.found_rows import RowSource, frame_rows, relation_rows
from dagscope.server.http.endpoint import Query
from dagscope.server.http.lookups import Answer, AskedTask, Missing, asset_named, asset_or_gone, data_test_named
from dagscope.server.http.request_reading import is_asked, workspace_of
from dagscope.storage.assets_now import AssetNow
from dagscope.storage.kept_data_tests import KeptDataTest
from dagscope.storage.reader import Moment
from dagscope.storage.tasks import KeptAttempt, KeptNode

CAPTURED = Query(
    "captured",
    "also the rows that were captured of a table or view that another task has written since",
    "boolean",
)
"""The contract has no answer for an older task (contract, Data): captured rows are for those who ask for them."""


@dataclass(frozen=True)
class KeptData:
    """The data of an asset, as an attempt left it; `asset` is None if the DAG no longer has it.

    If only the first rows of a relation were captured, `relation_rows` says how many it had.
    """

    name: str
    asset: Asset | None
    kept: KeptAttempt
    node: KeptNode
    content: RowSource | Value
    relation_rows: int | None = None

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The fields of the primary key."""
        return self.asset.primary_key_fields if self.asset is not None else ()


async def kept_data(request: Request, unknown: Answer = Missing.as_error) -> KeptData | None:
    """The data that is asked for; None if there is none. Refuses an unknown asset or task with 404."""
    name, workspace, asked = request.path_params["name"], workspace_of(request), AskedTask.of_query(request)
    asset = asset_or_gone(workspace.project, name, asked, unknown)
    async with workspace.reader.moment() as moment:
        now = await moment.asset(name)
        kept = await asked.find(moment, unknown) or await newest_execution(moment, now)
        node = await moment.node(kept.summary.task_id, kept.attempt, name) if kept else None
        records = {}
        may_be_captured = is_asked(request, CAPTURED.name) or workspace.project.is_of_bundle  # which has no relations
        if kept is not None and may_be_captured:
            records = await moment.records.of_task(kept.summary.task_id, kept.attempt, name)
    if kept is None or node is None:
        if asset is None:
            asset_named(workspace.project, name, unknown)
        return None
    result = node.facts.result
    if isinstance(result, Value):
        return KeptData(name, asset, kept, node, result)
    if isinstance(result, Frame):
        return KeptData(name, asset, kept, node, frame_rows(workspace, result))
    is_there = asset is not None and relation_answers(node, now, kept.summary.task_id, kept.attempt)
    if asset is not None and is_there and not workspace.project.is_of_bundle:
        return KeptData(name, asset, kept, node, relation_rows(workspace, asset))
    record = records.get(name)
    if record is None or record.captured is None:
        return None
    rows = None if record.is_whole else record.rows
    return KeptData(name, asset, kept, node, frame_rows(workspace, record.captured), rows)


async def newest_execution(moment: Moment, now: AssetNow | None) -> KeptAttempt | None:
    """The attempt that last executed the asset, None if it was never executed."""
    if now is None or now.task_id is None:
        return None
    return await moment.attempt(now.task_id, now.attempt)


def relation_answers(node: KeptNode, now: AssetNow | None, task_id: str, attempt: int) -> bool:
    """Whether the current relation is what this attempt left: only if its task was the last to write it."""
    if now is None or now.relation_attempt is None or not node.facts.has_relation:
        return False
    return now.relation_task_id == task_id and attempt >= now.relation_attempt


@dataclass(frozen=True)
class KeptViolations:
    """The rows that an attempt found with a data test; `content` is None if there are none."""

    test: DataTest | None
    task: KeptAttempt
    kept: KeptDataTest
    content: RowSource | None


async def kept_violations(
    request: Request, unknown_test: Answer = Missing.as_error, unknown_task: Answer = Missing.as_error
) -> KeptViolations | None:
    """The rows that are asked for; None if the test was not run. Refuses an unknown test or task with 404."""
    name, workspace, asked = request.path_params["test_name"], workspace_of(request), AskedTask.of_query(request)
    async with workspace.reader.moment() as moment:
        task = await asked.find(moment, unknown_task) or await _newest_run(moment, name)
        kept = await moment.data_tests.of_test(task.summary.task_id, task.attempt, name) if task else None
    if task is None or kept is None:
        data_test_named(workspace.project, name, unknown_test)
        return None
    content = frame_rows(workspace, kept.violations) if kept.violations is not None else None
    return KeptViolations(workspace.project.tests.get(name), task, kept, content)


async def _newest_run(moment: Moment, test: str) -> KeptAttempt | None:
    """The newest attempt that ran the test, None if it was never run."""
    newest = await moment.data_tests.newest_attempt_of(test)
    return await moment.attempt(*newest) if newest else None
