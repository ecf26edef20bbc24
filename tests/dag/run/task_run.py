"""Running a small project as one task, and the outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from dagscope.dag.events.events import DataTestChanged, Event, Logged, NodeChanged, NodeFacts, RunEventEmitted
from dagscope.dag.events.run_events import LoggedRunEvent
from dagscope.dag.events.status import DataTestResult, LogEntry, NodeState, NodeStatus, TaskStatus
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.frames import Frame, FrameStore, Value
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project
from dagscope.dag.run import runner
from dagscope.dag.run.runner import TaskOptions
from dagscope.dag.run.task_plan import TaskPlan, Work, fresh_node

MakeProject = Callable[[Mapping[str, str]], Project]
"""`make_project`: a project of one DuckDB connection named `duck`, with these texts by path."""

TWO_CONNECTIONS = """\
connections:
  - name: duck
    type: duckdb
    config:
      path: store/duck.duckdb
  - name: goose
    type: duckdb
    config:
      path: store/goose.duckdb
"""

KEPT_VIOLATIONS = 3


@dataclass
class Run:
    """One executed attempt: how it ended and all its events."""

    project: Project
    frames: FrameStore
    status: TaskStatus = TaskStatus.NOT_STARTED
    left_behind: tuple[str, ...] = ()
    events: list[Event] = field(default_factory=list)

    def node(self, asset: str) -> NodeStatus:
        """The asset's node as it was last reported."""
        return self._last_change(asset).node

    def state(self, asset: str) -> NodeState:
        return self.node(asset).state

    def message(self, asset: str) -> str:
        return self.node(asset).message

    @property
    def outcomes(self) -> dict[str, tuple[str, str]]:
        """State and message of every asset."""
        return {name: (self.state(name).value, self.message(name)) for name in self.project.graph.order}

    def facts(self, asset: str) -> NodeFacts:
        return self._last_change(asset).facts

    def _last_change(self, asset: str) -> NodeChanged:
        return [event for event in self.events if isinstance(event, NodeChanged) and event.node.asset_name == asset][-1]

    def captured(self, asset: str) -> Any:
        """The asset's captured rows as dictionaries, its value, or None."""
        match self.facts(asset).result:
            case Frame(digest=digest):
                return self.frames.read(digest).to_pylist()
            case Value(digest=digest):
                return self.frames.read_value(digest)
        return None

    def data_test(self, name: str) -> DataTestChanged:
        """The data test as it was last reported."""
        return [
            event for event in self.events if isinstance(event, DataTestChanged) and event.result.test_name == name
        ][-1]

    @property
    def data_tests(self) -> list[DataTestResult]:
        """The data tests that ended, as they ended."""
        results = [event.result for event in self.events if isinstance(event, DataTestChanged)]
        return [result for result in results if result.status != "IN_PROGRESS"]

    @property
    def run_events(self) -> list[LoggedRunEvent]:
        return [event.run_event for event in self.events if isinstance(event, RunEventEmitted)]

    @property
    def log(self) -> list[LogEntry]:
        return [event.entry for event in self.events if isinstance(event, Logged)]

    def rows(self, sql: str, connection: str = "duck") -> list[tuple[Any, ...]]:
        """The current rows of a query in a database of the project."""
        with self.project.connections[connection].session() as session:
            return [tuple(row.values()) for row in session.read(sql).read_all().to_pylist()]


class RunProject(Protocol):
    """`run_project`: one attempt from start to end; `listen` receives each event after it is recorded."""

    def __call__(
        self,
        project: Project,
        data: Mapping[str, Any] | None = None,
        cancellation: Cancellation | None = None,
        listen: Callable[[Event], None] | None = None,
        only: str | None = None,
        fail_on_tests: bool = True,
    ) -> Run: ...


def run_once(
    frames: FrameStore,
    project: Project,
    data: Mapping[str, Any] | None = None,
    cancellation: Cancellation | None = None,
    listen: Callable[[Event], None] | None = None,
    only: str | None = None,
    fail_on_tests: bool = True,
) -> Run:
    """Run the whole project, or `only` one asset of it, in two threads."""
    made = Run(project, frames)

    def emit(event: Event) -> None:
        made.events.append(event)
        if listen is not None:
            listen(event)

    order = [only] if only else project.graph.order
    nodes = {name: fresh_node(project, name, place, run_tests=True) for place, name in enumerate(order, 1)}
    task = TaskValues("nightly", "uuid-1", project.instance_name, "uuid-2", data=dict(data or {}))
    work = Work(to_execute=frozenset(nodes), run_root_tests=only is None)
    plan = TaskPlan(task, 1, started_ms=0, work=work, nodes=nodes)
    options = TaskOptions(max_workers=2, kept_violations=KEPT_VIOLATIONS, fail_on_tests=fail_on_tests)
    end = runner.run(project, plan, frames, emit, cancellation or Cancellation(), options)
    made.status, made.left_behind = end.status, end.left_behind
    end.relations.record(Cancellation())
    return made


def data_test(name: str) -> str:
    """The path of a data test's file."""
    stage, bare = name.split(".")
    return f"assets/tests/{bare}.sql" if stage == "root" else f"assets/tests/{stage}/{bare}.sql"
