"""The tasks of a project: accepted at once, executed one at a time, joined by those who ask for the same."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dagscope.dag.events.events import DataTestChanged, Event, NodeChanged, NodeFacts, TaskAccepted
from dagscope.dag.events.status import DataTestStatus, NodeState, NodeStatus, TaskStatus
from dagscope.dag.events.task_log import Emit
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.frames import FrameStore
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project
from dagscope.dag.run import runner
from dagscope.dag.run.runner import summarize
from dagscope.dag.run.task_plan import TaskPlan, fresh_node
from dagscope.storage.reader import KeptTask, Reader
from dagscope.storage.recorder import Recorder
from dagscope.storage.recovery import closing_events

_log = structlog.get_logger("dagscope.tasks")

_INTERRUPT_AGAIN_S = 0.05  # a statement may start just as the interrupt passes: ask until the task has ended


@dataclass(eq=False)
class ActiveTask:
    """An attempt that waits, or runs once it is `started`. `ended` is set once its end is committed."""

    project: Project
    plan: TaskPlan
    cancellation: Cancellation = field(default_factory=Cancellation)
    started: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    node_ended: dict[str, asyncio.Event] = field(default_factory=dict)
    test_ended: dict[str, asyncio.Event] = field(default_factory=dict)
    """Of each test that runs by itself."""

    @property
    def task_id(self) -> str:
        return self.plan.task.task_id

    def still_has(self, asset: str, select: bool = False) -> bool:
        """If the asset is still to be executed (or selected), or is being, in this attempt."""
        wanted = self.plan.to_select if select else self.plan.to_execute - self.plan.to_select
        return asset in wanted and not self.node_ended[asset].is_set()

    def still_tests(self, test: str) -> bool:
        """If the test is still to be run by itself, or is being run, in this attempt."""
        return test in self.plan.lone_tests and not self.test_ended[test].is_set()


@dataclass(frozen=True)
class TaskOptions:
    """How tasks are executed."""

    max_workers: int
    kept_violations: int


class NothingToRetry(DagscopeError):
    """Every asset of the task succeeded, and so did its tests."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"nothing to retry: all assets of task {task_id} succeeded")


class ShuttingDown(DagscopeError):
    """The server is being stopped and accepts no task any more."""

    def __init__(self) -> None:
        super().__init__("the server is being stopped")


