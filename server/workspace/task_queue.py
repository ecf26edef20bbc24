"""The tasks of a project: accepted at once, executed one at a time, joined by requests for the same work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from dagscope.dag.events.closing import CANCELLED
from dagscope.dag.events.events import DataTestChanged, Event, NodeChanged, NodeFacts, TaskAccepted, TaskChanged
from dagscope.dag.events.status import PausedAt, TaskStatus
from dagscope.dag.events.task_log import Emit
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.error_text import named_error
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.model.capture import Capture
from dagscope.dag.project.project import Project
from dagscope.dag.run.breakpoints import Breakpoint, GoOn
from dagscope.dag.run.runner import TaskOptions
from dagscope.dag.run.selector import LastState, Selector
from dagscope.dag.run.task_plan import Action, TaskPlan
from dagscope.server.workspace.disconnecting import connect_again
from dagscope.server.workspace.end_of_work import EndOfWork
from dagscope.server.workspace.runs import RunBroken, Runs
from dagscope.server.workspace.task_planning import NextAttempt, results_to_look_up
from dagscope.storage.reader import Moment, Reader, StateUnreadable
from dagscope.storage.recorder import Recorder
from dagscope.storage.recovery import close_task

_log = structlog.get_logger("dagscope.tasks")

_INTERRUPT_AGAIN_S = 0.05  # a statement may start just after the interrupt: repeat it until the task has ended


@dataclass(eq=False)
class ActiveTask:
    """An attempt that waits, or runs once it is `started`. `ended` is set once its end is committed."""

    project: Project
    plan: TaskPlan
    cancellation: Cancellation = field(default_factory=Cancellation)
    started: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    node_ended: dict[str, EndOfWork] = field(default_factory=dict)
    test_ended: dict[str, EndOfWork] = field(default_factory=dict)
    """For each test that runs by itself."""
    paused_at: tuple[PausedAt, ...] = ()
    """Where it holds, as far as that is committed; `pause_changed` is set whenever that changes."""
    pauses_next: tuple[PausedAt, ...] = ()
    """Where it holds now."""
    pause_changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def task_id(self) -> str:
        return self.plan.task.task_id

    def still_has(self, asset: str, action: Action = Action.EXECUTE) -> bool:
        """Whether that has yet to be done with the asset, or is being done, in this attempt."""
        return self.plan.work.action_on(asset) is action and not self.node_ended[asset].is_set()

    def end_of(self, asset: str) -> asyncio.Event | EndOfWork:
        """Set once the asset has ended; where the attempt executes nothing else, once the task has."""
        return self.ended if self.plan.work.to_execute == {asset} else self.node_ended[asset]

    def end_of_test(self, test: str) -> asyncio.Event | EndOfWork:
        """The same of a test that runs by itself."""
        return self.test_ended[test] if self.plan.work.to_execute else self.ended

    def still_tests(self, test: str) -> bool:
        """Whether the test has yet to be run by itself, or is being run, in this attempt."""
        return test in self.plan.work.lone_tests and not self.test_ended[test].is_set()


class ShuttingDown(DagscopeError):
    """The server is shutting down and accepts no more tasks."""

    def __init__(self) -> None:
        super().__init__("the server is shutting down")


class NotPaused(DagscopeError):
    """The task does not hold at a breakpoint, or not at one of that asset."""

    def __init__(self, task_id: str, asset: str | None, paused_at: tuple[PausedAt, ...]) -> None:
        holds = f"holds at {', '.join(paused.asset for paused in paused_at)}" if paused_at else "holds at no breakpoint"
        super().__init__(f"task {task_id} {holds}" + (f", not at {asset}" if asset and paused_at else ""))


class AssetsAreOthers(DagscopeError):
    """An asset cannot be executed again in the task, because assets or references are no longer those of its DAG."""

    def __init__(self) -> None:
        super().__init__(
            "assets or references have changed since the task started; undo that, or cancel it and run again"
        )


class TooManyWaiting(DagscopeError):
    """As many tasks wait as may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} tasks are waiting already, which is the limit (DAGSCOPE_WAITING_TASKS)")


