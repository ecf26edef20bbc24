"""Running a DAG: an asset starts as soon as all its upstreams are done (docs/architecture.md).

The runner is given a project, connections, a place for frames and one `emit(event)`; it knows of nothing else.
"""

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from dagscope.dag.events.error_info import ErrorInfo, describe_error
from dagscope.dag.events.events import DataTestChanged, Event, NodeChanged, NodeFacts, TaskEnded
from dagscope.dag.events.node_watch import NodeWatch
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.events.status import (
    EXECUTING,
    SELECTING,
    DataTestResult,
    DataTestStatus,
    NodeState,
    NodeStatus,
    TaskStatus,
    TaskSummary,
)
from dagscope.dag.events.task_log import Emit, TaskLog, current_log
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.clock import Stopwatch, now_ms
from dagscope.dag.ground.errors import Cancelled, DagscopeError, StatementFailed
from dagscope.dag.ground.frames import Frame, FrameStore, Result
from dagscope.dag.project.project import Project
from dagscope.dag.run.asset_execution import AssetExecution, Once
from dagscope.dag.run.data_tests import DataTestOutcome, DataTestRun, rows_text
from dagscope.dag.run.task_plan import TaskPlan, root_tests_to_run

ASSET_THREAD = "asset"
"""What the names of threads that execute assets begin with."""

CANCEL_GRACE_S = 1.0
"""How long assets may take to stop after a cancellation; one that waits in C code cannot be stopped at all."""

_Work = Future[tuple["Outcome", NodeFacts] | None]

_AHEAD = 2
"""Assets handed out for each worker: one to execute, and one to go on with at once."""

_CANCELLED_BEFORE = "skipped: cancelled"


class Executor(Protocol):
    """Where assets' work is done: threads now, an existing distributed engine later."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any) -> "Future[Any]": ...


class Outcome(StrEnum):
    """How an executed asset came out; `NodeState` has the last two as one."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def run(
    project: Project,
    frames: FrameStore,
    plan: TaskPlan,
    emit: Emit,
    cancellation: Cancellation,
    max_workers: int,
    kept_violations: int,
) -> TaskStatus:
    """Execute one attempt to its end, in this thread and `max_workers` others; how it ended.

    Every change is told to `emit`. Never raises for what the project's SQL, Python or databases do.
    """
    executor = ThreadPoolExecutor(max_workers, thread_name_prefix=ASSET_THREAD)
    try:
        return _Run(project, frames, plan, emit, cancellation, kept_violations).to_end(executor, max_workers)
    finally:
        executor.shutdown(wait=False)


