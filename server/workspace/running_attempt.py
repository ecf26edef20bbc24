"""The attempt that the process of runs executes, as the server follows it."""

from concurrent.futures import Future
from dataclasses import dataclass, field

from dagscope.dag.events.events import Event, NodeChanged, NodeFacts, NodeRecorded
from dagscope.dag.events.status import NodeState
from dagscope.dag.events.task_log import Emit, TaskLog
from dagscope.dag.ground.clock import now_ms
from dagscope.dag.process.messages import Ended
from dagscope.dag.process.started_assets import StartedAssets
from dagscope.dag.project.project import Project
from dagscope.dag.run.task_plan import TaskPlan

_MOST_NAMES = 3  # of assets, in a message


@dataclass(eq=False)
class RunningAttempt:
    """One attempt in one process: its events pass through it, and `ended` has its end, or why there is none."""

    number: int
    project: Project
    plan: TaskPlan
    log: TaskLog
    emit: Emit
    ended: "Future[Ended]" = field(default_factory=Future)
    has_events: bool = False
    """False while nothing was executed: what executes is reported first."""
    running: set[str] = field(default_factory=set)
    """The assets that run now."""
    reported: set[str] = field(default_factory=set)
    """The assets that are known to have started."""

    def take(self, event: Event) -> None:
        if not isinstance(event, NodeRecorded):  # which is one of the attempt before
            self.has_events = True
        if isinstance(event, NodeChanged):
            self.reported.add(event.node.asset_name)
            if event.node.state.is_running:
                self.running.add(event.node.asset_name)
            else:
                self.running.discard(event.node.asset_name)
        self.emit(event)

    def take_started(self, started: StartedAssets) -> None:
        """The process has ended: report which assets had started without its being able to say so."""
        order = self.project.graph.order
        for name in (order[position] for position in started.positions(len(order))):
            if name not in self.reported:
                node = self.plan.nodes[name].changed(state=NodeState.IN_PROGRESS, start_time=now_ms())
                self.take(NodeChanged(self.plan.task.task_id, self.plan.attempt, node, NodeFacts()))

    @property
    def meanwhile(self) -> str:
        """Which assets run now, as a part of a sentence: one of them may have ended the process."""
        names = sorted(self.running)
        if len(names) > _MOST_NAMES:
            names = [*names[:_MOST_NAMES], f"{len(names) - _MOST_NAMES} more"]
        listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
        return f" while {listed} ran" if listed else ""

    def is_end_of_raw_asset(self, event: Event) -> bool:
        """Whether the event ends a raw asset that runs."""
        if not isinstance(event, NodeChanged) or event.node.state.is_running:
            return False
        name = event.node.asset_name
        return name in self.running and self.project.assets[name].is_raw

    def log_of_output(self) -> TaskLog:
        """The log of what is printed now: of the asset, if only one raw asset runs."""
        raw = [asset for name in tuple(self.running) if (asset := self.project.assets[name]).is_raw]
        return self.log.for_asset(raw[0].name, raw[0].connection) if len(raw) == 1 else self.log
