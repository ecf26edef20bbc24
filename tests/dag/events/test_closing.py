"""Ending a task whose runner is gone."""

from dagscope.dag.events.closing import UnendedTask, closing_events
from dagscope.dag.events.events import DataTestChanged, Event, NodeChanged, NodeFacts, RunEventEmitted, TaskChanged
from dagscope.dag.events.status import NodeState, NodeStatus, NodeTimings, TaskStatus, TaskSummary

MESSAGE = "interrupted: server restarted"
ENDED_MS = 10_000_000


def node(asset: str, state: NodeState, start_time: int | None = None, **timings: int) -> tuple[NodeStatus, NodeFacts]:
    parts = NodeTimings(waiting_ms=0, queued_ms=0, **timings) if start_time else None
    status = NodeStatus(
        name=f"Executing {asset}", asset_name=asset, order=1, state=state, start_time=start_time, timings=parts
    )
    return status, NodeFacts(rows=7)


def closed(*nodes: tuple[NodeStatus, NodeFacts], **values: tuple[tuple[str, str | None], ...]) -> list[Event]:
    summary = TaskSummary.of_nodes("t", TaskStatus.IN_PROGRESS, [status for status, _ in nodes], start_time=1)
    return list(closing_events(UnendedTask(summary, 2, nodes, **values), MESSAGE, ENDED_MS))


def test_nodes() -> None:
    """Running nodes become FAILED, waiting ones say why they never ran, ended ones stay; the task's counts agree."""
    events = closed(node("s.a", NodeState.SUCCESS), node("s.b", NodeState.IN_PROGRESS), node("s.c", NodeState.INITIAL))
    changes = [event for event in events if isinstance(event, NodeChanged)]
    assert [(e.node.asset_name, e.node.state, e.node.message) for e in changes] == [
        ("s.b", NodeState.FAILED, MESSAGE),
        ("s.c", NodeState.INITIAL, f"skipped: {MESSAGE}"),
    ]
    assert changes[0].facts == NodeFacts(rows=7)
    assert isinstance(events[-1], TaskChanged)
    summary = events[-1].summary
    assert (summary.status, summary.total_assets, summary.completed_assets) == (TaskStatus.FAILED, 3, 1)
    assert (summary.failed_assets, summary.in_progress_assets) == (1, 0)


def test_run_events() -> None:
    """Run events report each interrupted step, the interruption, and finally the failure of the run."""
    events = [event.run_event for event in closed(node("s.b", NodeState.TESTING)) if isinstance(event, RunEventEmitted)]
    assert [(event.event_type, event.step_key, event.message) for event in events] == [
        ("STEP_FAILURE", "s.b", 'Execution of step "s.b" failed: interrupted: server restarted'),
        ("ENGINE_EVENT", None, "The run was interrupted: server restarted."),
        ("RUN_FAILURE", None, "Execution failed: interrupted: server restarted"),
    ]


def test_data_tests() -> None:
    """Running data tests become FAILED, each under its own asset."""
    events = closed(open_tests=(("s.t", "s.a"), ("root.t", None)))
    tests = [(e.result.test_name, e.asset, e.result.error) for e in events if isinstance(e, DataTestChanged)]
    assert tests == [("s.t", "s.a", MESSAGE), ("root.t", None, MESSAGE)]


def test_timings() -> None:
    """The part that a node was in gets the rest of its time: executing the asset, or testing it."""
    an_hour_before = ENDED_MS - 3_600_000
    executing, testing = (
        event.node.timings
        for event in closed(
            node("s.a", NodeState.IN_PROGRESS, an_hour_before),
            node("s.b", NodeState.TESTING, an_hour_before, executing_ms=3_000_000),
        )
        if isinstance(event, NodeChanged)
    )
    assert executing is not None
    assert testing is not None
    assert (executing.executing_ms, executing.testing_ms) == (3_600_000, 0)
    assert (testing.executing_ms, testing.testing_ms) == (3_000_000, 600_000)
