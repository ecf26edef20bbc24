"""Planning the next attempt of a task from the project and what is kept of the task. Nothing is read or run."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.status import DataTestResult, DataTestStatus, NodeState, NodeStatus, TaskStatus
from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.model.capture import Capture
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project
from dagscope.dag.run.breakpoints import Breakpoint, check_breakpoint
from dagscope.dag.run.task_plan import Action, TaskPlan, Work, fresh_node
from dagscope.storage.tasks import KeptTask


class NothingToRetry(DagscopeError):
    """Every asset of the task succeeded, and so did its tests."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"nothing to retry: all assets of task {task_id} succeeded")


@dataclass(frozen=True)
class NextAttempt:
    """The attempt of a task that follows `earlier`, its newest; by default its first attempt.

    Each method returns a plan for it: what it does itself, with everything else carried over from `earlier`.
    """

    project: Project
    instance_uuid: str
    task_id: str
    earlier: KeptTask | None = None

    def of_dag(
        self,
        data: Mapping[str, Any] | None = None,
        run_tests: bool = True,
        profile: bool = False,
        assets: frozenset[str] | None = None,
        breakpoints: tuple[Breakpoint, ...] = (),
        capture: Capture | None = None,
    ) -> TaskPlan:
        """Execute all assets with this `data`, and all tests unless `run_tests` is false; hold at `breakpoints`.

        With `assets`, the attempt has only these, and the root tests that refer to no others. Raises
        `BreakpointInvalid`.
        """
        work = Work(
            frozenset(self.project.assets) if assets is None else assets,
            run_tests=run_tests,
            run_root_tests=run_tests,
            profile=profile,
            breakpoints=breakpoints,
            capture=capture,
        )
        for point in breakpoints:
            check_breakpoint(self.project, point, work.to_execute)
        return self._plan(work, data or {}, carries=assets is None)

    def of_asset(self, asset: str, action: Action = Action.EXECUTE, profile: bool | None = None) -> TaskPlan:
        """Execute one asset with its tests, or only read its rows; by default profiled if the attempt before was."""
        assets, none = frozenset({asset}), frozenset[str]()
        selected = none if action is Action.EXECUTE else assets
        previewed = assets if action is Action.PREVIEW else none
        return self._plan(Work(assets, selected, previewed, run_root_tests=False, profile=self._profiles(profile)))

    def of_test(self, test: str) -> TaskPlan:
        """Run one data test by itself. What became of the task before stays as it is."""
        plan = self._plan(Work(run_root_tests=False, lone_tests=(test,), profile=self._profiles(None)))
        before = self.earlier.summary if self.earlier else None
        if before is None or before.start_time is None:
            return plan
        return replace(plan, stays=before, started_ms=before.start_time)

    def of_rest(self, profile: bool | None = None) -> TaskPlan | None:
        """Execute again what failed, was skipped or was interrupted; None if there is no attempt before.

        Root tests run again if that one executed the whole DAG; otherwise only the lone tests that failed in it do.
        Raises `NothingToRetry` if all succeeded.
        """
        earlier = self.earlier
        if earlier is None:
            return None
        done = {node.status.asset_name for node in earlier.nodes if node.status.state is NodeState.SUCCESS}
        in_task = {node.status.asset_name for node in earlier.nodes} & self.project.assets.keys()
        selected = {node.status.asset_name for node in earlier.nodes if node.status.is_selection}
        whole = in_task - selected >= self.project.assets.keys()
        tests_passed = all(result.status is DataTestStatus.SUCCESS for result in earlier.root_test_results)
        if in_task <= done and earlier.summary.status is TaskStatus.SUCCESS and tests_passed:
            raise NothingToRetry(self.task_id)
        work = Work(
            to_execute=frozenset(in_task - done),
            to_select=frozenset(in_task & selected - done),
            run_root_tests=whole,
            lone_tests=self._failed_lone_tests(earlier.root_test_results, with_root_tests=not whole),
            profile=self._profiles(profile),
        )
        return self._plan(work)

    def _failed_lone_tests(self, results: tuple[DataTestResult, ...], with_root_tests: bool) -> tuple[str, ...]:
        """Tests of the newest attempt that ran by themselves and did not pass."""
        tests = self.project.tests
        failed = (result.test_name for result in results if result.status is not DataTestStatus.SUCCESS)
        return tuple(name for name in failed if name in tests and (with_root_tests or not tests[name].is_root))

    def _profiles(self, profile: bool | None) -> bool:
        return profile if profile is not None else self.earlier is not None and self.earlier.profile

    def _plan(self, work: Work, data: Mapping[str, Any] | None = None, carries: bool = True) -> TaskPlan:
        carried = self.earlier if carries else None
        nodes, facts = self._nodes(work, carried)
        carried_results = carried.root_test_results if carried and not work.run_root_tests else ()
        return TaskPlan(
            task=self._values(data),
            attempt=self.earlier.newest_attempt + 1 if self.earlier else 1,
            started_ms=now_ms(),
            work=work,
            nodes=nodes,
            facts=facts,
            root_test_results=tuple(result for result in carried_results if result.test_name not in work.lone_tests),
        )

    def _nodes(self, work: Work, carried: KeptTask | None) -> tuple[dict[str, NodeStatus], dict[str, NodeFacts]]:
        """All nodes of the attempt in order, and the facts of those that are carried over."""
        kept = {node.status.asset_name: node for node in carried.nodes} if carried else {}
        names = [name for name in self.project.graph.order if name in kept or name in work.to_execute]
        nodes: dict[str, NodeStatus] = {}
        facts: dict[str, NodeFacts] = {}
        for place, name in enumerate(names, 1):
            if name in work.to_execute:
                nodes[name] = fresh_node(self.project, name, place, work.run_tests, name in work.to_select)
            else:
                nodes[name] = kept[name].status.changed(order=place)
                facts[name] = kept[name].facts.changed(carried=True)
        return nodes, facts

    def _values(self, data: Mapping[str, Any] | None) -> TaskValues:
        earlier_data = self.earlier.data if self.earlier else {}
        return TaskValues(
            task_id=self.earlier.summary.task_id if self.earlier else self.task_id,
            task_uuid=self.earlier.task_uuid if self.earlier else str(uuid.uuid4()),
            instance_name=self.project.instance_name,
            instance_uuid=self.instance_uuid,
            data=dict(data if data is not None else earlier_data),
        )


def results_to_look_up(project: Project, plan: TaskPlan) -> frozenset[str]:
    """The upstreams whose captured results the plan reads without executing them."""
    work = plan.work
    needed = frozenset(upstream for name in work.to_execute for upstream in project.graph.upstreams[name])
    return needed - (work.to_execute - work.to_select)