class TaskQueue:
    """Accepts and executes tasks. Used in the event loop; the runner's threads reach it through `_emit` alone."""

    def __init__(
        self,
        frames: FrameStore,
        recorder: Recorder,
        reader: Reader,
        emit: Emit,
        instance_uuid: str,
        options: TaskOptions,
        between_tasks: Callable[[], Awaitable[None]],
    ) -> None:
        self._frames, self._recorder, self._reader = frames, recorder, reader
        self._emit_on, self._instance_uuid, self._options = emit, instance_uuid, options
        self._between_tasks = between_tasks
        self._active: dict[str, ActiveTask] = {}
        self._closing = False
        self.accepting = asyncio.Lock()
        """Held while a task is accepted; whoever holds it can be sure that none begins."""
        self._waiting: asyncio.Queue[ActiveTask] = asyncio.Queue()
        # One task executes at a time; a second thread ends what is cancelled while it waits.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="runner")

    async def __aenter__(self) -> "TaskQueue":
        self._loop = asyncio.get_running_loop()
        self._working = asyncio.create_task(self._work(), name="task queue")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        self._working.cancel()
        self._threads.shutdown()

    def _find(self, run_id: str) -> ActiveTask | None:
        """The active task of that task id or task uuid."""
        by_uuid = (active for active in self._active.values() if active.plan.task.task_uuid == run_id)
        return self._active.get(run_id) or next(by_uuid, None)

    @property
    def is_idle(self) -> bool:
        return not self._active

    @property
    def active_ids(self) -> tuple[str, ...]:
        """The tasks that run or wait, in the order in which they were accepted."""
        return tuple(self._active)

    async def run(
        self,
        project: Project,
        task_id: str,
        data: Mapping[str, Any] | None = None,
        run_tests: bool = True,
        profile: bool = False,
    ) -> ActiveTask:
        """Execute the whole DAG as a task, or join the task if it is active (contract, Words)."""
        async with self.accepting:
            active = self._find(task_id)
            if active is not None:
                return active
            async with self._reader.moment() as moment:
                earlier = await moment.task(task_id)
            assets = project.assets.keys()
            plan = self._plan(project, task_id, earlier, assets, data or {}, run_tests, profile=profile)
            return self._accept(project, plan)

    async def execute(
        self, project: Project, task_id: str, asset: str, select: bool = False, profile: bool | None = None
    ) -> ActiveTask:
        """Execute one asset, with its tests, in a task (contract, Task and node status); or only select it.

        Joins the task if it still has the asset to do; waits for it if it has not; carries an ended task's other
        nodes over into a new attempt, which profiles if that one did unless it is said otherwise.
        """

        def plan(earlier: KeptTask | None) -> TaskPlan:
            return self._plan(
                project,
                task_id,
                earlier,
                {asset},
                earlier.data if earlier else {},
                run_root_tests=False,
                to_select=frozenset({asset} if select else ()),
                profile=profile,
            )

        return await self._joined_or_begun(project, task_id, lambda active: active.still_has(asset, select), plan)

    async def run_test(self, project: Project, task_id: str, test: str) -> ActiveTask:
        """Run one data test by itself, in a task; joins, waits and carries over as `execute` does."""

        def plan(earlier: KeptTask | None) -> TaskPlan:
            data = earlier.data if earlier else {}
            return self._plan(project, task_id, earlier, frozenset(), data, run_root_tests=False, lone_tests=(test,))

        return await self._joined_or_begun(project, task_id, lambda active: active.still_tests(test), plan)

    async def _joined_or_begun(
        self,
        project: Project,
        task_id: str,
        still_does: Callable[[ActiveTask], bool],
        plan: Callable[[KeptTask | None], TaskPlan],
    ) -> ActiveTask:
        """The task, if it is active and still does what is wanted; else, once it has ended, a new attempt of it."""
        while True:
            async with self.accepting:
                active = self._find(task_id)
                if active is None:
                    async with self._reader.moment() as moment:
                        earlier = await moment.task(task_id)
                    return self._accept(project, plan(earlier))
            if still_does(active):
                return active
            await active.ended.wait()

    def _plan(
        self,
        project: Project,
        task_id: str,
        earlier: KeptTask | None,
        to_execute: Set[str],
        data: Mapping[str, Any],
        run_tests: bool = True,
        run_root_tests: bool | None = None,
        lone_tests: tuple[str, ...] = (),
        to_select: frozenset[str] = frozenset(),
        profile: bool | None = None,
    ) -> TaskPlan:
        """A plan that executes some assets and tests, and carries over what else the task's newest attempt had.

        Root tests run where tests do, and statements are profiled as before, unless it is said otherwise.
        """
        kept = {node.status.asset_name: node for node in earlier.nodes} if earlier else {}
        names = [name for name in project.graph.order if name in kept or name in to_execute]
        nodes: dict[str, NodeStatus] = {}
        facts: dict[str, NodeFacts] = {}
        for place, name in enumerate(names, 1):
            if name in to_execute:
                nodes[name] = fresh_node(project, name, place, run_tests, name in to_select)
            else:
                nodes[name] = kept[name].status.changed(order=place)
                facts[name] = replace(kept[name].facts, carried=True)
        root_tests = run_tests if run_root_tests is None else run_root_tests
        carried_results = earlier.root_test_results if earlier and not root_tests else ()
        return TaskPlan(
            task=self._values(project, task_id, earlier, data),
            attempt=earlier.newest_attempt + 1 if earlier else 1,
            started_ms=now_ms(),
            nodes=nodes,
            to_execute=frozenset(to_execute),
            facts=facts,
            run_tests=run_tests,
            run_root_tests=root_tests,
            root_test_results=tuple(result for result in carried_results if result.test_name not in lone_tests),
            lone_tests=lone_tests,
            to_select=to_select,
            profile=profile if profile is not None else earlier is not None and earlier.profile,
        )

    def _values(self, project: Project, task_id: str, earlier: KeptTask | None, data: Mapping[str, Any]) -> TaskValues:
        return TaskValues(
            task_id=earlier.summary.task_id if earlier else task_id,
            task_uuid=earlier.task_uuid if earlier else str(uuid.uuid4()),
            instance_name=project.instance_name,
            instance_uuid=self._instance_uuid,
            data=dict(data),
        )

    def _accept(self, project: Project, plan: TaskPlan) -> ActiveTask:
        if self._closing:
            raise ShuttingDown
        active = ActiveTask(
            project,
            plan,
            node_ended={name: asyncio.Event() for name in plan.to_execute},
            test_ended={name: asyncio.Event() for name in plan.lone_tests},
        )
        self._active[active.task_id] = active
        summary = summarize(plan, dict(plan.nodes), TaskStatus.IN_PROGRESS)
        nodes = tuple((node, plan.facts.get(name, NodeFacts())) for name, node in plan.nodes.items())
        self._emit_on(
            TaskAccepted(
                task_id=active.task_id,
                attempt=plan.attempt,
                summary=summary,
                task_uuid=plan.task.task_uuid,
                data=plan.task.data or {},
                nodes=nodes,
                root_test_results=plan.root_test_results,
                profile=plan.profile,
            )
        )
        self._waiting.put_nowait(active)
        return active

    async def retry(self, project: Project, task_id: str, profile: bool | None = None) -> ActiveTask | None:
        """Execute again what failed, was skipped or was interrupted in a task's newest attempt, with the rest carried.

        None if there is no such task. Joins the task if it is active; raises `NothingToRetry` if all succeeded.
        """
        async with self.accepting:
            active = self._find(task_id)
            if active is not None:
                return active
            async with self._reader.moment() as moment:
                earlier = await moment.task(task_id)
            if earlier is None:
                return None
            done = {node.status.asset_name for node in earlier.nodes if node.status.state is NodeState.SUCCESS}
            in_task = {node.status.asset_name for node in earlier.nodes} & project.assets.keys()
            selected = {node.status.asset_name for node in earlier.nodes if node.status.is_selection}
            whole = in_task - selected >= project.assets.keys()
            if in_task <= done and earlier.summary.status is TaskStatus.SUCCESS:
                raise NothingToRetry(task_id)
            plan = self._plan(
                project,
                task_id,
                earlier,
                in_task - done,
                earlier.data,
                run_root_tests=whole,
                lone_tests=_failed_lone_tests(project, earlier, with_root_tests=not whole),
                to_select=frozenset(in_task & selected - done),
                profile=profile,
            )
            return self._accept(project, plan)

    async def cancel(self, task_id: str) -> ActiveTask | None:
        """Interrupt an active task and wait until it has ended; None if no such task is active."""
        active = self._find(task_id)
        if active is not None:
            await self._end([active])
        return active

    async def until_idle(self) -> None:
        """Wait until no task runs or waits."""
        while self._active:
            await next(iter(self._active.values())).ended.wait()

    async def close(self) -> None:
        """Accept nothing more, and cancel what there is."""
        self._closing = True
        await self.cancel_all()

    async def cancel_all(self) -> None:
        """Interrupt what runs, drop what waits, and wait until all of it has ended."""
        while self._active:
            await self._end(list(self._active.values()))

    async def _end(self, tasks: list[ActiveTask]) -> None:
        for active in tasks:
            if not active.started:  # its turn may be far away: end it now
                active.cancellation.request()
                await self._execute(active)
        while going_on := [active for active in tasks if not active.ended.is_set()]:
            for active in going_on:
                active.cancellation.request()
            await asyncio.sleep(_INTERRUPT_AGAIN_S)

    async def _work(self) -> None:
        while True:
            active = await self._waiting.get()
            if not active.started:
                await self._execute(active)
                async with self.accepting:
                    await self._between_tasks()

    async def _execute(self, active: ActiveTask) -> None:
        active.started = True
        try:
            # Nothing is executed that could not even be recorded as accepted; what is not executed changes nothing.
            cancelled = active.cancellation.is_requested
            await (self._recorder.flush() if cancelled else self._recorder.begin(active.task_id, active.plan.attempt))
            plan = await self._with_earlier_results(active)
            await self._loop.run_in_executor(self._threads, self._run, active, plan, self._emit_for(active))
            await self._recorder.flush()
        except Exception as error:  # noqa: BLE001  whatever went wrong, the task ends and the next one begins
            await self._close(active, error)
        finally:
            del self._active[active.task_id]
            active.ended.set()
            for ended in (*active.node_ended.values(), *active.test_ended.values()):
                ended.set()

    async def _with_earlier_results(self, active: ActiveTask) -> TaskPlan:
        """The plan with what is kept of upstreams that it does not execute, as it is now that its turn has come."""
        plan, graph = active.plan, active.project.graph
        needed = {upstream for name in plan.to_execute for upstream in graph.upstreams[name]}
        needed -= plan.to_execute - plan.to_select
        if not needed:
            return plan
        async with self._reader.moment() as moment:
            return replace(plan, earlier_results=await moment.results_of(needed))

    def _run(self, active: ActiveTask, plan: TaskPlan, emit: Callable[[Event], None]) -> TaskStatus:
        for connection in active.project.connections.values():
            connection.admit()
        return runner.run(
            active.project,
            self._frames,
            plan,
            emit,
            active.cancellation,
            self._options.max_workers,
            self._options.kept_violations,
        )

    def _emit_for(self, active: ActiveTask) -> Callable[[Event], None]:
        def emit(event: Event) -> None:
            self._emit_on(event)
            if isinstance(event, NodeChanged) and event.node.state.is_ended:
                self._loop.call_soon_threadsafe(active.node_ended[event.node.asset_name].set)
            elif isinstance(event, DataTestChanged) and event.asset is None and event.result.status.is_ended:
                ended = active.test_ended.get(event.result.test_name)
                if ended is not None:
                    self._loop.call_soon_threadsafe(ended.set)

        return emit

    async def _close(self, active: ActiveTask, error: Exception) -> None:
        """End a task whose runner broke, as far as the state can still be read and written."""
        _log.error("Task broke off", taskId=active.task_id, error=f"{type(error).__name__}: {error}")
        try:
            async with self._reader.moment() as moment:
                task = await moment.task(active.task_id)
        except SQLAlchemyError as unreadable:
            _log.error("Task could not be closed", taskId=active.task_id, error=str(unreadable))
            return
        if task is not None and not task.summary.status.is_ended:
            for event in closing_events(task, f"interrupted: {type(error).__name__}: {error}"):
                self._recorder.emit(event)


def _failed_lone_tests(project: Project, task: KeptTask, with_root_tests: bool) -> tuple[str, ...]:
    """Tests of a task's newest attempt that ran by themselves and did not pass."""
    failed = (result.test_name for result in task.root_test_results if result.status is not DataTestStatus.SUCCESS)
    return tuple(
        name for name in failed if name in project.tests and (with_root_tests or not project.tests[name].is_root)
    )
