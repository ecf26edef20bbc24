"""SQL templates, as models and data tests use them."""

import pytest

from dagscope.dag.ground.errors import ProjectInvalid, TemplateFailed
from dagscope.dag.model.templates import TaskValues, split_source
from dagscope.dag.project.project import Project
from tests.dag.run.task_run import MakeProject, RunProject, data_test
from tests.projects import block, model

TASK = TaskValues("nightly", "uuid-1", "shop-dag", "uuid-2", data={"since": "2013-01-01", "none": None})


def sql_of(project: Project, name: str, task: TaskValues = TASK, incremental: bool = False) -> str:
    return project.asset_sql(project.assets[name], task, incremental)


@pytest.mark.parametrize(
    ("upstream", "relation"),
    [
        ("staging.orders", "staging.orders"),
        ("staging.Orders", 'staging."Orders"'),
        ("staging.order", 'staging."order"'),
        ("Group.table", '"Group"."table"'),
    ],
)
def test_ref_gives_the_relation(make_project: MakeProject, upstream: str, relation: str) -> None:
    """Ref returns the relation's name as SQL, quoted if necessary."""
    sql = f"SELECT * FROM {{{{ Ref('{upstream}') }}}}"
    files = {model(upstream): "SELECT 1", model("mart.a"): sql, model("mart.b"): sql + "{% if true %}{% endif %}"}
    project = make_project(files)
    assert sql_of(project, "mart.a") == sql_of(project, "mart.b") == f"SELECT * FROM {relation}"


def test_plain_refs_and_jinja_give_the_same(make_project: MakeProject) -> None:
    """A template that contains only Refs renders like one that contains anything else."""
    sql = "SELECT * FROM {{Ref(\"staging.orders\")}}\nJOIN {{ ref( 'staging.orders' ) }} USING (id)"
    files = {model("staging.orders"): "SELECT 1", model("mart.a"): sql, model("mart.b"): sql + "{# and more #}"}
    project = make_project(files)
    assert sql_of(project, "mart.a") == sql_of(project, "mart.b")
    assert project.assets["mart.a"].upstreams == project.assets["mart.b"].upstreams == ("staging.orders",)


def test_this_and_is_incremental(make_project: MakeProject) -> None:
    """this() is the asset's own relation, and IsIncremental() says whether there is one to append to."""
    sql = "SELECT 1 AS id{% if IsIncremental() %} WHERE 1 > (SELECT max(id) FROM {{ this() }}){% endif %}"
    project = make_project({model("staging.orders"): sql})
    assert sql_of(project, "staging.orders") == "SELECT 1 AS id"
    appending = sql_of(project, "staging.orders", incremental=True)
    assert appending == "SELECT 1 AS id WHERE 1 > (SELECT max(id) FROM staging.orders)"


def test_names_of_the_task(make_project: MakeProject) -> None:
    """The names of task and instance are those of the run, and are empty at load."""
    project = make_project(
        {model("staging.orders"): "{{ TaskID }},{{ TaskUUID }},{{ InstanceName }},{{ InstanceUUID }}"}
    )
    assert sql_of(project, "staging.orders") == "nightly,uuid-1,shop-dag,uuid-2"
    assert sql_of(project, "staging.orders", TaskValues()) == ",,,"


def test_env(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENV returns the variable's value when the SQL is rendered, or the default."""
    monkeypatch.delenv("DAGSCOPE_TEST_PATH", raising=False)
    project = make_project({model("staging.orders"): 'FROM \'{{ ENV("DAGSCOPE_TEST_PATH", "default.csv") }}\''})
    assert sql_of(project, "staging.orders") == "FROM 'default.csv'"
    monkeypatch.setenv("DAGSCOPE_TEST_PATH", "given.csv")
    assert sql_of(project, "staging.orders") == "FROM 'given.csv'"


@pytest.mark.parametrize(
    ("call", "in_run", "at_load"),
    [
        ('param("since")', "'2013-01-01'", "NULL"),
        ('param("since", "2000-01-01")', "'2013-01-01'", "'2000-01-01'"),
        ('param("limit", 10)', "10", "10"),
        ('param("none", 10)', "NULL", "10"),
    ],
)
def test_param(make_project: MakeProject, call: str, in_run: str, at_load: str) -> None:
    """param returns the run's value as a quoted literal, or the default; at load without a default, NULL."""
    project = make_project({model("staging.orders"): f"SELECT {{{{ {call} }}}} AS value"})
    assert sql_of(project, "staging.orders") == f"SELECT {in_run} AS value"
    assert sql_of(project, "staging.orders", TaskValues()) == f"SELECT {at_load} AS value"


def test_param_missing_from_a_run(make_project: MakeProject) -> None:
    """A parameter without value and default is an error that names file, line and parameter."""
    project = make_project({model("staging.orders"): block("materialization: view") + "SELECT\n{{ param('day') }}"})
    with pytest.raises(TemplateFailed) as raised:
        sql_of(project, "staging.orders")
    assert str(raised.value) == (
        'assets/models/staging/orders.sql:5: parameter "day" is missing from the run\'s data and has no default'
    )


@pytest.mark.parametrize(
    "ending", ["", ";", " ;\n", ";;\n", "; -- done", ";\n-- a; b\n/* c;\nd */ ;\n"], ids=["none", *"abcde"]
)
def test_end_of_the_query_is_left_out(make_project: MakeProject, ending: str) -> None:
    """A query may end with semicolons and comments after them."""
    sql = "\n\nSELECT 1" + ending
    project = make_project({model("staging.orders"): sql, data_test("root.total"): sql})
    assert sql_of(project, "staging.orders") == "SELECT 1"
    assert project.test_sql(project.tests["root.total"], TASK) == "SELECT 1"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ';'",
        "SELECT 'it''s; so'",
        r"SELECT E'it\'s; so'",
        'SELECT 1 AS ";"',
        "SELECT $$;$$, $a$;$b$;$a$",
        "SELECT 1 -- ; not yet\n+ 1",
        "SELECT /* ; /* of */ ; */ 1",
        "SELECT " + "/* ; " * 1_000 + "*/ " * 1_000 + "1",
        "SELECT 1 AS a$b$, $b$;$b$ AS ä",
    ],
)
def test_semicolon_within_the_query(make_project: MakeProject, sql: str) -> None:
    """A semicolon in a string, a name or a comment does not end the query; comments nest to any depth."""
    project = make_project({model("staging.orders"): sql + ";"})
    assert sql_of(project, "staging.orders") == sql


