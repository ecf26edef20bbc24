"""The plan of a task's next attempt, from a project and what is kept, with nothing read or run."""

from pathlib import Path
from typing import Any

import pytest

from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.status import DataTestResult, DataTestStatus, NodeState, NodeStatus, TaskStatus, TaskSummary
from dagscope.dag.project.loading import load_project
from dagscope.dag.project.project import Project
from dagscope.dag.run.task_plan import Action, TaskPlan, Work
from dagscope.server.workspace.task_planning import NextAttempt, NothingToRetry, results_to_look_up
from dagscope.storage.tasks import KeptNode, KeptTask
from tests.projects import model, write_project

SUCCESS, FAILED, INITIAL = NodeState.SUCCESS, NodeState.FAILED, NodeState.INITIAL
PASSED, VIOLATED = DataTestStatus.SUCCESS, DataTestStatus.FAILED


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """`s.a`, which `s.b` reads, which `s.c` reads; a root test of `s.c`, and a test of `s.a` that no profile names."""
    files = {
        model("s.a"): "SELECT 1 AS id",
        model("s.b"): 'SELECT * FROM {{ Ref("s.a") }}',
        model("s.c"): 'SELECT * FROM {{ Ref("s.b") }}',
        "assets/tests/whole.sql": 'SELECT * FROM {{ Ref("s.c") }} WHERE id = 2',
        "assets/tests/s/alone.sql": 'SELECT * FROM {{ Ref("s.a") }} WHERE id = 2',
    }
    return load_project(write_project(tmp_path, files))


def kept(states: dict[str, NodeState], *tests: DataTestResult, **values: Any) -> KeptTask:
    """The second attempt of a task, with nodes in these states."""
    nodes = [
        NodeStatus(name=f"Executing {name}", asset_name=name, order=place, state=state)
        for place, (name, state) in enumerate(states.items(), 1)
    ]
    good = set(states.values()) == {SUCCESS} and all(test.status is PASSED for test in tests)
    summary = TaskSummary.of_nodes("t", TaskStatus.SUCCESS if good else TaskStatus.FAILED, nodes, 1, 2, "uuid-1")
    fields: dict[str, Any] = {
        "summary": summary,
        "attempt": 2,
        "newest_attempt": 2,
        "last_task_name": "",
        "data": {"day": "monday"},
        "profile": False,
        "nodes": tuple(KeptNode(node, NodeFacts(rows=7)) for node in nodes),
        "root_test_results": tests,
    }
    return KeptTask(**fields | values)


def next_attempt(project: Project, earlier: KeptTask | None = None) -> NextAttempt:
    return NextAttempt(project, "instance-1", "t", earlier)


def states(plan: TaskPlan) -> dict[str, NodeState]:
    return {name: node.state for name, node in plan.nodes.items()}


def test_a_first_run(project: Project) -> None:
    """A task's first attempt executes every asset, in order, under a uuid of its own."""
    plan = next_attempt(project).of_dag({"day": "friday"})
    assert plan.work == Work(frozenset({"s.a", "s.b", "s.c"}))
    assert [(node.order, node.asset_name) for node in plan.nodes.values()] == [(1, "s.a"), (2, "s.b"), (3, "s.c")]
    assert (plan.attempt, plan.task.task_id, plan.task.data) == (1, "t", {"day": "friday"})
    assert plan.task.task_uuid != next_attempt(project).of_dag().task.task_uuid


def test_a_run_again(project: Project) -> None:
    """A task that runs again keeps its uuid and counts its attempts; its data is only that of the new run."""
    earlier = kept({"s.a": SUCCESS, "s.gone": SUCCESS}, DataTestResult(test_name="root.whole", status=VIOLATED))
    plan = next_attempt(project, earlier).of_dag()
    assert (plan.attempt, plan.task.task_uuid, plan.task.data) == (3, "uuid-1", {})
    assert states(plan) == {"s.a": INITIAL, "s.b": INITIAL, "s.c": INITIAL}
    assert plan.root_test_results == ()


def test_a_run_without_tests(project: Project) -> None:
    """A run without tests also runs no root tests, and keeps their earlier results."""
    failed = DataTestResult(test_name="root.whole", status=VIOLATED)
    plan = next_attempt(project, kept({"s.a": SUCCESS}, failed)).of_dag(run_tests=False)
    assert (plan.work.run_tests, plan.work.run_root_tests, plan.root_test_results) == (False, False, (failed,))


def test_one_asset(project: Project) -> None:
    """Executing one asset carries over the other nodes with their facts, and the task's data."""
    plan = next_attempt(project, kept({"s.a": SUCCESS, "s.b": FAILED})).of_asset("s.b")
    assert plan.work == Work(frozenset({"s.b"}), run_root_tests=False)
    assert states(plan) == {"s.a": SUCCESS, "s.b": INITIAL}
    assert dict(plan.facts) == {"s.a": NodeFacts(rows=7, carried=True)}
    assert plan.task.data == {"day": "monday"}


