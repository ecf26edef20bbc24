"""What one attempt of a task is to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.status import EXECUTING, SELECTING, DataTestResult, NodeStatus
from dagscope.dag.ground.frames import Result
from dagscope.dag.model.assets import DataTest
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project


@dataclass(frozen=True)
class TaskPlan:
    """One attempt: the graph's assets to execute, those carried over, and what came before.

    `nodes` are all nodes of the attempt by name, in order; those not in `to_execute` are carried over as they are.
    `earlier_results` are captured results of upstreams that this attempt does not execute. `started_ms` is when the
    task was accepted. Root tests run only with `run_root_tests`; else `root_test_results` are the earlier ones.
    `lone_tests` are data tests that run by themselves, after all assets, whatever became of those. Of the assets in
    `to_select`, a part of `to_execute`, only the query is run and its result kept: nothing is made, and none tested.
    With `profile`, engines that can profile statements do.
    """

    task: TaskValues
    attempt: int
    started_ms: int
    nodes: Mapping[str, NodeStatus]
    to_execute: frozenset[str]
    facts: Mapping[str, NodeFacts] = field(default_factory=dict)
    earlier_results: Mapping[str, Result] = field(default_factory=dict)
    run_tests: bool = True
    run_root_tests: bool = True
    root_test_results: tuple[DataTestResult, ...] = ()
    lone_tests: tuple[str, ...] = ()
    to_select: frozenset[str] = frozenset()
    profile: bool = False


def fresh_node(project: Project, asset: str, order: int, run_tests: bool, select: bool = False) -> NodeStatus:
    """A node that is still to be executed, or only selected (contract, Task and node status)."""
    return NodeStatus(
        name=(SELECTING if select else EXECUTING) + asset,
        asset_name=asset,
        order=order,
        total_tests=len(project.assets[asset].tests) if run_tests and not select else 0,
    )


def root_tests_to_run(project: Project, succeeded: frozenset[str]) -> tuple[DataTest, ...]:
    """The root tests all of whose assets are in `succeeded`; a test of another is not run."""
    return tuple(test for test in project.root_tests if succeeded.issuperset(test.references))
