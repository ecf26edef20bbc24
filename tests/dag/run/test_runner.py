"""Running a DAG as one task."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from dagscope.dag.connections.duckdb.connection import DuckDBConnection
from dagscope.dag.events.events import DataTestChanged, Event, Logged, NodeChanged, NodeRecorded, TaskChanged
from dagscope.dag.events.status import NodeState, TaskStatus
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.run import runner
from tests.dag.run.task_run import TWO_CONNECTIONS, MakeProject, RunProject, data_test
from tests.doors import wait_until
from tests.projects import CONFIG, SLOW_SQL, block, model, raw

FAILING = "SELECT error('no stock') AS id"
NO_STOCK = "SQL execution failed: Invalid Input Error: no stock"
SECRET = "hunter2-wins"


def ref(*assets: str) -> str:
    return "SELECT 1 AS id FROM " + ", ".join(f'{{{{ Ref("{asset}") }}}} AS t{n}' for n, asset in enumerate(assets))


class Canceller:
    """Cancels a task from another thread, repeatedly as the server does, once `listen` sees the awaited event."""

    def __init__(self, when: Callable[[Event], bool]) -> None:
        self.cancellation, self._when, self._ended = Cancellation(), when, threading.Event()
        self._thread = threading.Thread(target=self._request, daemon=True)

    def listen(self, event: Event) -> None:
        if isinstance(event, TaskChanged):
            self._ended.set()
        elif self._when(event) and self._thread.ident is None:
            self._thread.start()

    def _request(self) -> None:
        while not self._ended.wait(0.02):
            self.cancellation.request()


def started(asset: str) -> Callable[[Event], bool]:
    return lambda event: (
        isinstance(event, NodeChanged) and event.node.asset_name == asset and event.node.state is NodeState.IN_PROGRESS
    )


def test_success(make_project: MakeProject, run_project: RunProject) -> None:
    """A successful run is reported from start to end, each node through its states."""
    run = run_project(
        make_project({model("staging.orders"): "SELECT 1 AS id", model("mart.sales"): ref("staging.orders")})
    )
    assert run.status is TaskStatus.SUCCESS
    assert run.outcomes == {"staging.orders": ("SUCCESS", ""), "mart.sales": ("SUCCESS", "")}
    found = [(e.node.asset_name, e.node.state.value) for e in run.events if isinstance(e, NodeChanged)]
    assert found == [
        ("staging.orders", "IN_PROGRESS"),
        ("staging.orders", "SUCCESS"),
        ("mart.sales", "IN_PROGRESS"),
        ("mart.sales", "SUCCESS"),
    ]


def test_run_events_of_a_success(make_project: MakeProject, run_project: RunProject) -> None:
    """Run events report the run, its steps, their materializations and checks; the terminal one comes last."""
    orders = block("tests:\n  - name: positive") + "SELECT range AS id FROM range(3)"
    run = run_project(
        make_project({model("staging.orders"): orders, data_test("staging.positive"): "SELECT 1 WHERE false"})
    )
    assert [(e.event_type, e.step_key) for e in run.run_events] == [
        ("RUN_START", None),
        ("STEP_START", "staging.orders"),
        ("MATERIALIZATION", "staging.orders"),
        ("ASSET_CHECK_EVALUATION", "staging.orders"),
        ("STEP_SUCCESS", "staging.orders"),
        ("RUN_SUCCESS", None),
    ]
    assert [e.message for e in run.run_events[:4]] == [
        "Started execution of 1 asset.",
        'Started execution of step "staging.orders".',
        "Asset materialized: staging.orders (3 rows)",
        "Test staging.positive passed",
    ]


def test_run_events_of_a_failure(make_project: MakeProject, run_project: RunProject) -> None:
    """A failed step and the steps skipped because of it are reported, and the terminal event comes last."""
    run = run_project(make_project({model("staging.orders"): FAILING, model("mart.sales"): ref("staging.orders")}))
    found = [(e.event_type, e.step_key, e.level.value, e.message) for e in run.run_events[2:-1]]
    assert found == [
        ("STEP_FAILURE", "staging.orders", "ERROR", f'Execution of step "staging.orders" failed: {NO_STOCK}'),
        ("STEP_SKIPPED", "mart.sales", "WARNING", 'Step "mart.sales" was skipped: upstream staging.orders failed.'),
    ]
    assert [e.event_type for e in run.run_events if e.event_type.startswith("RUN_")] == ["RUN_START", "RUN_FAILURE"]
    assert run.run_events[-1].event_type == "RUN_FAILURE"


def test_task_ends_with_its_counts(make_project: MakeProject, run_project: RunProject) -> None:
    """The last event that is streamed is the task's, with the counts of its nodes."""
    files = {model("s.a"): FAILING, model("s.b"): ref("s.a"), model("s.c"): "SELECT 1"}
    run = run_project(make_project(files))
    ended = next(event for event in reversed(run.events) if not isinstance(event, NodeRecorded))
    assert isinstance(ended, TaskChanged)
    assert ended.summary.status is run.status is TaskStatus.FAILED
    counts = ended.summary.total_assets, ended.summary.completed_assets, ended.summary.failed_assets
    assert (*counts, ended.summary.in_progress_assets) == (3, 1, 1, 0)


