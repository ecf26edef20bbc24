"""Running a DAG: an asset starts as soon as all its upstreams are done (docs/architecture.md).

The runner gets a project, connections, a store for frames and one `emit(event)`; it depends on nothing else.
"""

import heapq
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from dagscope.dag.events.closing import report_dropped_entries, report_run_end
from dagscope.dag.events.events import TaskEnded
from dagscope.dag.events.log_limits import UNLIMITED, EntryCount, LogLimits
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.events.status import DataTestStatus, NodeState, TaskStatus
from dagscope.dag.events.task_log import Emit, TaskLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.clock import Stopwatch, now_ms
from dagscope.dag.ground.errors import Cancelled
from dagscope.dag.ground.frames import FrameStore, Result
from dagscope.dag.model.assets import is_root
from dagscope.dag.project.project import Project
from dagscope.dag.run.asset_execution import AssetExecution, Once
from dagscope.dag.run.data_tests import DataTestRun
from dagscope.dag.run.node_execution import NodeExecution, Outcome
from dagscope.dag.run.node_limit import NodeLimit
from dagscope.dag.run.node_reports import NodeReports
from dagscope.dag.run.process_state import ProcessState
from dagscope.dag.run.task_plan import TaskPlan, root_tests_to_run

ASSET_THREAD = "asset"
"""The prefix of the names of threads that execute assets."""

CANCEL_GRACE_S = 1.0
"""How long assets may take to stop after a cancellation; an asset that waits in C code cannot be stopped at all."""

_Work = Future[Outcome | None]

_AHEAD = 2
"""Assets submitted for each worker: one to execute, and one to continue with immediately."""

_CANCELLED_BEFORE = "skipped: cancelled"


@dataclass(frozen=True)
class TaskOptions:
    """How tasks are executed: in how many threads, how long a node may take, how much of tests and logs is stored."""

    max_workers: int
    kept_violations: int
    log_limits: LogLimits = UNLIMITED
    node_limit_s: float | None = None


def run(
    project: Project,
    plan: TaskPlan,
    frames: FrameStore,
    emit: Emit,
    cancellation: Cancellation,
    options: TaskOptions,
) -> TaskStatus:
    """Execute one attempt to its end, in this thread and `max_workers` others; returns how it ended.

    Every change is reported to `emit`. Never raises for errors in the project's SQL, Python or databases.
    """
    executor = ThreadPoolExecutor(options.max_workers, thread_name_prefix=ASSET_THREAD)
    try:
        return _Run(project, plan, frames, emit, cancellation, options).to_end(executor)
    finally:
        executor.shutdown(wait=False)


