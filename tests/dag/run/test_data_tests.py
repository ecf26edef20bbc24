"""Data tests: queries for invalid rows."""

import json

import pytest

from dagscope.dag.events.events import NodeChanged
from dagscope.dag.events.status import DataTestStatus
from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.ground.frames import Frame
from dagscope.dag.redaction.masking import HIDDEN_REASON
from tests.dag.run.task_run import KEPT_VIOLATIONS, MakeProject, Run, RunProject, data_test
from tests.projects import block, model

ORDERS = block("tests: [{name: t}]") + "SELECT range AS id FROM range(5000)"


def run_test(make_project: MakeProject, run_project: RunProject, sql: str) -> Run:
    """A run that includes this test of 5,000 orders as `s.t`."""
    return run_project(make_project({model("s.orders"): ORDERS, data_test("s.t"): sql}))


def violating(count: int) -> str:
    return f'SELECT * FROM {{{{ Ref("s.orders") }}}} WHERE id < {count}'


def test_no_rows_pass(make_project: MakeProject, run_project: RunProject) -> None:
    """A test that finds no rows passes, and stores nothing."""
    found = run_test(make_project, run_project, violating(0)).data_test("s.t")
    assert (found.result.status, found.result.error) == (DataTestStatus.SUCCESS, None)
    assert (found.violation_count, found.violations) == (0, None)


@pytest.mark.parametrize(
    ("count", "error"),
    [
        (1, "1 row violates this test"),
        (2, "2 rows violate this test"),
        (5_000, "5,000 rows violate this test"),
    ],
)
def test_rows_violate(make_project: MakeProject, run_project: RunProject, count: int, error: str) -> None:
    """A test that finds rows fails, says how many there are in total, and stores the first of them."""
    run = run_test(make_project, run_project, violating(count))
    found = run.data_test("s.t")
    assert (found.result.status, found.result.error, found.violation_count) == (DataTestStatus.FAILED, error, count)
    assert isinstance(found.violations, Frame)
    assert found.violations.rows == min(count, KEPT_VIOLATIONS)
    assert found.violations.columns == ("id",)


def test_order_of_the_violations(make_project: MakeProject, run_project: RunProject) -> None:
    """The stored rows are the first in the test's own order."""
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
    """A test may select several columns with the same name."""
    run = run_test(make_project, run_project, 'SELECT id, id FROM {{ Ref("s.orders") }} WHERE id = 7')
    assert run.message("s.orders") == "tests failed: s.t (1 row)"


def test_query_that_the_database_refuses(make_project: MakeProject, run_project: RunProject) -> None:
    """A test that cannot run has FAILED, with the database's own message."""
    found = run_test(make_project, run_project, "SELECT nope FROM {{ Ref('s.orders') }}").data_test("s.t")
    assert (found.result.status, found.violation_count, found.violations) == (DataTestStatus.FAILED, 0, None)
    assert found.result.error == (
        'could not run: Binder Error: Referenced column "nope" not found in FROM clause!\n'
        'Candidate bindings: "id"\n\n'
        "LINE 1: SELECT count(*) FROM (SELECT nope FROM s.orders\n"
        "                                     ^^^^"
    )


def test_missing_parameter(make_project: MakeProject, run_project: RunProject) -> None:
    """A test whose parameter is missing from the run cannot run, and its error names the parameter."""
    found = run_test(make_project, run_project, violating(0) + " AND id > {{ param('since') }}").data_test("s.t")
    assert found.result.error == (
        'could not run: assets/tests/s/t.sql:1: parameter "since" is missing from the run\'s data and has no default'
    )


