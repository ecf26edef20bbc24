"""Where tasks are executed: in this process, or in one of their own."""

from typing import Protocol

from dagscope.dag.events.task_log import Emit
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.frames import FrameStore
from dagscope.dag.project.project import Project
from dagscope.dag.run import runner
from dagscope.dag.run.breakpoints import Answer, GoOn, Holding
from dagscope.dag.run.runner import TaskOptions
from dagscope.dag.run.task_plan import TaskPlan


class RunBroken(DagscopeError):
    """The runner could not end an attempt; the text says why. `is_cancelled` if that was asked for."""

    def __init__(self, reason: str, is_cancelled: bool = False) -> None:
        self.is_cancelled = is_cancelled
        super().__init__(reason)


class Runs(Protocol):
    """Executes attempts, one at a time."""

    def adopt(self, project: Project) -> Project:
        """The project as it is to be used from now on: with connections whose databases are open where tasks run."""

    def run(
        self, project: Project, plan: TaskPlan, emit: Emit, cancellation: Cancellation, options: TaskOptions
    ) -> None:
        """Execute one attempt to its end, in this thread. Raises `RunBroken` if the attempt could not be ended."""

    def go_on(self, asset: str, how: GoOn) -> None:
        """Go on with the attempt that runs, which holds at a breakpoint of this asset, on the adopted project."""

    def wait_for_records(self, seconds: float) -> None:
        """Wait until what the newest attempt has left is recorded, at most that long."""

    def close(self) -> None:
        """Run nothing more; close the databases of adopted projects."""


class RunsHere:
    """Executes them in this process, for `dagscope run` and for tests."""

    def __init__(self, frames: FrameStore) -> None:
        self._frames = frames
        self._project: Project | None = None
        self._holding: Holding | None = None

    def adopt(self, project: Project) -> Project:
        self._project = project
        return project

    def run(
        self, project: Project, plan: TaskPlan, emit: Emit, cancellation: Cancellation, options: TaskOptions
    ) -> None:
        self._holding = Holding(cancellation)
        end = runner.run(project, plan, self._frames, emit, cancellation, options, self._holding)
        end.relations.record(Cancellation())

    def go_on(self, asset: str, how: GoOn) -> None:
        if self._holding is not None:
            self._holding.go_on(asset, Answer(how, self._project))

    def wait_for_records(self, seconds: float) -> None:
        pass  # `run` has recorded everything

    def close(self) -> None:
        for connection in self._project.connections.values() if self._project is not None else ():
            connection.close()
