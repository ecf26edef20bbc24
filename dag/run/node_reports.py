"""Reports what happens to the nodes of one attempt: states, log entries, run events."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dagscope.dag.events.closing import report_step_failure, report_step_success
from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.events import Event, NodeChanged, NodeFacts
from dagscope.dag.events.node_watch import NodeWatch
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.events.status import DataTestStatus, NodeState, NodeStatus
from dagscope.dag.events.task_log import TaskLog
from dagscope.dag.ground.clock import Stopwatch, now_ms
from dagscope.dag.ground.frames import Frame
from dagscope.dag.project.project import Project
from dagscope.dag.run.data_tests import DataTestOutcome, rows_text
from dagscope.dag.run.node_recording import NodeRecording
from dagscope.dag.run.task_plan import TaskPlan


class NodeReports:
    """The reports on all nodes of an attempt. Safe from any thread."""

    def __init__(self, project: Project, plan: TaskPlan, log: TaskLog) -> None:
        self._project, self._plan, self._log = project, plan, log
        self._since_start = Stopwatch()
        self._ready_ms: dict[str, int] = {}
        self._reports: dict[str, NodeReport] = {}
        self._beginning = threading.Lock()

    def take_files_of(self, project: Project, log: TaskLog) -> None:
        """Reports that are not begun yet are on the assets of this project."""
        self._project, self._log = project, log

    def note_ready(self, name: str) -> None:
        """All upstreams of the node are done: it now waits for a worker."""
        self._ready_ms[name] = self._since_start.elapsed_ms

    def of(self, name: str) -> "NodeReport":
        """The report on a node that is ready; its watch starts at the first call."""
        with self._beginning:
            if name not in self._reports:
                self._reports[name] = self._begun(self._plan.nodes[name])
            return self._reports[name]

    def again(self, node: NodeStatus) -> "NodeReport":
        """A new report on a node that is executed once more, from this status on."""
        self.note_ready(node.asset_name)
        with self._beginning:
            self._reports[node.asset_name] = self._begun(node)
            return self._reports[node.asset_name]

    def _begun(self, node: NodeStatus) -> "NodeReport":
        name = node.asset_name
        connection = self._project.assets[name].connection
        return NodeReport(
            node,
            self._log.for_asset(name, connection),
            NodeWatch(self._ready_ms[name], self._since_start.elapsed_ms),
            StatementLog(self._log.redaction, self._plan.work.profile),
            NodeRecording(self._log.redaction),
        )

    @property
    def nodes(self) -> Mapping[str, NodeStatus]:
        """The current status of all nodes of the attempt, in order."""
        return {
            name: self._reports[name].node if name in self._reports else node for name, node in self._plan.nodes.items()
        }


class NodeReport:
    """The report on one node, written by the thread that executes it until the node is abandoned.

    `log` and `statements` record what the node logs and sends to databases, `recording` what it leaves.
    """

    def __init__(
        self, node: NodeStatus, log: TaskLog, watch: NodeWatch, statements: StatementLog, recording: NodeRecording
    ) -> None:
        self.node, self.facts = node, NodeFacts()
        self.log = replace(log, emit=self._emit_if_heard)
        self.statements, self.recording = statements, recording
        self._emit, self._watch = log.emit, watch
        self._speaking = threading.RLock()
        self._is_abandoned = False

    def start(self, selects: bool, tests: int) -> None:
        """The asset's execution, or its selection, starts; so many data tests follow."""
        self._change(
            self.facts,
            state=NodeState.IN_PROGRESS,
            start_time=now_ms(),
            total_tests=tests,
            timings=self._watch.timings(elapsed_ms=0),
        )
        name = self.node.asset_name
        self.log.debug(f"{'Selecting' if selects else 'Executing'} asset: {name}")
        self.log.run_event(RunEventType.STEP_START, RunEventLevel.DEBUG, f'Started execution of step "{name}".')

    def skip(self, message: str) -> None:
        """The asset is not executed, for the reason that `message` gives."""
        name = self.node.asset_name
        self._change(NodeFacts(), message=message)
        self.log.warning(f"Asset {message}: {name}")
        self.log.run_event(RunEventType.STEP_SKIPPED, RunEventLevel.WARNING, f'Step "{name}" was {message}.')

    def materialized(self, facts: NodeFacts) -> None:
        """The asset is materialized; `facts` are stored."""
        self.facts = facts
        rows = "" if facts.rows is None else f" ({rows_text(facts.rows)})"
        text = f"Asset materialized: {self.node.asset_name}{rows}"
        counted = {} if facts.rows is None else {"rows": facts.rows}
        self.log.info(text, **counted, durationMs=self._watch.elapsed_ms)
        self.log.run_event(RunEventType.MATERIALIZATION, RunEventLevel.INFO, text)

    def selected(self, facts: NodeFacts) -> None:
        """The asset's query was read; `facts` are stored."""
        self.facts = facts
        count = facts.result.rows if isinstance(facts.result, Frame) else 0
        text = f"Asset selected: {self.node.asset_name} ({rows_text(count)})"
        self.log.info(text, rows=count, durationMs=self._watch.elapsed_ms)

    def begin_tests(self) -> None:
        """The asset's data tests start."""
        facts = self.facts.changed(statements=self.statements.kept())
        self._change(facts, state=NodeState.TESTING, timings=self._watch.begin_tests())

    def tested(self, outcome: DataTestOutcome) -> None:
        """One of its data tests has ended."""
        results = (*self.node.test_results, outcome.result)
        passed = sum(result.status is DataTestStatus.SUCCESS for result in results)
        self._change(self.facts, test_results=results, passed_tests=passed, failed_tests=len(results) - passed)

    def succeed(self) -> None:
        """The node has succeeded."""
        elapsed_ms = self._watch.elapsed_ms
        report_step_success(self.log, elapsed_ms)
        self._end(NodeState.SUCCESS, elapsed_ms)

    def fail(self, message: str, error: ErrorInfo | None = None, fault: BaseException | None = None) -> None:
        """The node has failed, or was cancelled; `fault` is the unexpected error, if that is the reason."""
        elapsed_ms = self._watch.elapsed_ms
        self.log.fault("Asset execution failed", fault, error=message)
        report_step_failure(self.log, message, error)
        self._end(NodeState.FAILED, elapsed_ms, message)

    def abandon(self) -> None:
        """End a node whose thread does not stop: later reports from that thread are ignored."""
        with self._speaking:
            if not self.node.state.is_ended:
                self.facts = NodeFacts()
                self.fail("cancelled")
            self._is_abandoned = True

    def _end(self, state: NodeState, elapsed_ms: int, message: str = "") -> None:
        timings = self._watch.timings(elapsed_ms)
        statements = self.statements.kept()
        self.facts = self.facts.changed(
            tests_duration_ms=timings.testing_ms, statements=statements, record=self.recording.kept
        )
        self._change(
            self.facts,
            state=state,
            end_time=(self.node.start_time or now_ms()) + elapsed_ms,
            execution_time_ms=elapsed_ms,
            message=message,
            timings=timings,
        )

    def _change(self, facts: NodeFacts, **values: Any) -> None:
        with self._speaking:
            if not self._is_abandoned:
                self.node = self.node.changed(rows=facts.rows, **values)
                self._emit(NodeChanged(self.log.task_id, self.log.attempt, self.node, facts))

    def _emit_if_heard(self, event: Event) -> None:
        with self._speaking:
            if not self._is_abandoned:
                self._emit(event)