def test_one_selection(project: Project) -> None:
    """An asset that is only selected has a node that says so."""
    plan = next_attempt(project).of_asset("s.b", Action.SELECT)
    assert plan.work == Work(frozenset({"s.b"}), frozenset({"s.b"}), run_root_tests=False)
    assert plan.nodes["s.b"].name == "Selecting s.b"


def test_one_preview(project: Project) -> None:
    """An asset whose relation is only read is selected too, and the plan says from where."""
    work = next_attempt(project).of_asset("s.b", Action.PREVIEW).work
    assert work == Work(*(frozenset({"s.b"}),) * 3, run_root_tests=False)
    assert [work.action_on(asset) for asset in ("s.a", "s.b")] == [None, Action.PREVIEW]


@pytest.mark.parametrize(("said", "profiles"), [(None, True), (False, False)])
def test_profiling(project: Project, said: bool | None, profiles: bool) -> None:
    """Statements are profiled as in the attempt before, unless the request decides."""
    assert (
        next_attempt(project, kept({"s.a": SUCCESS}, profile=True)).of_asset("s.a", profile=said).work.profile
        is profiles
    )


def test_one_data_test(project: Project) -> None:
    """A data test that is run alone replaces its own earlier result; all nodes and other results stay."""
    alone = DataTestResult(test_name="s.alone", status=VIOLATED)
    whole = DataTestResult(test_name="root.whole", status=PASSED)
    plan = next_attempt(project, kept({"s.a": SUCCESS}, alone, whole)).of_test("s.alone")
    assert plan.work == Work(run_root_tests=False, lone_tests=("s.alone",))
    assert (states(plan), plan.root_test_results) == ({"s.a": SUCCESS}, (whole,))


def test_one_data_test_of_an_ended_task(project: Project) -> None:
    """How the task had ended, and when it had begun, stays: however the test comes out."""
    earlier = kept({"s.a": SUCCESS})
    plan = next_attempt(project, earlier).of_test("s.alone")
    assert plan.started_ms == earlier.summary.start_time
    assert plan.summary(TaskStatus.FAILED, plan.nodes, end_time=9) == earlier.summary
    assert plan.summary(TaskStatus.IN_PROGRESS, plan.nodes).status is TaskStatus.IN_PROGRESS


def test_retry_of_the_whole_dag(project: Project) -> None:
    """A retry executes what did not succeed; root tests run again if the attempt before executed the whole DAG."""
    failed = DataTestResult(test_name="s.alone", status=VIOLATED)
    earlier = kept({"s.a": SUCCESS, "s.b": FAILED, "s.c": INITIAL}, failed)
    plan = next_attempt(project, earlier).of_rest()
    assert plan is not None
    assert plan.work == Work(frozenset({"s.b", "s.c"}), lone_tests=("s.alone",))
    assert states(plan) == {"s.a": SUCCESS, "s.b": INITIAL, "s.c": INITIAL}


def test_retry_of_a_part(project: Project) -> None:
    """A retry of a task of some assets runs no root tests except those that were run alone and failed."""
    failed = DataTestResult(test_name="root.whole", status=VIOLATED)
    plan = next_attempt(project, kept({"s.a": SUCCESS}, failed)).of_rest()
    assert plan is not None
    assert plan.work == Work(run_root_tests=False, lone_tests=("root.whole",))


def test_nothing_to_retry(project: Project) -> None:
    """A task cannot be retried if all of its assets and tests succeeded, or if it does not exist."""
    with pytest.raises(NothingToRetry, match=r"^nothing to retry: all assets of task t succeeded$"):
        next_attempt(project, kept({"s.a": SUCCESS})).of_rest()
    assert next_attempt(project).of_rest() is None


def test_results_to_look_up(project: Project) -> None:
    """Kept results are needed of upstreams that the attempt does not execute, or only selects."""
    assert results_to_look_up(project, next_attempt(project).of_dag()) == frozenset()
    assert results_to_look_up(project, next_attempt(project).of_asset("s.c")) == {"s.b"}
    earlier = kept({"s.b": FAILED, "s.c": FAILED})
    nodes = (KeptNode(earlier.nodes[0].status.changed(is_selection=True), NodeFacts()), earlier.nodes[1])
    plan = next_attempt(project, kept({"s.b": FAILED, "s.c": FAILED}, nodes=nodes)).of_rest()
    assert plan is not None
    assert results_to_look_up(project, plan) == {"s.a", "s.b"}