def test_downstreams_of_a_failure_are_skipped(make_project: MakeProject, run_project: RunProject) -> None:
    """Every downstream, however indirect, stays INITIAL and names the failed asset; other branches continue."""
    files = {model("s.a"): FAILING, model("s.b"): ref("s.a"), model("s.c"): ref("s.b"), model("s.d"): "SELECT 1"}
    run = run_project(make_project({**files, model("s.e"): ref("s.d")}))
    assert run.outcomes == {
        "s.a": ("FAILED", NO_STOCK),
        "s.b": ("INITIAL", "skipped: upstream s.a failed"),
        "s.c": ("INITIAL", "skipped: upstream s.a failed"),
        "s.d": ("SUCCESS", ""),
        "s.e": ("SUCCESS", ""),
    }


def test_first_of_several_failed_upstreams_is_named(make_project: MakeProject, run_project: RunProject) -> None:
    """If several upstreams failed, the message names the first in order, direct or not."""
    files = {model("s.c"): FAILING, model("s.b"): FAILING, model("s.a"): ref("s.b"), model("s.d"): ref("s.a", "s.c")}
    run = run_project(make_project(files))
    assert run.outcomes["s.d"] == ("INITIAL", "skipped: upstream s.b failed")


def test_skipped_node_has_no_times(make_project: MakeProject, run_project: RunProject) -> None:
    """A node that was not executed has no start, end or duration."""
    node = run_project(make_project({model("s.a"): FAILING, model("s.b"): ref("s.a")})).node("s.b")
    assert (node.start_time, node.end_time, node.execution_time_ms) == (None, None, 0)


def test_relation_of_a_failed_upstream_is_left(make_project: MakeProject, run_project: RunProject) -> None:
    """The result of an earlier run stays when a later run fails."""
    run_project(make_project({model("s.a"): "SELECT 1 AS id", model("s.b"): ref("s.a")}))
    run = run_project(make_project({model("s.a"): FAILING, model("s.b"): ref("s.a")}))
    assert run.rows("FROM s.a") == run.rows("FROM s.b") == [(1,)]


def test_parameters(make_project: MakeProject, run_project: RunProject) -> None:
    """The run's data reach the SQL as values, whatever they contain; a default replaces a missing value."""
    sql = "SELECT {{ param('name') }} AS name, {{ param('limit', 10) }} AS most"
    run = run_project(make_project({model("s.a"): sql}), {"name": "'; DROP SCHEMA s; --"})
    assert run.rows("FROM s.a") == [("'; DROP SCHEMA s; --", 10)]


def test_missing_parameter(make_project: MakeProject, run_project: RunProject) -> None:
    """A parameter without default that is missing from the run fails the node, and the error names it."""
    run = run_project(make_project({model("s.a"): "SELECT\n  {{ param('since') }} AS since"}), {"until": 1})
    message = 'assets/models/s/a.sql:2: parameter "since" is missing from the run\'s data and has no default'
    assert run.outcomes == {"s.a": ("FAILED", message)}


def test_reference_met_only_in_a_run(make_project: MakeProject, run_project: RunProject) -> None:
    """A Ref that was not evaluated at load fails the node, and the error names both assets."""
    sql = "SELECT 1 AS id\n{% if param('deep', false) == 'TRUE' %}FROM {{ Ref('s.a') }}{% endif %}"
    run = run_project(make_project({model("s.a"): "SELECT 1", model("s.b"): sql}), {"deep": True})
    assert run.message("s.b") == (
        'assets/models/s/b.sql:2: "s.b" refers to "s.a" only in this run: '
        "move the Ref so that it is also evaluated at load"
    )