def test_second_statement_of_a_run(make_project: MakeProject, run_project: RunProject) -> None:
    """A second statement that only appears with a run's data is not sent."""
    sql = "SELECT 1 AS id {% if param('drop', 0) == 'TRUE' %}; DROP SCHEMA s CASCADE{% endif %}"
    run = run_project(make_project({model("s.a"): sql}), {"drop": True})
    assert run.message("s.a") == (
        "assets/models/s/a.sql:1: a second statement follows the query; "
        "only a model with materialization custom may contain several"
    )


def test_custom_sql_is_as_written(make_project: MakeProject) -> None:
    """Custom SQL keeps its semicolons."""
    project = make_project({model("staging.orders"): block("materialization: custom") + "SELECT 1; SELECT 2;"})
    assert sql_of(project, "staging.orders") == "SELECT 1; SELECT 2;"


def test_functions_of_jinja(make_project: MakeProject) -> None:
    """Jinja's own functions are available."""
    sql = "{% set all = namespace(last=0) %}SELECT {% for n in range(2) %}{{ n }},{% set all.last = n %}{% endfor %} 9"
    project = make_project({model("staging.orders"): sql})
    assert sql_of(project, "staging.orders") == "SELECT 0,1, 9"


def test_loops_and_own_names(make_project: MakeProject) -> None:
    """Jinja's own statements work, and a name that the template sets itself is known."""
    sql = "{% set days = [1, 2] %}SELECT {% for day in days %}{{ day }} AS d{{ day }},{% endfor %} 3 AS d3"
    project = make_project({model("staging.orders"): sql})
    assert sql_of(project, "staging.orders") == "SELECT 1 AS d1,2 AS d2, 3 AS d3"


def test_error_in_a_run_names_the_line_of_the_file(make_project: MakeProject) -> None:
    """A value that breaks a template only in a run is reported with the file's line."""
    sql = block("materialization: view") + "SELECT 1\n{% if TaskID %}{{ 1 // 0 }}{% endif %}"
    project = make_project({model("staging.orders"): sql})
    with pytest.raises(TemplateFailed) as raised:
        sql_of(project, "staging.orders")
    assert str(raised.value) == (
        "assets/models/staging/orders.sql:5: ZeroDivisionError: integer division or modulo by zero"
    )


@pytest.mark.parametrize("name", ["Ref", "ENV", "param"])
def test_function_without_parentheses(make_project: MakeProject, name: str) -> None:
    """A function that takes something and was not called is an error at load, never a piece of SQL."""
    with pytest.raises(ProjectInvalid) as raised:
        make_project({model("staging.orders"): f"SELECT * FROM {{{{ {name} }}}}"})
    assert str(raised.value) == f'assets/models/staging/orders.sql:1: "{name}" is a function; write {name}(...)'


def test_ref_without_a_name(make_project: MakeProject) -> None:
    """A wrong call of a function is reported with the function's name in templates."""
    with pytest.raises(ProjectInvalid) as raised:
        make_project({model("staging.orders"): "SELECT *\nFROM {{ Ref() }}"})
    assert str(raised.value) == "assets/models/staging/orders.sql:2: Ref: missing a required argument: 'asset'"


@pytest.mark.parametrize(
    ("text", "block_line", "template", "template_line"),
    [
        ("SELECT 1", 1, "SELECT 1", 1),
        ("\n\nSELECT 1\n", 1, "SELECT 1", 3),
        (block("name: a") + "\n\nSELECT 1", 1, "SELECT 1", 6),
        ("\n{{define 'profile.yaml'}}\na: 1\n{{end}}SELECT 1", 2, "SELECT 1", 4),
        ('{{- define "profile.yaml" -}}\na: 1\n{{- end -}}\n', 1, "", 4),
    ],
)
def test_source_is_parted(text: str, block_line: int, template: str, template_line: int) -> None:
    """A file is split into block and template, with the lines where they start."""
    source = split_source(text)
    assert (source.block_line, source.template, source.template_line) == (block_line, template, template_line)
