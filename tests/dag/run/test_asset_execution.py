"""How assets pass data to each other: captured frames, and frames persisted in the readers' databases."""

from tests.dag.run.task_run import TWO_CONNECTIONS, MakeProject, RunProject
from tests.projects import PROFILE, block, model, raw

FRAMED = block("is_data_framed: true")
ACROSS = block("connection: goose\npersist_inputs: true")
THREE = "SELECT range AS id FROM range(3)"


def test_captured_rows(make_project: MakeProject, run_project: RunProject) -> None:
    """A data-framed asset is materialized and its rows are stored as a frame; rows of others are not stored."""
    run = run_project(make_project({model("s.a"): FRAMED + THREE, model("s.b"): THREE}))
    assert run.captured("s.a") == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert run.rows("FROM s.a") == run.rows("FROM s.b")
    assert run.facts("s.b").result is None


def test_captured_view(make_project: MakeProject, run_project: RunProject) -> None:
    """A view can be captured too, with its rows at the time of the run."""
    run = run_project(make_project({model("s.a"): block("is_data_framed: true\nmaterialization: view") + THREE}))
    assert run.captured("s.a") == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert run.facts("s.a").rows is None


def test_captured_incremental(make_project: MakeProject, run_project: RunProject) -> None:
    """An incremental asset's whole relation is captured after the write, while its row count is what it wrote."""
    project = make_project(
        {model("s.a"): block("is_data_framed: true\nmaterialization: incremental") + "SELECT 1 AS id"}
    )
    run_project(project)
    run = run_project(project)
    assert run.captured("s.a") == [{"id": 1}, {"id": 1}]
    assert run.facts("s.a").rows == 1


def test_captured_custom(make_project: MakeProject, run_project: RunProject) -> None:
    """Of a custom asset the rows of its last statement are captured, whatever it made, and a downstream reads them."""
    custom = block("is_data_framed: true\nmaterialization: custom")
    sql = "CREATE OR REPLACE TABLE s.b AS SELECT 7 AS id; SELECT 'x' AS \"Count\" FROM s.b; -- the end"
    reader = block("persist_inputs: true") + 'SELECT "Count" || 1 AS x1 FROM {{ Ref("s.a") }}'
    run = run_project(make_project({model("s.a"): custom + sql, model("s.reader"): reader}))
    assert run.captured("s.a") == [{"Count": "x"}]
    assert (run.facts("s.a").rows, run.rows("FROM s.reader")) == (1, [("x1",)])


def test_captured_custom_that_ends_without_rows(make_project: MakeProject, run_project: RunProject) -> None:
    """If the last statement returns no rows, the relation that it created is captured; without one it is an error."""
    custom = block("is_data_framed: true\nmaterialization: custom")
    sql = "CREATE OR REPLACE TABLE {} AS SELECT 7 AS id"
    files = {model("s.a"): custom + sql.format("s.a"), model("s.b"): custom + sql.format("s.other")}
    run = run_project(make_project(files))
    assert (run.message("s.a"), run.captured("s.a")) == ("", [{"id": 7}])
    assert run.message("s.b") == (
        '"s.b" has is_data_framed: true, but its last statement returns no rows, and it creates no s.b; '
        "end it with a query"
    )


def test_captured_custom_that_leaves_a_transaction_open(make_project: MakeProject, run_project: RunProject) -> None:
    """Its rows are captured only if what it wrote is kept."""
    custom = block("is_data_framed: true\nmaterialization: custom")
    run = run_project(make_project({model("s.a"): custom + "BEGIN; CREATE TABLE s.a AS SELECT 7 AS id; FROM s.a"}))
    assert run.message("s.a") == (
        'connection "duck": a transaction was left open, so everything written in it was rolled back; '
        "end it with COMMIT"
    )


def test_error_in_a_row_that_is_captured(make_project: MakeProject, run_project: RunProject) -> None:
    """A view that can be created but not read fails when it is captured, with the database's own message."""
    sql = "SELECT CAST(text AS INTEGER) AS id FROM (VALUES ('1'), ('one')) AS v(text)"
    run = run_project(make_project({model("s.a"): block("is_data_framed: true\nmaterialization: view") + sql}))
    assert run.message("s.a").startswith(
        "SQL execution failed: Conversion Error: Could not convert string 'one' to INT32"
    )


def test_data_crosses_connections(make_project: MakeProject, run_project: RunProject) -> None:
    """A captured upstream is written into its reader's own database as tmp_<stage>_<model>, which Ref resolves to."""
    reader = ACROSS + 'SELECT sum(id) AS total FROM {{ Ref("staging.orders") }}'
    files = {model("staging.orders"): FRAMED + THREE, model("mart.sales"): reader}
    run = run_project(make_project({"config.yaml": TWO_CONNECTIONS, **files}))
    assert run.outcomes == {"staging.orders": ("SUCCESS", ""), "mart.sales": ("SUCCESS", "")}
    assert run.rows("FROM mart.sales", "goose") == [(3,)]
    assert run.rows("FROM tmp_staging_orders", "goose") == [(0,), (1,), (2,)]