def test_data_tests_of_an_asset(make_project: MakeProject, run_project: RunProject) -> None:
    """An asset's tests run right after it, before its downstreams; the node counts them."""
    orders = block("tests:\n  - name: positive\n  - name: known") + "SELECT 1 AS id"
    tests = {data_test(f"staging.{name}"): ref("staging.orders") + " WHERE false" for name in ("positive", "known")}
    run = run_project(make_project({model("staging.orders"): orders, model("mart.a"): ref("staging.orders"), **tests}))
    node = run.node("staging.orders")
    assert (node.state, node.total_tests, node.passed_tests, node.failed_tests) == ("SUCCESS", 2, 2, 0)
    assert [result.test_name for result in node.test_results] == ["staging.positive", "staging.known"]
    kinds = [event for event in run.events if isinstance(event, NodeChanged | DataTestChanged)]
    last_test = max(place for place, event in enumerate(kinds) if isinstance(event, DataTestChanged))
    first_of_next = next(p for p, e in enumerate(kinds) if isinstance(e, NodeChanged) and e.node.asset_name == "mart.a")
    assert last_test < first_of_next


def test_failing_data_test_fails_its_node(make_project: MakeProject, run_project: RunProject) -> None:
    """A node with a failed test is FAILED and names the test, and its downstreams are skipped."""
    orders = block("tests: [{name: good}, {name: bad}, {name: worse}]") + "SELECT range AS id FROM range(5)"
    tests = {
        data_test(f"s.{name}"): f'FROM {{{{ Ref("s.a") }}}} WHERE id < {count}'
        for name, count in {"good": 0, "bad": 1, "worse": 5}.items()
    }
    run = run_project(make_project({model("s.a"): orders, model("s.b"): ref("s.a"), **tests}))
    assert run.outcomes == {
        "s.a": ("FAILED", "tests failed: s.bad (1 row), s.worse (5 rows)"),
        "s.b": ("INITIAL", "skipped: upstream s.a failed"),
    }
    assert (run.node("s.a").passed_tests, run.node("s.a").failed_tests) == (1, 2)


def test_downstreams_of_failing_data_tests_run_if_the_options_say_so(
    make_project: MakeProject, run_project: RunProject
) -> None:
    """Without `fail_on_tests`, a failed test fails its node and task; downstreams and root tests run."""
    files = {
        model("s.a"): block("tests: [{name: bad}]") + "SELECT 1 AS id",
        model("s.b"): ref("s.a"),
        model("s.c"): FAILING,
        model("s.d"): ref("s.c"),
        data_test("s.bad"): ref("s.a"),
        data_test("root.total"): ref("s.a", "s.b") + " WHERE false",
        data_test("root.other"): ref("s.d"),
    }
    run = run_project(make_project(files), fail_on_tests=False)
    assert run.outcomes == {
        "s.a": ("FAILED", "tests failed: s.bad (1 row)"),
        "s.b": ("SUCCESS", ""),
        "s.c": ("FAILED", NO_STOCK),
        "s.d": ("INITIAL", "skipped: upstream s.c failed"),
    }
    assert [(result.test_name, result.status.value) for result in run.data_tests] == [
        ("s.bad", "FAILED"),
        ("root.total", "SUCCESS"),
    ]
    assert (run.status, run.node("s.a").only_tests_failed, run.node("s.c").only_tests_failed) == (
        TaskStatus.FAILED,
        True,
        False,
    )


def test_data_test_that_cannot_run(make_project: MakeProject, run_project: RunProject) -> None:
    """A test that cannot run fails its node too, and is distinguished from one that found rows."""
    files = {model("s.a"): block("tests: [{name: bad}]") + "SELECT 1", data_test("s.bad"): FAILING}
    run = run_project(make_project(files))
    assert run.message("s.a") == "tests failed: s.bad (could not run: Invalid Input Error: no stock)"
    (result,) = run.node("s.a").test_results
    assert (result.status, result.error) == ("FAILED", "could not run: Invalid Input Error: no stock")


def test_root_tests_run_after_the_whole_dag(make_project: MakeProject, run_project: RunProject) -> None:
    """A root test runs once all nodes are done, and a failing one fails the task but no node."""
    files = {model("s.a"): "SELECT 1 AS id", data_test("root.total"): ref("s.a"), data_test("root.none"): FAILING}
    run = run_project(make_project(files))
    assert run.status is TaskStatus.FAILED
    assert run.outcomes == {"s.a": ("SUCCESS", "")}
    assert [(result.test_name, result.error) for result in run.data_tests] == [
        ("root.none", "could not run: Invalid Input Error: no stock"),
        ("root.total", "1 row violates this test"),
    ]
    assert run.data_test("root.total").asset is None


