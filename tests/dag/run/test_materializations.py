"""The contents of the database after a run."""

import pytest

from dagscope.dag.connections import RelationKind
from tests.dag.run.task_run import MakeProject, Run, RunProject
from tests.projects import block, model

KEYS = """primary_key_fields: [id]
indexes:
  - {name: by_day, fields: [day, id]}
  - {name: one, unique: true, fields: [id]}"""
ORDERS = "SELECT 1 AS id, DATE '2013-01-01' AS day"
ORDERED = model("staging.orders")


def kind(run: Run, asset: str) -> RelationKind | None:
    return run.project.connections["duck"].relations().get(asset)


ALL_KEYS = [("orders_by_day_idx", False), ("orders_one_idx", True), ("orders_pkey", True)]


def keys(run: Run) -> list[tuple[str, ...]]:
    """All indexes, as the database lists them."""
    return run.rows("SELECT index_name, is_unique FROM duckdb_indexes() ORDER BY index_name")


def test_table(make_project: MakeProject, run_project: RunProject) -> None:
    """A table holds the query's rows, and a second run replaces them."""
    project = make_project({ORDERED: "SELECT range AS id FROM range(3)"})
    for _ in range(2):
        run = run_project(project)
        assert run.rows("FROM staging.orders") == [(0,), (1,), (2,)]
        assert (kind(run, "staging.orders"), run.facts("staging.orders").rows) == (RelationKind.TABLE, 3)


def test_view(make_project: MakeProject, run_project: RunProject) -> None:
    """A view is created and replaced; its rows are not counted."""
    project = make_project({ORDERED: block("materialization: view") + ORDERS})
    for _ in range(2):
        run = run_project(project)
        assert run.rows("SELECT id FROM staging.orders") == [(1,)]
        assert (kind(run, "staging.orders"), run.facts("staging.orders").rows) == (RelationKind.VIEW, None)


def test_incremental(make_project: MakeProject, run_project: RunProject) -> None:
    """An incremental model is created by the first run and appended to by later ones, as IsIncremental() says."""
    sql = "SELECT {% if IsIncremental() %}(SELECT max(id) + 1 FROM {{ this() }}){% else %}1{% endif %} AS id"
    project = make_project({ORDERED: block("materialization: incremental") + sql})
    for rows in ([(1,)], [(1,), (2,)], [(1,), (2,), (3,)]):
        run = run_project(project)
        assert run.rows("FROM staging.orders ORDER BY id") == rows
        assert run.facts("staging.orders").rows == 1


def test_custom(make_project: MakeProject, run_project: RunProject) -> None:
    """All statements of custom SQL run unchanged, and no relation with the asset's name is created."""
    sql = "CREATE TABLE made (id INT);\nINSERT INTO made VALUES (1), (2);\nINSERT INTO made VALUES (3);"
    run = run_project(make_project({ORDERED: block("materialization: custom") + sql}))
    assert run.rows("FROM made") == [(1,), (2,), (3,)]
    assert kind(run, "staging.orders") is None
    assert run.facts("staging.orders").rows == 1


def test_custom_that_selects_a_count(make_project: MakeProject, run_project: RunProject) -> None:
    """A result's column may have any name and contain anything."""
    run = run_project(make_project({ORDERED: block("materialization: custom") + "SELECT 'three' AS \"Count\""}))
    assert run.outcomes == {"staging.orders": ("SUCCESS", "")}


@pytest.mark.parametrize(
    "materializations",
    [("table", "view", "table"), ("view", "incremental", "view"), ("custom", "table"), ("incremental", "table")],
    ids=" -> ".join,
)
def test_materialization_that_changed(
    make_project: MakeProject, run_project: RunProject, materializations: tuple[str, ...]
) -> None:
    """A model whose materialization has changed replaces the old table or view."""
    for number, materialization in enumerate(materializations):
        sql = (
            "CREATE VIEW staging.orders AS SELECT 0 AS id" if materialization == "custom" else f"SELECT {number} AS id"
        )
        run = run_project(make_project({ORDERED: block(f"materialization: {materialization}") + sql}))
        assert run.outcomes == {"staging.orders": ("SUCCESS", "")}
        assert run.rows("FROM staging.orders") == [(number,)]


@pytest.mark.parametrize("materialization", ["table", "incremental"])
def test_view_that_no_longer_works_is_replaced(
    make_project: MakeProject, run_project: RunProject, materialization: str
) -> None:
    """A view that reads a missing column is still recognized as a view, and replaced by a table."""
    sales = 'FROM {{ Ref("staging.orders") }}'
    files = {ORDERED: ORDERS, model("staging.sales"): block("materialization: view") + f"SELECT id {sales}"}
    run_project(make_project(files))
    changed = block(f"materialization: {materialization}") + f"SELECT day {sales}"
    run = run_project(make_project({ORDERED: "SELECT 'Monday' AS day", model("staging.sales"): changed}))
    assert run.message("staging.sales") == ""
    assert run.rows("FROM staging.sales") == [("Monday",)]


@pytest.mark.parametrize("materialization", ["table", "incremental"])
def test_keys_and_indexes(make_project: MakeProject, run_project: RunProject, materialization: str) -> None:
    """Primary key and indexes exist after the first run and after the second."""
    sql = ORDERS.replace("1", "{% if IsIncremental() %}2{% else %}1{% endif %}", 1)
    project = make_project({ORDERED: block(f"materialization: {materialization}\n{KEYS}") + sql})
    for _ in range(2):
        run = run_project(project)
        assert run.outcomes == {"staging.orders": ("SUCCESS", "")}
        assert keys(run) == ALL_KEYS