class _Run:
    """One attempt in progress. Only `_execute` runs in other threads, each on its own node."""

    def __init__(
        self,
        project: Project,
        plan: TaskPlan,
        frames: FrameStore,
        emit: Emit,
        cancellation: Cancellation,
        options: TaskOptions,
    ) -> None:
        self.project, self.plan, self.cancellation = project, plan, cancellation
        self.log = TaskLog(
            emit,
            project.redaction,
            plan.task.task_id,
            plan.attempt,
            limits=options.log_limits,
            own_entries=EntryCount(options.log_limits.task_entries),
        )
        self.reports = NodeReports(project, plan, self.log)
        self.tests = DataTestRun(project, frames, plan.task, cancellation, options.kept_violations, self.log.shown)
        assets = AssetExecution(project, frames, plan.task, cancellation, Once(), ProcessState())
        limit = NodeLimit(options.node_limit_s, cancellation)
        self.execution = NodeExecution(assets, self.tests, plan.work, limit)
        self.root_statements = StatementLog(project.redaction, plan.work.profile)
        self.failed: set[str] = set()
        self.results: dict[str, Result | None] = dict(plan.earlier_results)
        self.order = {name: position for position, name in enumerate(project.graph.order)}
        self.most_handed_out = _AHEAD * options.max_workers

    def to_end(self, executor: ThreadPoolExecutor) -> TaskStatus:
        watch = Stopwatch()
        self.log.info("Starting DAG execution", assets=len(self.plan.work.to_execute))
        self.log.run_event(RunEventType.RUN_START, RunEventLevel.INFO, f"Started execution of {self._work_text()}.")
        self._execute_assets(executor)
        tests_passed = self._run_tests_after_assets()
        return self._end(watch, tests_passed)

    def _work_text(self) -> str:
        work = self.plan.work
        if work.lone_tests and not work.to_execute:
            count, word = len(work.lone_tests), "data test"
        else:
            count, word = len(work.to_execute), "asset"
        return f"1 {word}" if count == 1 else f"{count} {word}s"

    # -- scheduling

    def _execute_assets(self, executor: ThreadPoolExecutor) -> None:
        waiting = self._waiting()
        ready = [(self.order[name], name) for name, upstreams in waiting.items() if not upstreams]
        for _, name in ready:
            self.reports.note_ready(name)
        heapq.heapify(ready)
        running: dict[_Work, str] = {}
        while ready or running:
            while ready and len(running) < self.most_handed_out:
                _, name = heapq.heappop(ready)
                reason = self._reason_to_skip(name)
                if reason is None:
                    running[executor.submit(self._execute, name)] = name
                else:
                    self.reports.of(name).skip(reason)
                    self._settle(name, waiting, ready)
            if running:
                for work in self._next_done(running):
                    name = running.pop(work)
                    self._take_outcome(name, self._outcome_of(name, work))
                    self._settle(name, waiting, ready)

    def _execute(self, name: str) -> Outcome | None:
        """Execute an asset, in a thread of the executor; None if the task was cancelled before it started."""
        if self.cancellation.is_requested:
            return None
        return self.execution.execute(self.reports.of(name), self.results)

    def _outcome_of(self, name: str, work: _Work) -> Outcome:
        if not work.done():  # its thread does not stop
            self.reports.of(name).abandon()
            return Outcome.CANCELLED
        outcome = None if work.cancelled() else work.result()
        if outcome is None:
            self.reports.of(name).skip(_CANCELLED_BEFORE)
        return outcome or Outcome.CANCELLED

    def _take_outcome(self, name: str, outcome: Outcome) -> None:
        if name in self.plan.work.to_select:  # its downstreams read the relation, which has not changed
            return
        if outcome is Outcome.FAILED:
            self.failed.add(name)
        else:
            self.results[name] = self.reports.of(name).facts.result

    def _next_done(self, running: Mapping[_Work, str]) -> set[_Work]:
        """The work that has ended; after a cancellation all work, including what did not stop in time."""
        if self.cancellation.is_requested:
            for work in running:
                work.cancel()  # has no effect on work that a thread has started
            wait(running, timeout=CANCEL_GRACE_S)
            return set(running)
        awaited: list[Future[Any]] = [*running, self.cancellation.requested]
        done, _ = wait(awaited, return_when=FIRST_COMPLETED)
        return running.keys() & done

    def _waiting(self) -> dict[str, set[str]]:
        """What each asset waits for. One that is not executed passes on its waiting, and is settled at once."""
        to_execute = self.plan.work.to_execute
        through = self.project.graph.descendants(to_execute) | to_execute
        return {name: through.intersection(self.project.graph.upstreams[name]) for name in through}

    def _settle(self, name: str, waiting: dict[str, set[str]], ready: list[tuple[int, str]]) -> None:
        settled = [name]
        while settled:
            done = settled.pop()
            for downstream in self.project.graph.downstreams[done]:
                waiting[downstream].discard(done)
                if waiting[downstream]:
                    continue
                if downstream in self.plan.work.to_execute:
                    self.reports.note_ready(downstream)
                    heapq.heappush(ready, (self.order[downstream], downstream))
                else:
                    settled.append(downstream)

    def _reason_to_skip(self, name: str) -> str | None:
        if self.failed:
            failed_upstreams = self.failed & self.project.graph.ancestors([name])
            if failed_upstreams:
                first = min(failed_upstreams, key=self.order.__getitem__)
                return f"skipped: upstream {first} failed"
        if self.cancellation.is_requested:
            return _CANCELLED_BEFORE
        return None

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
            succeeded = frozenset(name for name, node in nodes if node.state is NodeState.SUCCESS)
            root_tests = tuple(test.name for test in root_tests_to_run(self.project, succeeded))
        return dict.fromkeys((*root_tests, *self.plan.work.lone_tests))

    def _end(self, watch: Stopwatch, tests_passed: bool) -> TaskStatus:
        nodes, cancelled = self.reports.nodes, self.cancellation.is_requested
        all_good = tests_passed and all(node.state is NodeState.SUCCESS for node in nodes.values())
        status = TaskStatus.SUCCESS if all_good and not cancelled else TaskStatus.FAILED
        report_dropped_entries(self.log)
        summary = self.plan.summary(status, nodes, end_time=now_ms())
        report_run_end(self.log, summary.status, cancelled, watch.elapsed_ms)
        self.log.emit(TaskEnded(self.plan.task.task_id, self.plan.attempt, summary, self.root_statements.kept()))
        return summary.status