def test_root_test_of_a_failed_node_is_absent(make_project: MakeProject, run_project: RunProject) -> None:
    """A root test that refers to a node that is not SUCCESS is not run; the others are."""
    files = {model("s.a"): FAILING, model("s.b"): ref("s.a"), model("s.c"): "SELECT 1 AS id"}
    tests = {data_test(f"root.{name}"): ref(f"s.{name}") + " WHERE false" for name in "abc"}
    run = run_project(make_project({**files, **tests}))
    assert [(result.test_name, result.status.value) for result in run.data_tests] == [("root.c", "SUCCESS")]


def test_one_asset_alone(make_project: MakeProject, run_project: RunProject) -> None:
    """A task for one asset runs that asset and its tests, no other asset and no root test."""
    files = {model("s.a"): "SELECT 1 AS id", model("s.b"): block("tests: [{name: t}]") + ref("s.a")}
    project = make_project({**files, data_test("s.t"): "SELECT 1 WHERE false", data_test("root.r"): FAILING})
    assert run_project(project, only="s.a").status is TaskStatus.SUCCESS
    run = run_project(project, only="s.b")
    assert {event.node.asset_name for event in run.events if isinstance(event, NodeChanged)} == {"s.b"}
    assert [result.test_name for result in run.data_tests] == ["s.t"]


def test_cancel(make_project: MakeProject, run_project: RunProject) -> None:
    """Cancelling interrupts the running statement; waiting nodes are skipped, and the terminal run event comes last."""
    canceller = Canceller(started("s.a"))
    files = {model("s.a"): SLOW_SQL, model("s.b"): ref("s.a"), data_test("root.r"): "SELECT 1"}
    run = run_project(make_project(files), cancellation=canceller.cancellation, listen=canceller.listen)
    assert run.status is TaskStatus.FAILED
    assert run.outcomes == {"s.a": ("FAILED", "cancelled"), "s.b": ("INITIAL", "skipped: cancelled")}
    assert [e.event_type for e in run.run_events if e.event_type.startswith("RUN_")] == ["RUN_START", "RUN_CANCELED"]
    assert run.run_events[-1].event_type == "RUN_CANCELED"
    assert run.data_tests == []


def test_cancel_leaves_the_old_table(make_project: MakeProject, run_project: RunProject) -> None:
    """A table whose replacement was cancelled stays unchanged, and the next run replaces it."""
    run_project(make_project({model("s.a"): "SELECT 1 AS id"}))
    canceller = Canceller(started("s.a"))
    slow = make_project({model("s.a"): SLOW_SQL})
    run = run_project(slow, cancellation=canceller.cancellation, listen=canceller.listen)
    assert run.rows("FROM s.a") == [(1,)]
    assert run_project(make_project({model("s.a"): "SELECT 2 AS id"})).rows("FROM s.a") == [(2,)]


def test_cancel_while_a_data_test_runs(make_project: MakeProject, run_project: RunProject) -> None:
    """A cancelled test is reported as ended, with the reason."""
    canceller = Canceller(lambda event: isinstance(event, DataTestChanged))
    files = {model("s.a"): block("tests: [{name: slow}]") + "SELECT 1", data_test("s.slow"): SLOW_SQL}
    run = run_project(make_project(files), cancellation=canceller.cancellation, listen=canceller.listen)
    assert run.outcomes == {"s.a": ("FAILED", "cancelled")}
    result = run.data_test("s.slow").result
    assert (result.status, result.error) == ("FAILED", "cancelled")


@pytest.mark.parametrize("waiting", ["while True: pass", "while True: time.sleep(0.01)"])
def test_cancel_of_python(make_project: MakeProject, run_project: RunProject, waiting: str) -> None:
    """A raw asset that would never end is stopped, whatever exceptions it catches."""
    text = f"import time\ndef execute(context):\n  try:\n    {waiting}\n  except Exception:\n    pass\n"
    canceller = Canceller(started("s.a"))
    run = run_project(make_project({raw("s.a"): text}), cancellation=canceller.cancellation, listen=canceller.listen)
    assert run.outcomes == {"s.a": ("FAILED", "cancelled")}
    assert run.run_events[-1].event_type == "RUN_CANCELED"


