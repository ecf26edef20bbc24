"""Data tests: a query for invalid rows, which passes if it returns no rows (contract, Projects)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dagscope.dag.connections import Session
from dagscope.dag.events.events import DataTestChanged
from dagscope.dag.events.node_records import Code
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.events.status import DataTestResult, DataTestStatus
from dagscope.dag.events.task_log import TaskLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.clock import Stopwatch
from dagscope.dag.ground.error_text import error_text, named_error
from dagscope.dag.ground.errors import Cancelled, DagscopeError, StatementFailed, TypeNotKept
from dagscope.dag.ground.frames import Frame, FrameStore
from dagscope.dag.model.assets import DataTest
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project
from dagscope.dag.redaction.masking import HIDDEN_REASON, check_mask, masked
from dagscope.dag.run.node_recording import code_of


@dataclass(frozen=True)
class DataTestOutcome:
    """A data test's result, how many rows violate it in total, and the first of them as a frame."""

    result: DataTestResult
    violation_count: int = 0
    violations: Frame | None = None
    fault: BaseException | None = None
    """The unexpected error that ended the test."""

    code: Code | None = None
    """What was run; None if its template could not be rendered."""

    @property
    def passed(self) -> bool:
        return self.result.status is DataTestStatus.SUCCESS

    @property
    def summary(self) -> str:
        """The test as a node's message names it: `dds.world_unique (3 rows)`."""
        if self.violation_count:
            return f"{self.result.test_name} ({rows_text(self.violation_count)})"
        return f"{self.result.test_name} ({self.result.error})"


@dataclass(frozen=True)
class DataTestRun:
    """Runs data tests of one task; stores at most `kept_rows` violating rows of each."""

    project: Project
    frames: FrameStore
    task: TaskValues
    cancellation: Cancellation
    kept_rows: int
    shown: Callable[[str], str]
    """An error's text as it is kept."""

    def run(self, test: DataTest, statements: StatementLog) -> DataTestOutcome:
        """Run one test. A test that cannot run is FAILED too, and its error says why. Raises `Cancelled`."""
        watch = Stopwatch()
        try:
            sql = self.project.test_sql(test, self.task)
        except BaseException as error:  # noqa: BLE001  a fault in dagscope, or of the machine, ends only this test
            return self._could_not_run(test, watch, error)
        code = code_of(self.project.redaction, test.template.source, sql)
        return replace(self._ran(test, sql, watch, statements), code=code)

    def _ran(self, test: DataTest, sql: str, watch: Stopwatch, statements: StatementLog) -> DataTestOutcome:
        try:
            count, violations = self._violations(test, sql, statements.for_test(test.name, bool(test.mask)))
        except BaseException as error:  # noqa: BLE001  as above
            return self._could_not_run(test, watch, error)
        if count:
            return self._outcome(
                test,
                watch,
                f"{rows_text(count)} {'violates' if count == 1 else 'violate'} this test",
                count,
                violations,
            )
        return self._outcome(test, watch)

    def _could_not_run(self, test: DataTest, watch: Stopwatch, error: BaseException) -> DataTestOutcome:
        if isinstance(error, Cancelled):
            raise error
        if isinstance(error, DagscopeError):
            return self._outcome(test, watch, f"could not run: {error_text(error)}")
        outcome = self._outcome(test, watch, f"could not run: internal error: {named_error(error)}")
        return replace(outcome, fault=error)

    def run_and_report(self, name: str, statements: StatementLog, log: TaskLog) -> DataTestOutcome:
        """Run one test and report its start and end as a test of the log's asset. Raises `Cancelled`."""
        _report(log, DataTestOutcome(DataTestResult(test_name=name, status=DataTestStatus.IN_PROGRESS)))
        try:
            outcome = self.run(self.project.tests[name], statements)
        except Cancelled as error:
            ended = DataTestResult(test_name=name, status=DataTestStatus.FAILED, error=error_text(error))
            _report(log, DataTestOutcome(ended))
            raise
        _log_outcome(outcome, log.for_test(name))
        _report(log, outcome)
        return outcome

    def _violations(self, test: DataTest, sql: str, statements: StatementLog) -> tuple[int, Frame | None]:
        connection = self.project.connections[test.connection]
        with connection.session(self.cancellation, statements) as session:
            if test.mask:
                check_mask(_columns(session, sql), test.mask, test.name, test.path)
            try:
                return self._violations_in(session, sql, test.mask)
            except (StatementFailed, TypeNotKept):
                if not test.mask:
                    raise
                raise StatementFailed(connection.name, HIDDEN_REASON) from None

    def _violations_in(self, session: Session, sql: str, mask: tuple[str, ...]) -> tuple[int, Frame | None]:
        # The count comes first: a test that passes, as most do, then moves no rows.
        count = int(session.scalar(f"SELECT count(*) FROM ({sql}\n) AS violations"))
        if not count:
            return 0, None
        rows = session.read_to_show(f"SELECT * FROM ({sql}\n) AS violations LIMIT {self.kept_rows}")
        return count, self.frames.write(masked(rows, mask))

    def _outcome(
        self, test: DataTest, watch: Stopwatch, error: str | None = None, count: int = 0, rows: Frame | None = None
    ) -> DataTestOutcome:
        status = DataTestStatus.FAILED if error else DataTestStatus.SUCCESS
        text = self.shown(error) if error else None
        result = DataTestResult(
            test_name=test.name, status=status, error=text, duration_ms=watch.elapsed_ms, row_count=count or None
        )
        return DataTestOutcome(result, count, rows)


def _columns(session: Session, sql: str) -> list[str]:
    """The columns of a query; reads no rows."""
    return list(session.read(f"SELECT * FROM ({sql}\n) AS violations LIMIT 0").schema.names)


def _report(log: TaskLog, outcome: DataTestOutcome) -> None:
    found = outcome.violation_count, outcome.violations
    log.emit(DataTestChanged(log.task_id, log.attempt, outcome.result, log.asset, *found, outcome.code))


def _log_outcome(outcome: DataTestOutcome, log: TaskLog) -> None:
    name = outcome.result.test_name
    if outcome.passed:
        level, message = RunEventLevel.INFO, f"Test {name} passed"
        log.info(message, durationMs=outcome.result.duration_ms)
    else:
        reason = rows_text(outcome.violation_count) if outcome.violation_count else outcome.result.error
        level, message = RunEventLevel.ERROR, f"Test {name} failed: {reason}"
        log.fault(message, outcome.fault, durationMs=outcome.result.duration_ms)
    log.run_event(RunEventType.ASSET_CHECK_EVALUATION, level, message)


def rows_text(count: int) -> str:
    """`1 row`, `3 rows`, `336,776 rows`."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