async def _last_states(moment: Moment) -> dict[str, LastState]:
    """The states of assets as the newest task left them; of those that are not part of it, as the DAG shows them."""
    states = {name: LastState(now.state.lower()) for name, now in (await moment.assets()).items()}
    for summary in (await moment.tasks(limit=1)).tasks:
        newest = await moment.task(summary.task_id)
        nodes = newest.nodes if newest is not None else ()
        states |= {n.status.asset_name: LastState.of_node(n.status) for n in nodes if not n.status.is_selection}
    return states


class TaskQueue:
    """Accepts and executes tasks. Used in the event loop; the runner's threads reach it only through `_emit_for`."""

    def __init__(
        self,
        runs: Runs,
        recorder: Recorder,
        reader: Reader,
        emit: Emit,
        instance_uuid: str,
        options: TaskOptions,
        most_waiting: int,
        between_tasks: Callable[[], Awaitable[None]],
    ) -> None:
        self._runs, self._recorder, self._reader = runs, recorder, reader
        self._emit_on, self._instance_uuid, self._options = emit, instance_uuid, options
        self._between_tasks, self._most_waiting = between_tasks, most_waiting
        self._active: dict[str, ActiveTask] = {}
        self._closing = False
        self.accepting = asyncio.Lock()
        """Held while a task is accepted: no task can start while something else holds it."""
        self._waiting: asyncio.Queue[ActiveTask] = asyncio.Queue()
        # One task executes at a time; a second thread ends tasks that are cancelled while they wait.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="runner")

    async def __aenter__(self) -> "TaskQueue":
        self._loop = asyncio.get_running_loop()
        self._working = asyncio.create_task(self._work(), name="task queue")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        self._working.cancel()
        self._threads.shutdown()

    @property
    def max_workers(self) -> int:
        """How many assets of a task can be executed at once."""
        return self._options.max_workers

    def _find(self, run_id: str) -> ActiveTask | None:
        """The active task with that task id or task uuid."""
        by_uuid = (active for active in self._active.values() if active.plan.task.task_uuid == run_id)
        return self._active.get(run_id) or next(by_uuid, None)

    def is_active(self, run_id: str) -> bool:
        """Whether the task with that task id or task uuid runs or waits."""
        return self._find(run_id) is not None

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
        select: Selector | None = None,
        breakpoints: tuple[Breakpoint, ...] = (),
        capture: Capture | None = None,
    ) -> ActiveTask:
        """Execute the DAG, or what is selected of it, as a task; or join the task if it is active (contract, Words).

        Raises `SelectorInvalid` if nothing is selected, and `BreakpointInvalid`.
        """
        async with self.accepting:
            active = self._find(task_id)
            if active is not None:
                return active
            assets = await self._selected(project, select) if select is not None else None
            attempt = await self._next_attempt(project, task_id)
            return self._accept(project, attempt.of_dag(data, run_tests, profile, assets, breakpoints, capture))

    async def _selected(self, project: Project, select: Selector) -> frozenset[str]:
        states: dict[str, LastState] = {}
        if select.needs_states:
            async with self._reader.moment() as moment:
                states = await _last_states(moment)
        return await asyncio.to_thread(select.assets, project.graph, states)

    async def execute(
        self,
        project: Project,
        task_id: str,
        asset: str,
        action: Action = Action.EXECUTE,
        profile: bool | None = None,
    ) -> ActiveTask:
        """Execute one asset, with its tests, in a task (contract, Task and node status); or only read its rows.

        Joins the task if it has yet to finish the asset; otherwise waits until it has ended. A new attempt carries over
        an ended task's other nodes, and by default profiles if the attempt before did.
        """
        return await self._joined_or_begun(
            project,
            task_id,
            lambda active: active.still_has(asset, action),
            lambda attempt: attempt.of_asset(asset, action, profile),
        )

    async def run_test(self, project: Project, task_id: str, test: str) -> ActiveTask:
        """Run one data test by itself, in a task; joins, waits and carries over as `execute` does."""
        return await self._joined_or_begun(
            project, task_id, lambda active: active.still_tests(test), lambda attempt: attempt.of_test(test)
        )

    async def _joined_or_begun(
        self,
        project: Project,
        task_id: str,
        still_does: Callable[[ActiveTask], bool],
        plan: Callable[[NextAttempt], TaskPlan],
    ) -> ActiveTask:
        """The task, if it is active and still has the wanted work; else, once it has ended, a new attempt of it."""
        while True:
            async with self.accepting:
                active = self._find(task_id)
                if active is None:
                    return self._accept(project, plan(await self._next_attempt(project, task_id)))
            if still_does(active):
                return active
            await active.ended.wait()

    async def _next_attempt(self, project: Project, task_id: str) -> NextAttempt:
        async with self._reader.moment() as moment:
            return NextAttempt(project, self._instance_uuid, task_id, await moment.task(task_id))

    def _accept(self, project: Project, plan: TaskPlan) -> ActiveTask:
        if self._closing:
            raise ShuttingDown
        if len(self._active) > self._most_waiting:  # one of them runs
            raise TooManyWaiting(self._most_waiting)
        active = ActiveTask(
            project,
            plan,
            node_ended={name: EndOfWork(self._loop) for name in plan.work.to_execute},
            test_ended={name: EndOfWork(self._loop) for name in plan.work.lone_tests},
        )
        self._active[active.task_id] = active
        summary = plan.summary(TaskStatus.IN_PROGRESS, plan.nodes)
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
                profile=plan.work.profile,
            )
        )
        self._waiting.put_nowait(active)
        return active

    async def retry(self, project: Project, task_id: str, profile: bool | None = None) -> ActiveTask | None:
        """Retry what failed, was skipped or was interrupted in a task's newest attempt, and carry over the rest.

        None if there is no such task. Joins the task if it is active; raises `NothingToRetry` if all succeeded.
        """
        async with self.accepting:
            active = self._find(task_id)
            if active is not None:
                return active
            plan = (await self._next_attempt(project, task_id)).of_rest(profile)
            return self._accept(project, plan) if plan is not None else None

    def go_on(self, project: Project, task_id: str, asset: str | None, how: GoOn) -> ActiveTask | None:
        """Go on with a task that holds at breakpoints: at that asset's, or at all; None if no such task is active.

        What is left is executed as the files of `project` are. Raises `NotPaused` and `AssetsAreOthers`.
        """
        active = self._find(task_id)
        if active is None:
            return None
        assets = [paused.asset for paused in active.paused_at if asset in (None, paused.asset)]
        if not assets:
            raise NotPaused(task_id, asset, active.paused_at)
        if how is GoOn.AGAIN and project.graph != active.project.graph:
            raise AssetsAreOthers
        for each in assets:
            self._runs.go_on(each, how)
        return active

    def paused_at(self, run_id: str, attempt: int | None = None) -> tuple[PausedAt, ...]:
        """Where that attempt, or the active one, of the task with that task id or task uuid holds."""
        active = self._find(run_id)
        return active.paused_at if active is not None and attempt in (None, active.plan.attempt) else ()

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
        """Accept no more tasks, and cancel the active ones."""
        self._closing = True
        await self.cancel_all()

    async def cancel_all(self) -> None:
        """Interrupt what runs, drop what waits, and wait until everything has ended."""
        while self._active:
            await self._end(list(self._active.values()))

    async def _end(self, tasks: list[ActiveTask]) -> None:
        for active in tasks:
            if not active.started:  # its turn may not come soon: end it now
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
                    await self._tidy_up()

    async def _tidy_up(self) -> None:
        try:
            await self._between_tasks()
        except Exception as error:  # noqa: BLE001  a failure between two tasks does not stop the next one
            _log.error("Work between tasks failed", error=named_error(error))

    async def _execute(self, active: ActiveTask) -> None:
        active.started = True
        try:
            # Nothing is executed that could not be recorded as accepted; what is not executed changes nothing.
            cancelled = active.cancellation.is_requested
            await (self._recorder.flush() if cancelled else self._recorder.begin(active.task_id, active.plan.attempt))
            plan = await self._with_earlier_results(active)
            broken = await self._loop.run_in_executor(self._threads, self._run, active, plan, self._emit_for(active))
            if broken is not None:
                await self._recorder.flush()
                await self._close(active, broken)
            await self._recorder.flush()
        except Exception as error:  # noqa: BLE001  whatever went wrong, the task ends and the next one starts
            await self._close(active, error)
        finally:
            del self._active[active.task_id]
            active.ended.set()
            for ended in (*active.node_ended.values(), *active.test_ended.values()):
                ended.set()

    async def _with_earlier_results(self, active: ActiveTask) -> TaskPlan:
        """The plan with what is kept of upstreams that it does not execute, read now that it starts."""
        needed = results_to_look_up(active.project, active.plan)
        if not needed:
            return active.plan
        async with self._reader.moment() as moment:
            results, fingerprints = await moment.results_of(needed), await moment.fingerprints_of(needed)
            return replace(active.plan, earlier_results=results, earlier_fingerprints=fingerprints)

    def _run(self, active: ActiveTask, plan: TaskPlan, emit: Callable[[Event], None]) -> BaseException | None:
        """Execute the task, in a thread; returns the error that broke its runner.

        It is returned, not raised: raised in a thread, a `SystemExit` would end the server.
        """
        try:
            connect_again(*active.project.connections.values())
            self._runs.run(active.project, plan, emit, active.cancellation, self._options)
        except BaseException as error:  # noqa: BLE001  whatever it is, it ends this task and nothing else
            return error
        return None

    def _emit_for(self, active: ActiveTask) -> Callable[[Event], None]:
        def emit(event: Event) -> None:
            self._emit_on(event)
            if isinstance(event, TaskChanged):
                asyncio.run_coroutine_threadsafe(self._note_pause(active, event.summary.paused_at), self._loop)
            elif isinstance(event, NodeChanged) and event.node.state.is_ended:
                active.node_ended[event.node.asset_name].set()
            elif isinstance(event, DataTestChanged) and event.asset is None and event.result.status.is_ended:
                ended = active.test_ended.get(event.result.test_name)
                if ended is not None:
                    ended.set()

        return emit

    async def _note_pause(self, active: ActiveTask, paused_at: tuple[PausedAt, ...]) -> None:
        """A hold is noted once what happened until then is committed: a status says both. Its end is noted at once."""
        active.pauses_next = paused_at
        if paused_at:
            await self._recorder.flush()
        active.paused_at = active.pauses_next
        active.pause_changed.set()

    async def _close(self, active: ActiveTask, error: BaseException) -> None:
        """End a task whose runner failed, as far as the state can still be read and written."""
        reason = str(error) if isinstance(error, RunBroken) else named_error(error)
        message = CANCELLED if isinstance(error, RunBroken) and error.is_cancelled else f"interrupted: {reason}"
        if message != CANCELLED:
            _log.error("Task failed unexpectedly", taskId=active.task_id, error=reason)
        try:
            async with self._reader.moment() as moment:
                task = await moment.task(active.task_id)
        except StateUnreadable as unreadable:
            _log.error("Task could not be closed", taskId=active.task_id, error=str(unreadable))
            return
        if task is not None and not task.summary.status.is_ended:
            close_task(task, self._emit_on, message, now_ms())