def test_cancel_of_python_that_does_not_stop(make_project: MakeProject, run_project: RunProject) -> None:
    """A raw asset that waits in C is left behind: its node has its true duration, and its later events are dropped."""
    text = (
        "import time\ndef execute(context):\n  context.log.info('waits')\n"
        "  try:\n    time.sleep(3)\n  finally:\n    context.log.info('late')\n"
    )
    canceller = Canceller(lambda event: isinstance(event, Logged) and event.entry.message == "waits")
    run = run_project(make_project({raw("s.a"): text}), cancellation=canceller.cancellation, listen=canceller.listen)
    before = list(run.events)
    for thread in threading.enumerate():
        if thread.name.startswith(runner.ASSET_THREAD):
            thread.join()
    assert (run.outcomes, run.left_behind) == ({"s.a": ("FAILED", "cancelled")}, ("s.a",))
    assert run.node("s.a").execution_time_ms >= runner.CANCEL_GRACE_S * 1_000
    assert run.events == before


def test_cancel_of_workers_that_do_not_stop(make_project: MakeProject, run_project: RunProject) -> None:
    """If no worker stops, the task ends nevertheless: the rest is skipped."""
    waits = "import time\ndef execute(context):\n  try:\n    context.log.info('begun')\n    time.sleep(2)\n"
    waits += "  except BaseException:\n    time.sleep(2)\n"
    begun: set[str | None] = set()

    def both_wait(event: Event) -> bool:
        if isinstance(event, Logged) and event.entry.message == "begun":
            begun.add(event.entry.asset)
        return len(begun) == 2

    canceller = Canceller(both_wait)
    files = {raw("s.a"): waits, raw("s.b"): waits, model("s.c"): "SELECT 1", model("s.d"): ref("s.c")}
    run = run_project(make_project(files), cancellation=canceller.cancellation, listen=canceller.listen)
    stuck, skipped = ("FAILED", "cancelled"), ("INITIAL", "skipped: cancelled")
    assert run.outcomes == {"s.a": stuck, "s.b": stuck, "s.c": skipped, "s.d": skipped}
    assert (run.left_behind, run.run_events[-1].event_type) == (("s.a", "s.b"), "RUN_CANCELED")


def test_cancel_that_all_assets_heed(make_project: MakeProject, run_project: RunProject) -> None:
    """If everything stops in time, nothing is left behind, and no thread of assets stays."""
    canceller = Canceller(started("s.a"))
    run = run_project(
        make_project({model("s.a"): SLOW_SQL}), cancellation=canceller.cancellation, listen=canceller.listen
    )
    assert run.left_behind == ()
    wait_until(lambda: not any(thread.name.startswith(runner.ASSET_THREAD) for thread in threading.enumerate()))


def test_listener_that_raises(make_project: MakeProject, run_project: RunProject) -> None:
    """An error in what receives the events is raised by the run, which leaves no worker waiting."""

    def listen(event: Event) -> None:
        if isinstance(event, NodeChanged) and event.node.asset_name == "s.b":
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        run_project(make_project({model(f"s.{name}"): "SELECT 1" for name in "abcd"}), listen=listen)
    wait_until(lambda: not any(thread.name.startswith(runner.ASSET_THREAD) for thread in threading.enumerate()))


def test_cancelled_before_it_began(make_project: MakeProject, run_project: RunProject) -> None:
    """A task that is cancelled while it waits executes nothing and still ends properly."""
    cancellation = Cancellation()
    cancellation.request()
    run = run_project(make_project({model("s.a"): "SELECT 1", model("s.b"): ref("s.a")}), cancellation=cancellation)
    assert run.outcomes == dict.fromkeys(("s.a", "s.b"), ("INITIAL", "skipped: cancelled"))
    assert [event.event_type for event in run.run_events] == [
        "RUN_START",
        "STEP_SKIPPED",
        "STEP_SKIPPED",
        "RUN_CANCELED",
    ]


@pytest.mark.server
def test_database_locked_by_another_process(make_project: MakeProject, run_project: RunProject, tmp_path: Path) -> None:
    """A database file that another process has locked is reported with that process's id and what to do."""
    project = make_project({model("s.a"): "SELECT 1"})
    (tmp_path / "project/store").mkdir()
    holding = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holding, str(tmp_path / "project/store/small.duckdb")]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        run = run_project(project)
        holder.communicate()
    by = f"database file store/small.duckdb is locked by process {holder.pid}"
    assert run.outcomes == {"s.a": ("FAILED", f'connection "duck": {by}; close it there, then run again')}
    assert run_project(project).status is TaskStatus.SUCCESS


