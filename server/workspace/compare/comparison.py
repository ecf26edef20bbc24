"""Comparing two tasks: reads what is kept of both, and has computed what differs and why nodes are red."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from dagscope.dag.events.node_records import Code
from dagscope.dag.events.status import DataTestResult, DataTestStatus, NodeState, TaskSummary
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError
from dagscope.dag.ground.frames import Frame
from dagscope.dag.project.project import Project
from dagscope.server.workspace.compare.causes import Red, RedRootTest, causes_of_red
from dagscope.server.workspace.compare.changes import AssetChanges, TestChange, asset_changes, test_changes
from dagscope.server.workspace.compare.executions import Execution, RanTest, Side
from dagscope.server.workspace.compare.row_differences import RowDifference, row_difference
from dagscope.server.workspace.frame_queries import FrameQueries
from dagscope.storage.node_records import KeptRecord
from dagscope.storage.reader import Moment
from dagscope.storage.tasks import KeptNode, KeptTask

LAST_RUNS = 10
"""What durations vary by is taken from so many tasks."""

MOST_COMPARED = 300_000
"""Rows that are compared in one answer that is not about certain assets; it takes about 0.15 s."""

_AS_ROWS = 2_000  # comparing an asset takes as long as so many rows, besides its own

NOT_COMPARED = "their rows were not compared: ask for this asset alone"
_ONLY_MASKED = "the rows that were kept are the same: they differ in a column that is masked, or in one of another type"


@dataclass(frozen=True)
class AssetComparison:
    """What differs of an asset; `note` says why the rows could not be compared."""

    changes: AssetChanges
    difference: RowDifference | None = None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """Two tasks, what differs of each asset, in the order of the newer task, and why nodes are red."""

    before: KeptTask
    after: KeptTask
    assets: tuple[AssetComparison, ...]
    root_tests: tuple[TestChange, ...]
    red: tuple[Red, ...]


@dataclass(frozen=True)
class BothTasks:
    """What was read of the two."""

    before: KeptTask
    after: KeptTask
    old: Side
    new: Side
    durations_ms: Mapping[str, tuple[int, ...]]


async def read_both(moment: Moment, before: KeptTask, after: KeptTask) -> BothTasks:
    """All that is needed to compare the two."""
    records = [await moment.records.of_task(task.summary.task_id, task.attempt) for task in (before, after)]
    tests = [await moment.records.test_codes(task.summary.task_id, task.attempt) for task in (before, after)]
    needed = _differing_codes(records[0], records[1], tests[0], tests[1]) | _red_codes(after, records[1], tests[1])
    codes = await moment.records.codes(needed)
    old, new = (_side(task, kept, ran, codes) for task, kept, ran in zip((before, after), records, tests, strict=True))
    return BothTasks(before, after, old, new, await _durations(moment, after.summary))


def _differing_codes(
    old: Mapping[str, KeptRecord],
    new: Mapping[str, KeptRecord],
    old_tests: Mapping[tuple[str, str], str],
    new_tests: Mapping[tuple[str, str], str],
) -> frozenset[str]:
    """The code that differs, and that of assets whose rows may: most of a large DAG is the same."""
    needed = {digest for name, digest in new_tests.items()} - set(old_tests.values())
    needed |= {digest for name, digest in old_tests.items() if new_tests.get(name, digest) != digest}
    for asset, record in new.items():
        before = old.get(asset)
        if before is None or (before.code, before.fingerprint) != (record.code, record.fingerprint):
            needed |= {record.code} if before is None else {record.code, before.code}
    return frozenset(needed)


def _red_codes(
    task: KeptTask, records: Mapping[str, KeptRecord], tests: Mapping[tuple[str, str], str]
) -> frozenset[str]:
    """The code of what failed."""
    red = [node.status for node in task.nodes if node.status.state is NodeState.FAILED]
    needed = {records[node.asset_name].code for node in red if node.asset_name in records}
    results = [(node.asset_name, result) for node in red for result in node.test_results]
    results += [("", result) for result in task.root_test_results]
    failed = [(asset, result.test_name) for asset, result in results if result.status is DataTestStatus.FAILED]
    return frozenset(needed | {tests[key] for key in failed if key in tests})


def _side(
    task: KeptTask,
    records: Mapping[str, KeptRecord],
    tests: Mapping[tuple[str, str], str],
    codes: Mapping[str, Code],
) -> Side:
    executions = {
        node.status.asset_name: _execution(node, records.get(node.status.asset_name), tests, codes)
        for node in task.nodes
        if not node.status.is_selection
    }
    root_tests = tuple(_ran(result, tests.get(("", result.test_name)), codes) for result in task.root_test_results)
    own = (task.summary.task_id, task.task_uuid)
    return Side(task.data, executions, root_tests, own)


def _execution(
    node: KeptNode, record: KeptRecord | None, tests: Mapping[tuple[str, str], str], codes: Mapping[str, Code]
) -> Execution:
    status = node.status
    asset = status.asset_name
    ran = tuple(_ran(result, tests.get((asset, result.test_name)), codes) for result in status.test_results)
    duration_ms = status.execution_time_ms if status.state is NodeState.SUCCESS else None
    if record is None or not status.state.is_ended:
        return Execution(asset, status.state, status.message, duration_ms, tests=ran)
    frame = all_rows(node, record)
    return Execution(
        asset,
        status.state,
        status.message,
        duration_ms,
        record.code,
        codes.get(record.code),
        record.engine,
        _settings(record.settings),
        record.columns,
        record.rows if record.rows is not None or frame is None else frame.rows,
        record.fingerprint,
        record.upstreams,
        frame,
        record.note,
        ran,
    )


def all_rows(node: KeptNode, record: KeptRecord) -> Frame | None:
    """The frame that holds all rows of the relation, if there is one."""
    if isinstance(node.facts.result, Frame):
        return node.facts.result
    return record.captured if record.is_whole else None


@cache
def _settings(text: str) -> Mapping[str, str]:
    return json.loads(text)  # type: ignore[no-any-return]  # as dag/run/node_recording.py writes it


def _ran(result: DataTestResult, digest: str | None, codes: Mapping[str, Code]) -> RanTest:
    code = codes.get(digest, Code(digest, "", "")) if digest is not None else None
    return RanTest(result.test_name, result.status, code, result.error or "", result.row_count or 0)


async def _durations(moment: Moment, after: TaskSummary) -> dict[str, tuple[int, ...]]:
    """Of each asset, what its runs in the last tasks before this one took."""
    return {
        series.name: tuple(
            taken
            for taken, state in zip(series.numbers[:-1], series.states[:-1], strict=True)
            if taken is not None and state == NodeState.SUCCESS
        )
        for series in await moment.history.assets(LAST_RUNS + 1, after)
    }


class Comparing:
    """Computes a comparison, in a thread. `wanted` are the assets that it is about, None for all."""

    def __init__(
        self,
        both: BothTasks,
        project: Project,
        queries: FrameQueries,
        cancellation: Cancellation,
        wanted: Collection[str] | None = None,
    ) -> None:
        self._both, self._project, self._queries, self._cancellation = both, project, queries, cancellation
        self._wanted = wanted
        self._compared = 0
        self._differences: dict[str, RowDifference | str] = {}

    def compared(self) -> Comparison:
        """The comparison. Raises `Cancelled`."""
        both = self._both
        old, new = both.old, both.new
        names = dict.fromkeys((*new.executions, *old.executions))
        changes = {name: asset_changes(name, old, new, both.durations_ms.get(name, ())) for name in names}
        unclear = (name for name, change in changes.items() if change.same_rows is None)
        self._compare_rows(changes, unclear)
        changes = {name: self._with_rows(change) for name, change in changes.items()}
        root_tests = test_changes(old.root_tests, new.root_tests)
        red = self._red(changes, root_tests)
        causes = dict.fromkeys(cause.asset for each in red for cause in each.causes)
        self._compare_rows(changes, dict.fromkeys((*causes, *changes)))
        return Comparison(
            both.before,
            both.after,
            tuple(self._asset(changes[name]) for name in names if self._wanted is None or name in self._wanted),
            root_tests,
            red,
        )

    def _red(self, changes: Mapping[str, AssetChanges], root_tests: Iterable[TestChange]) -> tuple[Red, ...]:
        changed = {change.name: change for change in root_tests}
        roots = [RedRootTest(test, changed.get(test.name)) for test in self._both.new.root_tests if test.is_red]
        reads = {name: test.references for name, test in self._project.tests.items()}
        return causes_of_red(changes, {name: _upstreams(change) for name, change in changes.items()}, roots, reads)

    # -- rows

    def _compare_rows(self, changes: Mapping[str, AssetChanges], names: Iterable[str]) -> None:
        """Compare rows, in this order, as long as they are not too many."""
        for name in names:
            change = changes.get(name)
            if change is None or name in self._differences or (self._wanted is not None and name not in self._wanted):
                continue
            frames = _frames(change)
            if frames is None or change.same_rows is True:
                continue
            rows = _AS_ROWS + sum(frame.rows for frame in frames)
            if self._wanted is None and self._compared + rows > MOST_COMPARED:
                self._differences[name] = NOT_COMPARED
                continue
            self._compared += rows
            self._differences[name] = self._difference(name, *frames)

    def _difference(self, name: str, before: Frame, after: Frame) -> RowDifference | str:
        asset = self._project.assets.get(name)
        key = asset.primary_key_fields if asset is not None else ()
        try:
            return row_difference(self._queries, before, after, key, self._cancellation)
        except Cancelled:
            raise
        except DagscopeError as error:
            return str(error)

    def _with_rows(self, change: AssetChanges) -> AssetChanges:
        """The change of an asset whose fingerprints did not say whether its rows are the same, but its rows do."""
        found = self._differences.get(change.asset)
        if change.same_rows is not None or not isinstance(found, RowDifference):
            return change
        return replace(change, same_rows=found.is_none and not change.columns)

    def _asset(self, change: AssetChanges) -> AssetComparison:
        found = self._differences.get(change.asset)
        if isinstance(found, RowDifference):
            is_hidden = found.is_none and change.same_rows is False
            return AssetComparison(change, found, _ONLY_MASKED if is_hidden else "")
        return AssetComparison(change, None, found or (change.after.note if change.after else ""))


def _frames(change: AssetChanges) -> tuple[Frame, Frame] | None:
    before, after = change.before, change.after
    if before is None or after is None or before.rows_frame is None or after.rows_frame is None:
        return None
    return before.rows_frame, after.rows_frame


def _upstreams(change: AssetChanges) -> Sequence[str]:
    """All that it read in either task."""
    sides = (change.after, change.before)
    return tuple(dict.fromkeys(name for side in sides if side is not None for name in side.upstreams))