def test_reference_met_only_in_a_run(make_project: MakeProject, run_project: RunProject) -> None:
    """A Ref that was not evaluated at load is an error that names the test and the asset."""
    sql = "SELECT 1 WHERE false\n{% if TaskID %} AND EXISTS (FROM {{ Ref('s.orders') }}){% endif %}"
    found = run_test(make_project, run_project, sql).data_test("s.t")
    assert found.result.error == (
        'could not run: assets/tests/s/t.sql:2: "s.t" refers to "s.orders" only in this run: '
        "move the Ref so that it is also evaluated at load"
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


PEOPLE = """\
SELECT id, email, name FROM (VALUES
  (1, 'ada@example.com', 'Ada'), (2, NULL, 'Bob'), (3, 'eve@example.com', 'Eve')
) AS people(id, email, name)
"""


def masked_run(
    make_project: MakeProject, run_project: RunProject, files: dict[str, str], sql: str, said: str, named: str = "t"
) -> Run:
    """A run of a test `s.t` of three people; `said` is its own block, `named` the model's entry for it."""
    people = {model("s.people"): block(f"tests: [{{name: {named}}}]") + PEOPLE}
    return run_project(make_project({**files, **people, data_test("s.t"): block(said) + sql}))


PEOPLE_IN_ORDER = 'SELECT email, id, email AS "Email" FROM {{ Ref("s.people") }} ORDER BY id'


@pytest.mark.parametrize(("said", "named"), [("mask: [EMAIL]", "t"), ("mask:", "t, mask: [email]")])
def test_masked_columns(
    make_project: MakeProject, run_project: RunProject, both_engines: dict[str, str], said: str, named: str
) -> None:
    """Values of masked columns never reach a frame, whichever file masks them; nulls stay nulls."""
    run = masked_run(make_project, run_project, both_engines, PEOPLE_IN_ORDER, said, named)
    found = run.data_test("s.t")
    assert (found.violation_count, found.result.error) == (3, "3 rows violate this test")
    assert found.violations is not None
    kept = run.frames.read(found.violations.digest)
    assert [column.to_pylist() for column in kept.columns] == [["***", None, "***"], [1, 2, 3], ["***", None, "***"]]
    files = [file.read_bytes() for file in run.frames.folder.iterdir()]  # type: ignore[attr-defined]  # files here
    assert len(files) == 2  # the rows that the test found, and those that were captured of the table
    assert b"@example.com" not in b"".join(files)


def test_masked_column_that_is_not_there(
    make_project: MakeProject, run_project: RunProject, both_engines: dict[str, str]
) -> None:
    """A mask for a column that the test does not select fails it, even if it finds no rows, and nothing is stored."""
    sql = 'SELECT email FROM {{ Ref("s.people") }} WHERE false'
    found = masked_run(make_project, run_project, both_engines, sql, "mask: [emial]").data_test("s.t")
    assert (found.violation_count, found.violations) == (0, None)
    assert found.result.error == (
        'could not run: assets/tests/s/t.sql: data test "s.t" masks column "emial", which it does not select; '
        'did you mean "email"?'
    )


def test_errors_show_no_masked_values(
    make_project: MakeProject, run_project: RunProject, both_engines: dict[str, str]
) -> None:
    """If a database fails while reading rows, its message, which may contain masked values, is not stored."""
    sql = 'SELECT email FROM {{ Ref("s.people") }} WHERE CAST(email AS integer) > 0'
    run = masked_run(make_project, run_project, both_engines, sql, "mask: [email]")
    assert "example.com" not in "".join(event.payload() for event in run.events)
    kept = [event.facts.statements for event in run.events if isinstance(event, NodeChanged)]
    sent = [statement for some in kept if some is not None for statement in json.loads(some.json)]
    reasons = {statement["error"]["message"] for statement in sent if "error" in statement}
    assert reasons == {HIDDEN_REASON}
    assert str(run.data_test("s.t").result.error).startswith("could not run: the database failed while reading rows")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {data_test("s.t"): block("maks: [id]") + "SELECT 1 AS id"},
            'assets/tests/s/t.sql:2: unknown key "maks"; did you mean "mask"?',
        ),
        (
            {data_test("s.t"): block("mask: id") + "SELECT 1 AS id"},
            'assets/tests/s/t.sql:2: "mask" must be a list, found "id"',
        ),
        (
            {
                data_test("s.t"): "SELECT 1 AS id",
                model("s.m"): block("tests:\n  - name: t\n    masks: [id]") + "SELECT 1 AS id",
            },
            'assets/models/s/m.sql:4: unknown key "masks"; did you mean "mask"?',
        ),
    ],
)
def test_wrong_masks(make_project: MakeProject, files: dict[str, str], message: str) -> None:
    """An invalid mask is reported with file, line and the nearest known key."""
    with pytest.raises(ProjectInvalid) as raised:
        make_project({model("s.people"): PEOPLE, **files})
    assert str(raised.value) == message


def test_line_of_a_masked_test(
    make_project: MakeProject, run_project: RunProject, both_engines: dict[str, str]
) -> None:
    """A test with a mask says where its query is wrong, like any other."""
    sql = 'SELECT email,\n  nope FROM {{ Ref("s.people") }}'
    found = masked_run(make_project, run_project, both_engines, sql, "mask: [email]").data_test("s.t")
    assert found.result.error is not None
    assert "LINE 2:   nope FROM s.people" in found.result.error.splitlines()