@pytest.mark.parametrize(
    "files",
    [
        {model("s.a"): f"SELECT error('{SECRET}')"},
        {model("s.a"): block("tests: [{name: t}]") + "SELECT 1", data_test("s.t"): f"SELECT error('{SECRET}')"},
        {raw("s.a"): f"def execute(context):\n    context.log.info('{SECRET}', key={{'k': '{SECRET}'}})\n    1 / 0\n"},
        {raw("s.a"): f"def execute(context):\n    raise ValueError('{SECRET}')\n"},
    ],
    ids=["sql", "data test", "log", "raw"],
)
def test_secrets_are_in_no_event(
    make_project: MakeProject, run_project: RunProject, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    """The value of a connection's value_env appears in no event, whatever its source."""
    monkeypatch.setenv("DAGSCOPE_TEST_SECRET", SECRET)
    params = "      extraParams:\n        - {name: custom_user_agent, value_env: DAGSCOPE_TEST_SECRET}\n"
    run = run_project(make_project({"config.yaml": CONFIG + params, **files}))
    text = "".join(event.payload() for event in run.events)
    assert run.status is TaskStatus.FAILED
    assert SECRET not in text
    assert "***" in text


def test_secret_in_a_connection_error(
    make_project: MakeProject, run_project: RunProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that the database refuses is reported without its value."""
    monkeypatch.setenv("DAGSCOPE_TEST_SECRET", SECRET)
    params = "      extraParams:\n        - {name: default_order, value_env: DAGSCOPE_TEST_SECRET}\n"
    run = run_project(make_project({"config.yaml": CONFIG + params, model("s.a"): "SELECT 1"}))
    assert run.message("s.a").startswith('connection "duck": cannot open database file store/small.duckdb: ')
    assert "***" in run.message("s.a")
    assert SECRET not in "".join(event.payload() for event in run.events)


def test_log_entries_belong_to_their_asset(make_project: MakeProject, run_project: RunProject) -> None:
    """Entries have the task, and those of an asset or a test have its name and connection."""
    files = {model("s.a"): block("tests: [{name: t}]") + "SELECT 1", data_test("s.t"): "SELECT 1 WHERE false"}
    run = run_project(make_project(files))
    assert {entry.task_id for entry in run.log} == {"nightly"}
    assert [(entry.message, entry.asset, entry.connection, entry.test) for entry in run.log] == [
        ("Starting DAG execution", None, None, None),
        ("Executing asset: s.a", "s.a", "duck", None),
        ("Asset materialized: s.a (1 row)", "s.a", "duck", None),
        ("Test s.t passed", "s.a", "duck", "s.t"),
        ("DAG execution finished", None, None, None),
    ]


def test_relative_paths_are_the_projects(
    make_project: MakeProject, run_project: RunProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path in SQL is relative to the project folder, wherever dagscope was started."""
    monkeypatch.chdir(os.sep)
    files = {"data/orders.csv": "id\n7\n", model("s.a"): "SELECT * FROM read_csv('data/orders.csv')"}
    assert run_project(make_project(files)).rows("FROM s.a") == [(7,)]


def test_assets_whose_work_is_done_elsewhere(
    make_project: MakeProject, run_project: RunProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection with a limit of its own executes that many assets at once and no more, besides the workers."""
    limit = property(lambda connection: 3 if connection.name == "goose" else None)
    monkeypatch.setattr(DuckDBConnection, "max_concurrent", limit)
    geese = {f"s.g{number}" for number in range(6)}
    files = {model(name): block("connection: goose") + "SELECT 1 AS id" for name in geese}
    project = make_project({"config.yaml": TWO_CONNECTIONS, model("s.duck"): "SELECT 1 AS id", **files})
    three, seen, running, most = threading.Barrier(3, timeout=30), set[str](), set[str](), [0]

    def listen(event: Event) -> None:
        if isinstance(event, NodeChanged) and event.node.asset_name in geese:
            name, state = event.node.asset_name, event.node.state
            if state is NodeState.IN_PROGRESS and name not in seen:
                seen.add(name)
                running.add(name)
                most[0] = max(most[0], len(running))
                three.wait()
            elif state is NodeState.SUCCESS:
                running.discard(name)

    assert run_project(project, listen=listen).status is TaskStatus.SUCCESS
    assert most == [3]
    assert seen == geese
