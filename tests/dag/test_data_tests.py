"""Data tests: queries for the rows that are wrong."""

import pytest

from dag.frames import Frame
from dag.status import DataTestStatus
from tests.dag.task_run import KEPT_VIOLATIONS, MakeProject, Run, RunProject, data_test
from tests.projects import block, model

ORDERS = block("tests: [{name: t}]") + "SELECT range AS id FROM range(5000)"


def run_test(make_project: MakeProject, run_project: RunProject, sql: str) -> Run:
    """A run in which this test of 5,000 orders takes part as `s.t`."""
    return run_project(make_project({model("s.orders"): ORDERS, data_test("s.t"): sql}))


def violating(count: int) -> str:
    return f'SELECT * FROM {{{{ Ref("s.orders") }}}} WHERE id < {count}'


def test_no_rows_pass(make_project: MakeProject, run_project: RunProject) -> None:
    """A test that finds no rows passes, and keeps none."""
    told = run_test(make_project, run_project, violating(0)).data_test("s.t")
    assert (told.result.status, told.result.error) == (DataTestStatus.SUCCESS, None)
    assert (told.violation_count, told.violations) == (0, None)


@pytest.mark.parametrize(
    ("count", "error"),
    [
        (1, "1 row violates this test"),
        (2, "2 rows violate this test"),
        (5_000, "5,000 rows violate this test"),
    ],
)
def test_rows_violate(make_project: MakeProject, run_project: RunProject, count: int, error: str) -> None:
    """A test that finds rows fails, says how many there are in all, and keeps the first of them."""
    run = run_test(make_project, run_project, violating(count))
    told = run.data_test("s.t")
    assert (told.result.status, told.result.error, told.violation_count) == (DataTestStatus.FAILED, error, count)
    assert isinstance(told.violations, Frame)
    assert told.violations.rows == min(count, KEPT_VIOLATIONS)
    assert told.violations.columns == ("id",)


def test_order_of_the_violations(make_project: MakeProject, run_project: RunProject) -> None:
    """The rows that are kept are the first in the test's own order."""
    run = run_test(make_project, run_project, violating(100) + " ORDER BY id DESC")
    violations = run.data_test("s.t").violations
    assert violations is not None
    assert run.frames.read(violations.digest).column("id").to_pylist() == [99, 98, 97]


@pytest.mark.parametrize("ending", [";", " ;\n", " -- by id", ";;"])
def test_ending_of_the_query(make_project: MakeProject, run_project: RunProject, ending: str) -> None:
    """A test may end with a semicolon or a comment."""
    run = run_test(make_project, run_project, violating(0) + ending)
    assert run.outcomes == {"s.orders": ("SUCCESS", "")}


def test_columns_of_one_name(make_project: MakeProject, run_project: RunProject) -> None:
    """A test may select several columns of one name."""
    run = run_test(make_project, run_project, 'SELECT id, id FROM {{ Ref("s.orders") }} WHERE id = 7')
    assert run.message("s.orders") == "tests failed: s.t (1 row)"


def test_query_that_the_database_refuses(make_project: MakeProject, run_project: RunProject) -> None:
    """A test that cannot run has FAILED, and says so in the database's own words."""
    told = run_test(make_project, run_project, "SELECT nope FROM {{ Ref('s.orders') }}").data_test("s.t")
    assert (told.result.status, told.violation_count, told.violations) == (DataTestStatus.FAILED, 0, None)
    assert told.result.error == (
        'could not run: Binder Error: Referenced column "nope" not found in FROM clause!\n'
        'Candidate bindings: "id"\n\n'
        "LINE 1: SELECT count(*) FROM (SELECT nope FROM s.orders\n"
        "                                     ^^^^"
    )


def test_missing_parameter(make_project: MakeProject, run_project: RunProject) -> None:
    """A test whose parameter the run does not give cannot run, and names it."""
    told = run_test(make_project, run_project, violating(0) + " AND id > {{ param('since') }}").data_test("s.t")
    assert told.result.error == (
        'could not run: assets/tests/s/t.sql:1: parameter "since" is missing from the run\'s data and has no default'
    )


def test_reference_met_only_in_a_run(make_project: MakeProject, run_project: RunProject) -> None:
    """A Ref that was not met at load is an error that names the test and the asset."""
    sql = "SELECT 1 WHERE false\n{% if TaskID %} AND EXISTS (FROM {{ Ref('s.orders') }}){% endif %}"
    told = run_test(make_project, run_project, sql).data_test("s.t")
    assert told.result.error == (
        'could not run: assets/tests/s/t.sql:2: "s.t" refers to "s.orders" only in this run: '
        "write the Ref so that it is met at load too"
    )


def test_test_is_told_when_it_starts(make_project: MakeProject, run_project: RunProject) -> None:
    """A node that is being tested says so, and counts its tests as they end."""
    run = run_test(make_project, run_project, violating(0))
    nodes = [event.node for event in run.events if hasattr(event, "node")]
    assert [(node.state.value, node.total_tests, node.passed_tests) for node in nodes] == [
        ("IN_PROGRESS", 1, 0),
        ("TESTING", 1, 0),
        ("TESTING", 1, 1),
        ("SUCCESS", 1, 1),
    ]
