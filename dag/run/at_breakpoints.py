"""Holding the threads of an attempt at its breakpoints."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dagscope.dag.events.status import NodeState, PausedAt
from dagscope.dag.events.task_log import TaskLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.run.breakpoints import BEFORE, Answer, Breakpoint, GoOn, Holding
from dagscope.dag.run.node_reports import NodeReport
from dagscope.dag.run.schedule import Schedule


@dataclass(frozen=True)
class AtBreakpoints:
    """Finds out whether to hold, and holds. `report_pause` receives where the attempt holds, whenever that changes."""

    points: Mapping[str, list[Breakpoint]]
    holding: Holding
    schedule: Schedule
    cancellation: Cancellation
    log: TaskLog
    report_pause: Callable[[tuple[PausedAt, ...]], None]

    def before(self, asset: str) -> Answer:
        """How to go on before the asset is executed."""
        return self._held(point for point in self.points.get(asset, ()) if point.when == BEFORE)

    def after(self, report: NodeReport) -> Answer:
        """How to go on once the asset was executed."""
        points = self.points.get(report.node.asset_name, ())
        has_failed = report.node.state is NodeState.FAILED
        return self._held(point for point in points if point.holds_after(report.facts.rows, has_failed))

    def _held(self, points: Iterable[Breakpoint]) -> Answer:
        """Hold at the first of these breakpoints: no other asset starts meanwhile."""
        point = next(iter(points), None)
        if point is None or self.cancellation.is_requested:
            return Answer(GoOn.CONTINUE)
        self.log.info(f"Holding at a breakpoint: {point.asset}", when=point.when)
        with self.schedule.held():
            answer = self.holding.hold(point, self.report_pause)
        self.log.info(f"Continuing at a breakpoint: {point.asset}", action=answer.how)
        return answer