class _Run:
    """One attempt under way. Only `_execute` and what it calls run in other threads, each on its own node."""

    def __init__(
        self,
        project: Project,
        frames: FrameStore,
        plan: TaskPlan,
        emit: Emit,
        cancellation: Cancellation,
        kept_violations: int,
    ) -> None:
        self.project, self.plan, self.emit, self.cancellation = project, plan, emit, cancellation
        self.log = TaskLog(emit, project.redaction, plan.task.task_id, plan.attempt)
        self.execution = AssetExecution(project, frames, plan.task, cancellation, Once())
        self.tests = DataTestRun(project, frames, plan.task, cancellation, kept_violations)
        self.nodes = dict(plan.nodes)
        self.failed: set[str] = set()
        self.abandoned: set[str] = set()
        self.watches: dict[str, NodeWatch] = {}
        self.statements: dict[str, StatementLog] = {}
        self.root_statements = StatementLog(project.redaction, plan.profile)
        self.since_start = Stopwatch()
        self.ready_ms: dict[str, int] = {}
        self.speaking = threading.Lock()
        self.thread = threading.get_ident()
        self.results: dict[str, Result | None] = dict(plan.earlier_results)
        self.order = {name: position for position, name in enumerate(project.graph.order)}

    def to_end(self, executor: Executor, max_workers: int) -> TaskStatus:
        watch = Stopwatch()
        self.log.info("Starting DAG execution", assets=len(self.plan.to_execute))
        self.log.run_event(RunEventType.RUN_START, RunEventLevel.INFO, f"Started execution of {self._work_text()}.")
        self._execute_assets(executor, max_workers)
        tests_passed = self._run_tests_after_assets()
        return self._end(watch, tests_passed)

    def _work_text(self) -> str:
        if self.plan.lone_tests and not self.plan.to_execute:
            count, word = len(self.plan.lone_tests), "data test"
        else:
            count, word = len(self.plan.to_execute), "asset"
        return f"1 {word}" if count == 1 else f"{count} {word}s"

    # -- scheduling

    def _execute_assets(self, executor: Executor, max_workers: int) -> None:
        waiting = {name: self._upstreams_to_execute(name) for name in self.plan.to_execute}
        ready = [(self.order[name], name) for name, upstreams in waiting.items() if not upstreams]
        self.ready_ms.update((name, self.since_start.elapsed_ms) for _, name in ready)
        heapq.heapify(ready)
        running: dict[_Work, str] = {}
        while ready or running:
            while ready and len(running) < _AHEAD * max_workers:
                _, name = heapq.heappop(ready)
                reason = self._reason_to_skip(name)
                if reason is None:
                    running[executor.submit(self._execute, name)] = name
                else:
                    self._skip(name, reason)
                    self._settle(name, waiting, ready)
            if running:
                for work in self._next_done(running):
                    name = running.pop(work)
                    self._take_outcome(name, self._outcome_of(name, work))
                    self._settle(name, waiting, ready)

    def _outcome_of(self, name: str, work: _Work) -> tuple[Outcome, NodeFacts]:
        ended = None if work.cancelled() else work.result() if work.done() else self._abandon(name)
        if ended is None:
            self._skip(name, _CANCELLED_BEFORE)
        return ended or (Outcome.CANCELLED, NodeFacts())

    def _take_outcome(self, name: str, ended: tuple[Outcome, NodeFacts]) -> None:
        outcome, facts = ended
        if name in self.plan.to_select:  # whose downstreams read what was there before
            return
        if outcome is Outcome.FAILED:
            self.failed.add(name)
        else:
            self.results[name] = facts.result

    def _next_done(self, running: Mapping[_Work, str]) -> set[_Work]:
        """The work that has ended; after a cancellation all of it, ended or not stopping in time."""
        if self.cancellation.is_requested:
            for work in running:
                work.cancel()  # does nothing to those that a thread has taken up
            wait(running, timeout=CANCEL_GRACE_S)
            return set(running)
        awaited: list[Future[Any]] = [*running, self.cancellation.requested]
        done, _ = wait(awaited, return_when=FIRST_COMPLETED)
        return running.keys() & done

    def _abandon(self, name: str) -> tuple[Outcome, NodeFacts]:
        """End a node whose thread does not stop; nothing that the thread still says is heard."""
        with self.speaking:
            self.abandoned.add(name)
        watch, _ = self._opened(name)
        return self._end_node(name, Outcome.CANCELLED, NodeFacts(), watch, self._asset_log(name), "cancelled")

    def _upstreams_to_execute(self, name: str) -> set[str]:
        return set(self.project.graph.upstreams[name]) & self.plan.to_execute

    def _settle(self, name: str, waiting: dict[str, set[str]], ready: list[tuple[int, str]]) -> None:
        for downstream in self.project.graph.downstreams[name]:
            if downstream in waiting:
                waiting[downstream].discard(name)
                if not waiting[downstream]:
                    self.ready_ms[downstream] = self.since_start.elapsed_ms
                    heapq.heappush(ready, (self.order[downstream], downstream))

    def _reason_to_skip(self, name: str) -> str | None:
        if self.failed:
            failed_upstreams = self.failed & self.project.graph.ancestors([name])
            if failed_upstreams:
                first = min(failed_upstreams, key=self.order.__getitem__)
                return f"skipped: upstream {first} failed"
        if self.cancellation.is_requested:
            return _CANCELLED_BEFORE
        return None

    def _skip(self, name: str, message: str) -> None:
        self._change(name, NodeFacts(), message=message)
        log = self._asset_log(name)
        log.warning(f"Asset {message}: {name}")
        log.run_event(RunEventType.STEP_SKIPPED, RunEventLevel.WARNING, f'Step "{name}" was {message}.')

    # -- one node, in a thread of the executor

    def _execute(self, name: str) -> tuple[Outcome, NodeFacts] | None:
        """Execute an asset; None if the task was cancelled before that began."""
        if self.cancellation.is_requested:
            return None
        log = self._asset_log(name)
        token = current_log.set(log)
        watch, statements = self._opened(name)
        started_ms = now_ms()
        facts = NodeFacts()
        try:
            self._change(name, facts, state=NodeState.IN_PROGRESS, start_time=started_ms, timings=watch.timings(0))
            selects = name in self.plan.to_select
            log.debug(f"{SELECTING if selects else EXECUTING}asset: {name}")
            log.run_event(RunEventType.STEP_START, RunEventLevel.DEBUG, f'Started execution of step "{name}".')
            asset = self.project.assets[name]
            if selects:
                facts = self.execution.select(asset, self.results, statements)
                self._tell_selected(log, facts, watch)
                return self._end_node(name, Outcome.SUCCEEDED, facts, watch, log)
            facts = self.execution.execute(asset, self.results, log, statements)
            self._tell_materialized(log, facts, watch)
            failures = self._run_tests(name, facts, log)
            if failures:
                message = f"tests failed: {', '.join(failures)}"
                info = ErrorInfo(message=message, class_name="DataTestsFailed")
                return self._end_node(name, Outcome.FAILED, facts, watch, log, message, info)
            return self._end_node(name, Outcome.SUCCEEDED, facts, watch, log)
        except Cancelled as error:
            return self._end_node(name, Outcome.CANCELLED, facts, watch, log, "cancelled", self._info(error))
        except DagscopeError as error:
            message = self.project.redaction.text(_what_failed(error))
            return self._end_node(name, Outcome.FAILED, facts, watch, log, message, self._info(error))
        except Exception as error:  # noqa: BLE001  a fault of dagscope's own, or of the machine, ends the node and nothing else
            message = self.project.redaction.text(f"internal error: {type(error).__name__}: {error}")
            return self._end_node(name, Outcome.FAILED, facts, watch, log, message, self._info(error))
        finally:
            current_log.reset(token)

    def _opened(self, name: str) -> tuple[NodeWatch, StatementLog]:
        """What goes with a node from its start; it may be given up before it has really begun."""
        watch = self.watches.setdefault(name, NodeWatch(self.ready_ms[name], self.since_start.elapsed_ms))
        return watch, self.statements.setdefault(name, StatementLog(self.project.redaction, self.plan.profile))

    def _info(self, error: Exception) -> ErrorInfo:
        return describe_error(error, self.project.folder, self.project.redaction)

    def _asset_log(self, name: str) -> TaskLog:
        log = self.log.for_asset(name, self.project.assets[name].connection)
        return replace(log, emit=partial(self._emit_of, name))

    def _emit_of(self, name: str, event: Event) -> None:
        """What a node tells; once it was abandoned, only what this run tells of it."""
        with self.speaking:
            if self._is_heard(name):
                self.emit(event)

    def _is_heard(self, name: str) -> bool:
        return name not in self.abandoned or threading.get_ident() == self.thread

    def _tell_materialized(self, log: TaskLog, facts: NodeFacts, watch: Stopwatch) -> None:
        rows = "" if facts.rows is None else f" ({rows_text(facts.rows)})"
        log.info(f"Asset materialized: {log.asset}{rows}", rows=facts.rows, durationMs=watch.elapsed_ms)
        log.run_event(RunEventType.MATERIALIZATION, RunEventLevel.INFO, f"Asset materialized: {log.asset}{rows}")

    def _tell_selected(self, log: TaskLog, facts: NodeFacts, watch: Stopwatch) -> None:
        count = facts.result.rows if isinstance(facts.result, Frame) else 0
        log.info(f"Asset selected: {log.asset} ({rows_text(count)})", rows=count, durationMs=watch.elapsed_ms)

    def _run_tests(self, name: str, facts: NodeFacts, log: TaskLog) -> list[str]:
        tests = self.project.assets[name].tests if self.plan.run_tests else ()
        if not tests:
            return []
        statements, timings = self.statements[name], self.watches[name].begin_tests()
        self._change(name, replace(facts, statements=statements.kept()), state=NodeState.TESTING, timings=timings)
        failures = []
        for test in tests:
            outcome = self._run_test(test, log, name, statements)
            results = (*self.nodes[name].test_results, outcome.result)
            passed = sum(result.status is DataTestStatus.SUCCESS for result in results)
            self._change(name, facts, test_results=results, passed_tests=passed, failed_tests=len(results) - passed)
            if not outcome.passed:
                failures.append(outcome.summary)
        return failures

    def _run_test(self, name: str, log: TaskLog, asset: str | None, statements: StatementLog) -> DataTestOutcome:
        started = DataTestResult(test_name=name, status=DataTestStatus.IN_PROGRESS)
        log.emit(DataTestChanged(self.plan.task.task_id, self.plan.attempt, started, asset))
        try:
            outcome = self.tests.run(self.project.tests[name], statements)
        except Cancelled as error:
            ended = DataTestResult(test_name=name, status=DataTestStatus.FAILED, error=str(error))
            log.emit(DataTestChanged(self.plan.task.task_id, self.plan.attempt, ended, asset))
            raise
        self._tell_tested(outcome, log.for_test(name))
        log.emit(
            DataTestChanged(
                self.plan.task.task_id,
                self.plan.attempt,
                outcome.result,
                asset,
                outcome.violation_count,
                outcome.violations,
            )
        )
        return outcome

    def _tell_tested(self, outcome: DataTestOutcome, log: TaskLog) -> None:
        name = outcome.result.test_name
        if outcome.passed:
            level, message = RunEventLevel.INFO, f"Test {name} passed"
            log.info(message, durationMs=outcome.result.duration_ms)
        else:
            reason = rows_text(outcome.violation_count) if outcome.violation_count else outcome.result.error
            level, message = RunEventLevel.ERROR, f"Test {name} failed: {reason}"
            log.error(message, durationMs=outcome.result.duration_ms)
        log.run_event(RunEventType.ASSET_CHECK_EVALUATION, level, message)

    def _end_node(
        self,
        name: str,
        outcome: Outcome,
        facts: NodeFacts,
        watch: NodeWatch,
        log: TaskLog,
        message: str = "",
        error: ErrorInfo | None = None,
    ) -> tuple[Outcome, NodeFacts]:
        state = NodeState.SUCCESS if outcome is Outcome.SUCCEEDED else NodeState.FAILED
        elapsed_ms = watch.elapsed_ms
        timings = watch.timings(elapsed_ms)
        facts = replace(facts, tests_duration_ms=timings.testing_ms, statements=self.statements[name].kept())
        if outcome is Outcome.SUCCEEDED:
            text = f'Finished execution of step "{name}" in {elapsed_ms / 1000:.1f}s.'
            log.run_event(RunEventType.STEP_SUCCESS, RunEventLevel.INFO, text)
        else:
            log.error("Asset execution failed", error=message)
            text = f'Execution of step "{name}" failed: {message}'
            log.run_event(RunEventType.STEP_FAILURE, RunEventLevel.ERROR, text, error)
        end_time = (self.nodes[name].start_time or now_ms()) + elapsed_ms
        self._change(
            name,
            facts,
            state=state,
            end_time=end_time,
            execution_time_ms=elapsed_ms,
            message=message,
            timings=timings,
        )
        return outcome, facts

    def _change(self, name: str, facts: NodeFacts, **values: Any) -> None:
        with self.speaking:
            if self._is_heard(name):
                self.nodes[name] = self.nodes[name].changed(**values)
                self.emit(NodeChanged(self.plan.task.task_id, self.plan.attempt, self.nodes[name], facts))

    # -- after all nodes

    def _run_tests_after_assets(self) -> bool:
        """Run root and lone tests; if all of them passed, and those that were carried over."""
        passed = all(result.status is DataTestStatus.SUCCESS for result in self.plan.root_test_results)
        for test in self._tests_after_assets():
            if self.cancellation.is_requested:
                break
            try:
                passed &= self._run_test(test, self.log, None, self.root_statements).passed
            except Cancelled:
                break
        return passed

    def _tests_after_assets(self) -> dict[str, None]:
        root_tests: tuple[str, ...] = ()
        if self.plan.run_root_tests:
            succeeded = frozenset(name for name, node in self.nodes.items() if node.state is NodeState.SUCCESS)
            root_tests = tuple(test.name for test in root_tests_to_run(self.project, succeeded))
        return dict.fromkeys((*root_tests, *self.plan.lone_tests))

    def _end(self, watch: Stopwatch, tests_passed: bool) -> TaskStatus:
        states = Counter(node.state for node in self.nodes.values())
        all_good = tests_passed and states[NodeState.SUCCESS] == len(self.nodes)
        cancelled = self.cancellation.is_requested
        status = TaskStatus.SUCCESS if all_good and not cancelled else TaskStatus.FAILED
        self._tell_end(status, cancelled, watch)
        summary = summarize(self.plan, self.nodes, status, end_time=now_ms())
        self.emit(TaskEnded(self.plan.task.task_id, self.plan.attempt, summary, self.root_statements.kept()))
        return status

    def _tell_end(self, status: TaskStatus, cancelled: bool, watch: Stopwatch) -> None:
        seconds = f"{watch.elapsed_ms / 1000:.1f}s"
        if cancelled:
            self.log.warning("DAG execution cancelled", durationMs=watch.elapsed_ms)
            self.log.run_event(RunEventType.RUN_CANCELED, RunEventLevel.WARNING, f"Run was cancelled after {seconds}.")
        elif status is TaskStatus.SUCCESS:
            self.log.info("DAG execution finished", durationMs=watch.elapsed_ms)
            self.log.run_event(RunEventType.RUN_SUCCESS, RunEventLevel.INFO, f"Finished execution in {seconds}.")
        else:
            self.log.error("DAG execution failed", durationMs=watch.elapsed_ms)
            self.log.run_event(RunEventType.RUN_FAILURE, RunEventLevel.ERROR, f"Execution failed after {seconds}.")


def summarize(
    plan: TaskPlan, nodes: dict[str, NodeStatus], status: TaskStatus, end_time: int | None = None
) -> TaskSummary:
    """A task's counts from its nodes."""
    states = Counter(node.state for node in nodes.values())
    return TaskSummary(
        task_id=plan.task.task_id,
        status=status,
        start_time=plan.started_ms,
        end_time=end_time,
        total_assets=len(nodes),
        completed_assets=states[NodeState.SUCCESS],
        failed_assets=states[NodeState.FAILED],
        in_progress_assets=sum(count for state, count in states.items() if state.is_running),
    )


def _what_failed(error: DagscopeError) -> str:
    return f"SQL execution failed: {error}" if isinstance(error, StatementFailed) else str(error)