def test_keys_and_indexes_after_a_view(make_project: MakeProject, run_project: RunProject) -> None:
    """Keys are also created if a view had the name before."""
    run_project(make_project({ORDERED: block("materialization: view") + ORDERS}))
    run = run_project(make_project({ORDERED: block(KEYS) + ORDERS}))
    assert keys(run) == ALL_KEYS


def test_incremental_after_a_table(make_project: MakeProject, run_project: RunProject) -> None:
    """A model that was a table and becomes incremental appends to the table that is there."""
    run_project(make_project({ORDERED: ORDERS}))
    sql = block("materialization: incremental") + "SELECT 2 AS id, DATE '2013-01-02' AS day"
    run = run_project(make_project({ORDERED: sql}))
    assert run.rows("SELECT id FROM staging.orders ORDER BY id") == [(1,), (2,)]


@pytest.mark.parametrize("materialization", ["table", "incremental"])
def test_rows_without_a_key(make_project: MakeProject, run_project: RunProject, materialization: str) -> None:
    """The primary key allows rows that have none, as Teal's does, and refuses what is there twice."""
    sql = block(f"materialization: {materialization}\nprimary_key_fields: [id]")
    project = make_project(
        {ORDERED: sql + "SELECT {{ param('id', 1) }} AS id UNION ALL SELECT NULL UNION ALL SELECT NULL"}
    )
    assert run_project(project).outcomes == {"staging.orders": ("SUCCESS", "")}
    run = run_project(project, {"id": 2})
    assert run.outcomes == {"staging.orders": ("SUCCESS", "")}
    twice = run_project(make_project({ORDERED: sql + "SELECT 2 AS id UNION ALL SELECT 2"}))
    assert twice.state("staging.orders") == "FAILED"
    assert "duplicate key" in twice.message("staging.orders").lower()


def test_index_of_the_same_name_in_two_models(make_project: MakeProject, run_project: RunProject) -> None:
    """Each model of a stage may have an index of the same name."""
    sql = block("indexes: [{name: ix, fields: [id]}]") + ORDERS
    run = run_project(make_project({ORDERED: sql, model("staging.sales"): sql}))
    assert keys(run) == [("orders_ix_idx", False), ("sales_ix_idx", False)]


def test_failed_table_leaves_the_old_one(make_project: MakeProject, run_project: RunProject) -> None:
    """A table whose new rows violate its key stays unchanged, including key and indexes."""
    run_project(make_project({ORDERED: block(KEYS) + ORDERS}))
    run = run_project(make_project({ORDERED: block(KEYS) + f"{ORDERS} UNION ALL {ORDERS}"}))
    assert run.outcomes["staging.orders"][0] == "FAILED"
    assert run.rows("SELECT id FROM staging.orders") == [(1,)]
    assert keys(run) == ALL_KEYS


def test_failed_table_leaves_the_old_view(make_project: MakeProject, run_project: RunProject) -> None:
    """A view that should become a table is still there if the table cannot be created."""
    run_project(make_project({ORDERED: block("materialization: view") + ORDERS}))
    run = run_project(make_project({ORDERED: "SELECT error('no stock') AS id"}))
    assert run.message("staging.orders") == "SQL execution failed: Invalid Input Error: no stock"
    assert run.rows("SELECT id FROM staging.orders") == [(1,)]


def test_names_that_need_quotes(make_project: MakeProject, run_project: RunProject) -> None:
    """Stages, models and columns may be reserved words or contain capitals."""
    sql = block('primary_key_fields: [order, Total]\nindexes: [{name: "by-order", fields: [order]}]')
    upstream = {model("Group.Table"): sql + 'SELECT 1 AS "order", 2 AS "Total"'}
    run = run_project(make_project({**upstream, model("select.from"): 'FROM {{ Ref("Group.Table") }}'}))
    assert run.outcomes == {"Group.Table": ("SUCCESS", ""), "select.from": ("SUCCESS", "")}
    assert run.rows('FROM "select"."from"') == [(1, 2)]


def test_line_numbers_of_a_database_error(make_project: MakeProject, run_project: RunProject) -> None:
    """The line that the database names is the query's own line."""
    run = run_project(make_project({ORDERED: "SELECT 1 AS id,\n  2 AS two,\n  nope\nFROM range(3)"}))
    assert run.message("staging.orders") == (
        'SQL execution failed: Binder Error: Referenced column "nope" not found in FROM clause!\n'
        'Candidate bindings: "range"\n\n'
        "LINE 3:   nope\n"
        "          ^^^^"
    )


def test_many_models_at_once(make_project: MakeProject, run_project: RunProject) -> None:
    """Several threads can create models of one database at once without conflicts."""
    kinds = ("table", "view", "incremental")
    files = {
        model(f"stage_{n % 5}.model_{n}"): block(f"materialization: {kinds[n % 3]}") + "SELECT 1 AS id"
        for n in range(40)
    }
    project = make_project(files)
    for _ in range(2):
        assert set(run_project(project).outcomes.values()) == {("SUCCESS", "")}
