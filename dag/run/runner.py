"""Running a DAG: an asset starts as soon as all its upstreams are done (docs/architecture.md).

The runner gets a project, connections, a store for frames and one `emit(event)`; it depends on nothing else.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from itertools import repeat
from threading import Thread

from dagscope.dag.events.closing import report_dropped_entries, report_run_end
from dagscope.dag.events.events import TaskChanged, TaskEnded
from dagscope.dag.events.log_limits import UNLIMITED, LogLimits
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.events.status import DataTestStatus, NodeState, NodeStatus, PausedAt, TaskStatus
from dagscope.dag.events.task_log import Emit, TaskLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.clock import Stopwatch, now_ms
from dagscope.dag.ground.errors import Cancelled
from dagscope.dag.ground.frames import FrameStore, Result
from dagscope.dag.model.assets import is_root
from dagscope.dag.project.project import Project
from dagscope.dag.run.asset_execution import AssetExecution, Once
from dagscope.dag.run.at_breakpoints import AtBreakpoints
from dagscope.dag.run.breakpoints import Answer, GoOn, Holding, by_asset
from dagscope.dag.run.data_tests import DataTestRun
from dagscope.dag.run.interpreter_turns import long_turns
from dagscope.dag.run.left_relations import LeftRelations
from dagscope.dag.run.node_execution import NodeExecution, Outcome
from dagscope.dag.run.node_limit import NodeLimit
from dagscope.dag.run.node_recording import FINGERPRINT_ROWS, RelationRecording
from dagscope.dag.run.node_reports import NodeReport, NodeReports
from dagscope.dag.run.process_state import ProcessState
from dagscope.dag.run.schedule import SHARED, Schedule, Turn
from dagscope.dag.run.task_plan import TaskPlan, fresh_node, root_tests_to_run

ASSET_THREAD = "asset"
"""The prefix of the names of threads that execute assets."""

CANCEL_GRACE_S = 1.0
"""How long assets may take to stop after a cancellation; an asset that waits in C code cannot be stopped at all."""


@dataclass(frozen=True)
class TaskOptions:
    """How tasks are executed: in how many threads, what a node may take, how much of tests and logs is stored.

    With `fail_on_tests`, no downstream of an asset whose data tests failed is executed.
    Relations with more than `fingerprint_rows` rows have no fingerprint.
    """

    max_workers: int
    kept_violations: int
    log_limits: LogLimits = UNLIMITED
    node_limit_s: float | None = None
    node_rows: int | None = None
    fail_on_tests: bool = True
    fingerprint_rows: int = FINGERPRINT_ROWS


@dataclass(frozen=True)
class RunEnd:
    """How an attempt ended, and the relations that it has left and that are to be recorded.

    `left_behind` are the assets whose threads a cancellation could not stop and still run.
    """

    status: TaskStatus
    relations: LeftRelations
    left_behind: tuple[str, ...] = ()


def run(
    project: Project,
    plan: TaskPlan,
    frames: FrameStore,
    emit: Emit,
    cancellation: Cancellation,
    options: TaskOptions,
    holding: Holding | None = None,
) -> RunEnd:
    """Execute one attempt to its end, in this thread and at most `max_workers` others; returns how it ended.

    A connection with a `max_concurrent` has as many threads of its own besides, for its SQL assets.

    Every change is reported to `emit`. `holding` has the answers at the plan's breakpoints. Never raises for errors in
    the project's SQL, Python or databases.
    """
    return _Run(project, plan, frames, emit, cancellation, options, holding or Holding(cancellation)).to_end()


class _Run:
    """One attempt in progress. Only `_work_to_end` runs in other threads, each on its own node."""

    def __init__(
        self,
        project: Project,
        plan: TaskPlan,
        frames: FrameStore,
        emit: Emit,
        cancellation: Cancellation,
        options: TaskOptions,
        holding: Holding,
    ) -> None:
        self.project, self.plan, self.cancellation = project, plan, cancellation
        self.log = TaskLog.of_attempt(emit, project.redaction, plan.task.task_id, plan.attempt, options.log_limits)
        self.reports = NodeReports(project, plan, self.log)
        self.tests = DataTestRun(project, frames, plan.task, cancellation, options.kept_violations, self.log.shown)
        assets = AssetExecution(project, frames, plan.task, cancellation, Once(), ProcessState(), options.node_rows)
        self.relations = RelationRecording(frames, options.fingerprint_rows, project.masked_columns, plan.work.capture)
        limit = NodeLimit(options.node_limit_s, cancellation)
        self.execution = NodeExecution(assets, self.tests, plan.work, limit)
        self.root_statements = StatementLog(project.redaction, plan.work.profile)
        self.results: dict[str, Result | None] = dict(plan.earlier_results)
        self.lanes = _lanes(project, plan.work.to_execute)
        self.schedule = Schedule(project.graph, plan.work.to_execute, self.lanes, cancellation, self.reports.note_ready)
        self.breaks = AtBreakpoints(
            by_asset(plan.work.breakpoints), holding, self.schedule, cancellation, self.log, self._report_pause
        )
        self.max_workers, self.fail_on_tests = options.max_workers, options.fail_on_tests

    def to_end(self) -> RunEnd:
        watch = Stopwatch()
        self.log.info("Starting DAG execution", assets=len(self.plan.work.to_execute))
        self.log.run_event(RunEventType.RUN_START, RunEventLevel.INFO, f"Started execution of {self._work_text()}.")
        self._execute_assets()
        tests_passed = self._run_tests_after_assets()
        return RunEnd(self._end(watch, tests_passed), self._left_relations(), self.schedule.left_behind())

    def _left_relations(self) -> LeftRelations:
        executed = self.plan.work.to_execute - self.plan.work.to_select
        reports = tuple(self.reports.of(name) for name in self.project.graph.order if name in executed)
        return LeftRelations(self.project, self.relations, reports, self.plan.earlier_fingerprints, self.log.emit)

    def _work_text(self) -> str:
        work = self.plan.work
        if work.lone_tests and not work.to_execute:
            count, word = len(work.lone_tests), "data test"
        else:
            count, word = len(work.to_execute), "asset"
        return f"1 {word}" if count == 1 else f"{count} {word}s"

    # -- the assets

    def _execute_assets(self) -> None:
        workers = [
            Thread(target=self._work_to_end, name=f"{ASSET_THREAD}_{number}", args=(lane,))
            for number, lane in enumerate(self._lanes_of_workers())
        ]
        # Python of raw assets would keep the others waiting for whole turns.
        turns = nullcontext() if self.plan.executes_python(self.project) else long_turns(len(workers))
        with turns, closing(self.schedule):
            for worker in workers:
                worker.start()
            wait((self.schedule.ended, self.cancellation.requested), return_when=FIRST_COMPLETED)
            if not self.schedule.ended.done():
                self._stop()
            self.schedule.ended.result()

    def _lanes_of_workers(self) -> Iterator[str]:
        """A lane for each worker: not more of a lane than it may have, or has assets."""
        sizes = Counter(self.lanes.get(name, SHARED) for name in self.plan.work.to_execute)
        for lane, size in sizes.items():
            most = self.max_workers if lane == SHARED else self.project.connections[lane].max_concurrent
            yield from repeat(lane, min(most or size, size))

    def _work_to_end(self, lane: str) -> None:
        """All that a thread of assets does."""
        try:
            self._work(lane)
        except BaseException as error:  # noqa: BLE001  a fault of dagscope's own: `run` raises it
            self.schedule.close(error)

    def _work(self, lane: str) -> None:
        turn = self.schedule.take(lane)
        while turn is not None:
            turn = self.schedule.take_after(turn.asset, self._has_failed(turn), lane)

    def _has_failed(self, turn: Turn) -> bool:
        """Execute or skip an asset; whether it failed in such a way that its downstreams are skipped."""
        reason_to_skip = turn.reason_to_skip
        if reason_to_skip is None and self._use(self.breaks.before(turn.asset)) is GoOn.SKIP:
            reason_to_skip = "skipped: at a breakpoint"
        report = self.reports.of(turn.asset)
        if reason_to_skip is not None:
            report.skip(reason_to_skip)
            return False
        while True:
            has_failed = self._execute(report)
            how = self._use(self.breaks.after(report))
            if how is not GoOn.AGAIN:
                return has_failed and how is not GoOn.SKIP
            order, run_tests = report.node.order, self.plan.work.run_tests
            report = self.reports.again(fresh_node(self.project, turn.asset, order, run_tests))

    def _execute(self, report: NodeReport) -> bool:
        name = report.node.asset_name
        outcome = self.execution.execute(report, self.results)
        if name in self.plan.work.to_select:  # its downstreams read the relation, which has not changed
            return False
        if outcome is Outcome.FAILED or (outcome is Outcome.TESTS_FAILED and self.fail_on_tests):
            return True
        self.results[name] = report.facts.result
        return False

    def _report_pause(self, paused: tuple[PausedAt, ...]) -> None:
        summary = self.plan.summary(TaskStatus.IN_PROGRESS, self.reports.nodes).changed(paused_at=paused)
        self.log.emit(TaskChanged(self.plan.task.task_id, self.plan.attempt, summary))

    def _use(self, answer: Answer) -> GoOn:
        """Execute what is left as the project's files are now, unless its assets or references are others."""
        project = answer.project
        if project is not None and project is not self.project:
            if project.graph == self.project.graph:
                self._take_files_of(project)
            else:
                self.log.warning("The task continues with its earlier files: assets or references have changed")
        return answer.how

    def _take_files_of(self, project: Project) -> None:
        project.redaction.learn_all(self.log.redaction.secrets)
        self.log = replace(self.log, redaction=project.redaction)
        self.reports.take_files_of(project, self.log)
        self.root_statements = StatementLog(project.redaction, self.plan.work.profile)
        self.tests = replace(self.tests, project=project, shown=self.log.shown)
        assets = self.execution.assets.with_files_of(project)
        self.project, self.execution = project, replace(self.execution, assets=assets, tests=self.tests)

    def _stop(self) -> None:
        """The task is cancelled: abandon what does not stop in time, and skip the rest, also if no worker is left."""
        wait((self.schedule.ended,), timeout=CANCEL_GRACE_S)
        for name in self.schedule.abandon():
            self.reports.of(name).abandon()
            self.schedule.settle(name)
        self._work(SHARED)

    # -- after all nodes

    def _run_tests_after_assets(self) -> bool:
        """Run root and lone tests; if all of them passed, and those that were carried over."""
        carried = (result for result in self.plan.root_test_results if is_root(result.test_name))
        passed = all(result.status is DataTestStatus.SUCCESS for result in carried)
        for test in self._tests_after_assets():
            if self.cancellation.is_requested:
                break
            try:
                passed &= self.tests.run_and_report(test, self.root_statements, self.log).passed
            except Cancelled:
                break
        return passed

    def _tests_after_assets(self) -> dict[str, None]:
        root_tests: tuple[str, ...] = ()
        if self.plan.work.run_root_tests:
            nodes = self.reports.nodes.items()
            usable = frozenset(name for name, node in nodes if self._is_usable(node))
            root_tests = tuple(test.name for test in root_tests_to_run(self.project, usable))
        return dict.fromkeys((*root_tests, *self.plan.work.lone_tests))

    def _is_usable(self, node: NodeStatus) -> bool:
        """Whether tests may read what the asset made."""
        return node.state is NodeState.SUCCESS or (node.only_tests_failed and not self.fail_on_tests)

    def _end(self, watch: Stopwatch, tests_passed: bool) -> TaskStatus:
        nodes, cancelled = self.reports.nodes, self.cancellation.is_requested
        all_good = tests_passed and all(node.state is NodeState.SUCCESS for node in nodes.values())
        status = TaskStatus.SUCCESS if all_good and not cancelled else TaskStatus.FAILED
        report_dropped_entries(self.log)
        summary = self.plan.summary(status, nodes, end_time=now_ms())
        report_run_end(self.log, summary.status, cancelled, watch.elapsed_ms)
        self.log.emit(TaskEnded(self.plan.task.task_id, self.plan.attempt, summary, self.root_statements.kept()))
        return summary.status


def _lanes(project: Project, to_execute: frozenset[str]) -> dict[str, str]:
    """The connections of assets whose work is done elsewhere, by asset; a raw asset's Python is executed here."""
    assets = (project.assets[name] for name in to_execute)
    return {
        asset.name: asset.connection
        for asset in assets
        if not asset.is_raw and project.connections[asset.connection].max_concurrent is not None
    }