def test_persisted_inputs_are_those_of_the_newest_run(make_project: MakeProject, run_project: RunProject) -> None:
    """Every run passes on its own rows, not those of the previous run."""
    upstream = FRAMED + "SELECT {{ param('id') }} AS id"
    files = {model("s.a"): upstream, model("s.b"): ACROSS + 'FROM {{ Ref("s.a") }}'}
    project = make_project({"config.yaml": TWO_CONNECTIONS, **files})
    assert run_project(project, {"id": 1}).rows("FROM s.b", "goose") == [(1,)]
    assert run_project(project, {"id": 2}).rows("FROM s.b", "goose") == [(2,)]


def test_many_readers_of_one_input(make_project: MakeProject, run_project: RunProject) -> None:
    """Readers that run concurrently share one persisted input."""
    readers = {
        model(f"s.reader_{n}"): ACROSS + 'FROM {{ Ref("s.a") }} JOIN {{ Ref("s.b") }} USING (id)' for n in range(10)
    }
    files = {"config.yaml": TWO_CONNECTIONS, model("s.a"): FRAMED + THREE, model("s.b"): FRAMED + THREE}
    run = run_project(make_project({**files, **readers}))
    assert set(run.outcomes.values()) == {("SUCCESS", "")}
    assert {tuple(run.rows(f"FROM s.reader_{n}", "goose")) for n in range(10)} == {((0,), (1,), (2,))}


def test_persisted_inputs_on_one_connection(make_project: MakeProject, run_project: RunProject) -> None:
    """persist_inputs on the upstream's own connection reads the captured frame as well."""
    reader = block("persist_inputs: true") + 'FROM {{ Ref("s.a") }}'
    run = run_project(make_project({model("s.a"): FRAMED + THREE, model("s.b"): reader}))
    assert run.rows("FROM s.b") == run.rows("FROM tmp_s_a") == [(0,), (1,), (2,)]


def test_rows_of_a_raw_asset_reach_sql(make_project: MakeProject, run_project: RunProject) -> None:
    """SQL with persist_inputs reads the rows that a raw asset returned."""
    rows = "import pyarrow as pa\ndef execute(context):\n    return pa.table({'id': [7, 8]})\n"
    reader = block("persist_inputs: true") + 'SELECT max(id) AS id FROM {{ Ref("s.a") }}'
    run = run_project(make_project({raw("s.a"): rows, model("s.b"): reader}))
    assert run.rows("FROM s.b") == [(8,)]


def test_value_where_rows_are_wanted(make_project: MakeProject, run_project: RunProject) -> None:
    """If a raw asset returned no rows, the SQL that reads it fails and names both and the type that it returned."""
    reader = block("persist_inputs: true") + 'FROM {{ Ref("s.a") }}'
    run = run_project(make_project({raw("s.a"): "def execute(context):\n    return {'id': 7}\n", model("s.b"): reader}))
    assert run.outcomes["s.b"] == ("FAILED", '"s.b" needs rows from "s.a", which returned a map')


def test_reader_alone_without_its_upstream(make_project: MakeProject, run_project: RunProject) -> None:
    """Executing a reader without a stored frame of its upstream fails and says what to run first."""
    files = {model("s.a"): FRAMED + THREE, model("s.b"): ACROSS + 'FROM {{ Ref("s.a") }}'}
    run = run_project(make_project({"config.yaml": TWO_CONNECTIONS, **files}), only="s.b")
    assert run.message("s.b") == 'no frame of "s.a" is stored for "s.b": run "s.a" first'


def test_raw_asset_reads_what_sql_captured(make_project: MakeProject, run_project: RunProject) -> None:
    """Rows that pass from SQL through a raw asset and back to SQL are unchanged."""
    profile = f"{PROFILE}models:\n  stages:\n    - name: s\n      models: [{{name: b, raw_upstreams: [s.a]}}]\n"
    sql = "SELECT 12345678901234567890::HUGEINT AS big, 1.10::DECIMAL(4, 2) AS price, TIMESTAMPTZ '2013-01-01' AS t"
    files = {model("s.a"): FRAMED + sql, raw("s.b"): "def execute(context):\n    return context.input['s.a']\n"}
    reader = block("persist_inputs: true") + 'SELECT big::TEXT, price::TEXT, typeof(t) FROM {{ Ref("s.b") }}'
    run = run_project(make_project({"profile.yaml": profile, **files, model("s.c"): reader}))
    assert run.rows("FROM s.c") == [("12345678901234567890", "1.10", "TIMESTAMP WITH TIME ZONE")]
