"""Executing one node: its asset, then its data tests, with every step reported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from dagscope.dag.events.error_info import ErrorInfo, describe_error
from dagscope.dag.events.task_log import current_log
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.error_text import error_text, named_error
from dagscope.dag.ground.errors import Cancelled, DagscopeError, StatementFailed
from dagscope.dag.ground.frames import Result
from dagscope.dag.run.asset_execution import AssetExecution
from dagscope.dag.run.data_tests import DataTestRun
from dagscope.dag.run.node_limit import NodeLimit
from dagscope.dag.run.node_reports import NodeReport
from dagscope.dag.run.task_plan import Work


class Outcome(StrEnum):
    """How an asset's execution ended; `NodeState` does not distinguish the last three."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TESTS_FAILED = "tests failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class NodeExecution:
    """Executes nodes of one attempt, each in the calling thread."""

    assets: AssetExecution
    tests: DataTestRun
    work: Work
    limit: NodeLimit

    def execute(self, report: NodeReport, results: Mapping[str, Result | None]) -> Outcome:
        """Execute the node to its end. Never raises; `results` are those of its upstreams, by name."""
        token = current_log.set(report.log)
        try:
            with self.limit.watched() as cancellation:
                return self._under(cancellation)._executed(report, results)  # noqa: SLF001  of the same class
        except Cancelled as error:
            report.fail("cancelled", self._info(error, report))
            return Outcome.CANCELLED
        except DagscopeError as error:
            report.fail(report.log.shown(_what_failed(error)), self._info(error, report))
        except BaseException as error:  # noqa: BLE001  a fault of dagscope's own, or of the machine, ends the node and nothing else
            report.fail(report.log.shown(f"internal error: {named_error(error)}"), self._info(error, report), error)
        finally:
            current_log.reset(token)
        return Outcome.FAILED

    def _under(self, cancellation: Cancellation) -> "NodeExecution":
        """The same, for the node that this cancellation interrupts."""
        if cancellation is self.assets.cancellation:
            return self
        assets = replace(self.assets, cancellation=cancellation)
        return replace(self, assets=assets, tests=replace(self.tests, cancellation=cancellation))

    def _executed(self, report: NodeReport, results: Mapping[str, Result | None]) -> Outcome:
        name = report.node.asset_name
        asset, selects = self.assets.project.assets[name], name in self.work.to_select
        tests = asset.tests if self.work.run_tests and not selects else ()
        report.start(selects, len(tests))
        if selects:
            reading = self.assets.preview if name in self.work.to_preview else self.assets.select
            report.selected(reading(asset, results, report.statements))
        else:
            facts = self.assets.execute(asset, results, report.log, report.statements, report.recording)
            report.materialized(facts)
            failures = self._run_tests(report, tests)
            if failures:
                message = f"tests failed: {', '.join(failures)}"
                report.fail(message, ErrorInfo(message=message, class_name="DataTestsFailed"))
                return Outcome.TESTS_FAILED
        report.succeed()
        return Outcome.SUCCEEDED

    def _run_tests(self, report: NodeReport, tests: tuple[str, ...]) -> list[str]:
        """Run the asset's data tests; returns those that failed, as the node's message names them."""
        failures = []
        if tests:
            report.begin_tests()
        for test in tests:
            outcome = self.tests.run_and_report(test, report.statements, report.log)
            report.tested(outcome)
            if not outcome.passed:
                failures.append(outcome.summary)
        return failures

    def _info(self, error: BaseException, report: NodeReport) -> ErrorInfo:
        return describe_error(error, self.assets.project.folder, report.log.shown)


def _what_failed(error: DagscopeError) -> str:
    text = error_text(error)
    return f"SQL execution failed: {text}" if isinstance(error, StatementFailed) else text
