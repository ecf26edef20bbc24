"""The keys of a Teal project that are there for Teal's sake, and which of two holds."""

import pytest

from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project
from tests.dag.run.task_run import TWO_CONNECTIONS, MakeProject, data_test
from tests.projects import PROFILE, block, model

ORDERS = model("staging.orders")


def profile_of(keys: str) -> str:
    """profile.yaml with the model staging.orders, and these keys of it."""
    return f"{PROFILE}models:\n  stages:\n    - name: staging\n      models:\n        - name: orders\n{keys}"


def warnings(project: Project) -> list[str]:
    return [str(warning) for warning in project.warnings]


def test_profile_before_block(make_project: MakeProject) -> None:
    """Where profile.yaml and a block both give a key, the profile's holds, and what differs is a warning."""
    profile = profile_of(
        "          materialization: view\n          description: of the profile\n          is_data_framed: true\n"
        "          persist_inputs: false\n          tests:\n"
    )
    said = "materialization: incremental\nis_data_framed: true\npersist_inputs: true\ndescription: |\n  a\n  b\n"
    sql = block(said + "tests: [{name: total}]") + "SELECT 1 AS id"
    project = make_project({"profile.yaml": profile, ORDERS: sql, data_test("staging.total"): "SELECT 1 LIMIT 0"})
    asset = project.assets["staging.orders"]
    assert (asset.materialization, asset.description) == (Materialization.VIEW, "of the profile")
    assert (asset.is_data_framed, asset.persist_inputs, asset.tests) == (True, False, ("staging.total",))
    first = 'assets/models/staging/orders.sql:2: "materialization" is "incremental" here and "view" in profile.yaml:9'
    flag = 'assets/models/staging/orders.sql:4: "persist_inputs" is true here and false in profile.yaml:12'
    text = 'assets/models/staging/orders.sql:5: "description" is not the same here and in profile.yaml:10'
    end = ", which takes precedence; delete one"
    assert warnings(project) == [first + end, flag + end, text + end]


def test_name_in_a_block(make_project: MakeProject) -> None:
    """A block may name its model or test; another name than the file's is a warning and changes nothing."""
    files = {
        ORDERS: block("name: orders\ntests: [{name: total}]") + "SELECT 1 AS id",
        model("staging.sales"): block("name: staging.sales") + "SELECT 1 AS id",
        model("staging.other"): block("description: a\nname: x") + "SELECT 1 AS id",
        data_test("staging.total"): block("name: total") + "SELECT 1 LIMIT 0",
    }
    project = make_project(files)
    assert list(project.assets) == ["staging.orders", "staging.other", "staging.sales"]
    assert warnings(project) == [
        (
            'assets/models/staging/other.sql:3: "name" is "x" here, but the file is named other, which counts; '
            "delete the key"
        )
    ]


def test_stage_in_the_name_of_a_model(make_project: MakeProject) -> None:
    """In profile.yaml a model may be named with its stage."""
    profile = profile_of("          materialization: view\n").replace("name: orders", "name: staging.orders")
    project = make_project({"profile.yaml": profile, ORDERS: "SELECT 1 AS id"})
    assert project.assets["staging.orders"].materialization is Materialization.VIEW


def test_keys_of_a_listed_test(make_project: MakeProject) -> None:
    """A listed test may be described and connected: in profile.yaml before its own block, elsewhere after it."""
    entry = "{name: total, description: of the profile, connection: goose}"
    profile = profile_of(f"          connection: goose\n          tests: [{entry}]\n")
    listed = block("connection: goose\ntests: [{name: count, description: b, connection: goose}]")
    files = {
        "config.yaml": TWO_CONNECTIONS,
        "profile.yaml": profile,
        ORDERS: "SELECT 1 AS id",
        model("staging.sales"): listed + "SELECT 1 AS id",
        data_test("staging.total"): block("connection: duck") + 'SELECT * FROM {{ Ref("staging.orders") }}',
        data_test("staging.count"): block("description: own") + 'SELECT * FROM {{ Ref("staging.sales") }}',
    }
    project = make_project(files)
    total, count = project.tests["staging.total"], project.tests["staging.count"]
    assert (total.connection, total.description) == ("goose", "of the profile")
    assert (count.connection, count.description) == ("goose", "own")
    end = ", which takes precedence; delete one"
    assert warnings(project) == [
        'assets/models/staging/sales.sql:3: "description" is "b" here and "own" in assets/tests/staging/count.sql:2'
        + end,
        'assets/tests/staging/total.sql:2: "connection" is "duck" here and "goose" in profile.yaml:10' + end,
    ]


def test_masks_of_both(make_project: MakeProject) -> None:
    """What a list of tests masks is masked even if another list of the same model holds."""
    profile = profile_of("          tests: [{name: total, mask: [a]}]\n")
    files = {
        "profile.yaml": profile,
        ORDERS: block("tests: [{name: total, mask: [b]}]") + "SELECT 1 AS id",
        data_test("staging.total"): block("mask: [c]") + "SELECT 1 AS a, 2 AS b, 3 AS c LIMIT 0",
    }
    assert make_project(files).tests["staging.total"].mask == ("c", "a", "b")


def test_keys_of_another_engine(make_project: MakeProject) -> None:
    """A key that only another engine knows is a warning, and no cores are the default."""
    config = TWO_CONNECTIONS + "      host: localhost\n      password_env: NOT_SET\n"
    project = make_project({"config.yaml": "cores: 0\n" + config, ORDERS: "SELECT 1 AS id"})
    assert project.cores is None
    assert warnings(project) == [
        'config.yaml:11: "host" does nothing for a connection of type duckdb; it is a key of postgres',
        'config.yaml:12: "password_env" does nothing for a connection of type duckdb; it is a key of postgres',
    ]


@pytest.mark.parametrize(
    ("value", "path"), [("store/of_variable.duckdb", "store/of_variable.duckdb"), ("", "a.duckdb"), (None, "a.duckdb")]
)
def test_key_beside_its_variable(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, value: str | None, path: str
) -> None:
    """Of a key and its variable the variable holds; the key stands in where that is not set or empty."""
    monkeypatch.delenv("TEAL_PATH", raising=False)
    if value is not None:
        monkeypatch.setenv("TEAL_PATH", value)
    config = "connections:\n  - name: duck\n    type: duckdb\n    config: {path: a.duckdb, path_env: TEAL_PATH}\n"
    project = make_project({"config.yaml": config, ORDERS: "SELECT 1 AS id"})
    assert project.connections["duck"].details.path == path


def test_variable_that_is_empty(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """In templates a variable that is set but empty is the default."""
    monkeypatch.setenv("TEAL_EMPTY", "")
    project = make_project({ORDERS: 'SELECT \'{{ ENV("TEAL_EMPTY", "x") }}{{ ENV("TEAL_EMPTY") }}\''})
    asset = project.assets["staging.orders"]
    assert project.asset_sql(asset, TaskValues(), incremental=False) == "SELECT 'x'"
