"""The plan of one attempt of a task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.status import EXECUTING, SELECTING, DataTestResult, NodeStatus, TaskStatus, TaskSummary
from dagscope.dag.ground.frames import Result
from dagscope.dag.model.assets import DataTest
from dagscope.dag.model.capture import Capture
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project
from dagscope.dag.run.breakpoints import Breakpoint


class Action(StrEnum):
    """What is done with an asset: it is executed and tested, or only its query, or its relation, is read and stored."""

    EXECUTE = "execute"
    SELECT = "select"
    PREVIEW = "preview"


@dataclass(frozen=True)
class Work:
    """What an attempt does; the rest of its task is carried over unchanged.

    For the assets in `to_select`, a subset of `to_execute`, only the query is run and its result stored: nothing is
    materialized or tested. For those in `to_preview`, a subset of that, the relation is read instead. `run_tests`
    concerns the data tests of assets, `run_root_tests` the root tests. `lone_tests` are data tests that run by
    themselves, after all assets, even if those failed. With `profile`, engines that can profile statements do so. The
    attempt holds at `breakpoints`. `capture` takes precedence over what the project asks for.
    """

    to_execute: frozenset[str] = frozenset()
    to_select: frozenset[str] = frozenset()
    to_preview: frozenset[str] = frozenset()
    run_tests: bool = True
    run_root_tests: bool = True
    lone_tests: tuple[str, ...] = ()
    profile: bool = False
    breakpoints: tuple[Breakpoint, ...] = ()
    capture: Capture | None = None

    def action_on(self, asset: str) -> Action | None:
        """What is done with the asset; None if nothing is."""
        if asset in self.to_preview:
            return Action.PREVIEW
        if asset in self.to_select:
            return Action.SELECT
        return Action.EXECUTE if asset in self.to_execute else None


@dataclass(frozen=True)
class TaskPlan:
    """One attempt: its work, the nodes and results that are carried over, and earlier results.

    `nodes` are all nodes of the attempt by name, in order; `facts` are those of nodes that are carried over.
    `root_test_results` are the earlier ones, if this attempt runs no root tests. `earlier_results` are captured
    results of upstreams that this attempt does not execute, `earlier_fingerprints` the fingerprints of their rows.
    `started_ms` is when the task was accepted.
    `stays` is how the task had ended before, where this attempt changes nothing about that.
    """

    task: TaskValues
    attempt: int
    started_ms: int
    work: Work
    nodes: Mapping[str, NodeStatus]
    facts: Mapping[str, NodeFacts] = field(default_factory=dict)
    root_test_results: tuple[DataTestResult, ...] = ()
    earlier_results: Mapping[str, Result] = field(default_factory=dict)
    earlier_fingerprints: Mapping[str, str] = field(default_factory=dict)
    stays: TaskSummary | None = None

    def executes_python(self, project: Project) -> bool:
        """Whether one of the assets to execute is a raw one."""
        return any(project.assets[name].is_raw for name in self.work.to_execute)

    def summary(self, status: TaskStatus, nodes: Mapping[str, NodeStatus], end_time: int | None = None) -> TaskSummary:
        """The task's summary while its nodes are these, or once it has ended like that."""
        if self.stays is not None and status.is_ended:
            return self.stays
        task = self.task
        return TaskSummary.of_nodes(
            task.task_id, status, nodes.values(), self.started_ms, end_time, task_uuid=task.task_uuid
        )


def fresh_node(project: Project, asset: str, order: int, run_tests: bool, select: bool = False) -> NodeStatus:
    """A node that is still to be executed, or only selected (contract, Task and node status)."""
    return NodeStatus(
        name=(SELECTING if select else EXECUTING) + asset,
        asset_name=asset,
        is_selection=select,
        order=order,
        total_tests=len(project.assets[asset].tests) if run_tests and not select else 0,
    )


def root_tests_to_run(project: Project, usable: frozenset[str]) -> tuple[DataTest, ...]:
    """The root tests whose assets are all in `usable`; other root tests are not run."""
    return tuple(test for test in project.root_tests if usable.issuperset(test.references))
