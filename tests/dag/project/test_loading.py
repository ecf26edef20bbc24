"""Reading a project folder."""

from pathlib import Path

import pytest

from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.ground.problems import Problem
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.project.loading import load_project
from tests.dag.project.broken_projects import BROKEN, NAMES, contents, expected
from tests.dag.run.task_run import TWO_CONNECTIONS, MakeProject, data_test
from tests.projects import PROFILE, block, copy_example, model, raw, write_project

EXECUTE = "def execute(context):\n    return None\n"


@pytest.mark.parametrize("name", NAMES)
def test_broken_project(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fault is reported with its place and a fix, and nothing is written."""
    monkeypatch.delenv("DAGSCOPE_TEST_UNSET", raising=False)
    before = contents(BROKEN / name)
    with pytest.raises(ProjectInvalid) as raised:
        load_project(BROKEN / name)
    assert str(raised.value) == expected(name)
    assert contents(BROKEN / name) == before


@pytest.mark.parametrize("path", ["config.yaml", "profile.yaml", model("staging.orders"), data_test("root.total")])
def test_text_that_is_not_utf8(tmp_path: Path, path: str) -> None:
    """A file in another encoding is reported with its path and the first byte that cannot be read."""
    write_project(tmp_path, {model("staging.sales"): "SELECT 1", path: ""})
    (tmp_path / path).write_bytes("# Größe".encode("latin-1"))
    with pytest.raises(ProjectInvalid) as raised:
        load_project(tmp_path)
    assert str(raised.value) == f"{path}: not UTF-8 text: byte 4 cannot be read; save it as UTF-8"


def test_folder_that_is_missing(tmp_path: Path) -> None:
    """A missing project folder is reported with its full path."""
    with pytest.raises(ProjectInvalid) as raised:
        load_project(tmp_path / "shop")
    assert str(raised.value) == f"{tmp_path}/shop: no such folder; give the path of a project folder"


def test_problems_as_values() -> None:
    """A program can read the problems one by one, with path, line and message."""
    with pytest.raises(ProjectInvalid) as raised:
        load_project(BROKEN / "unknown_connection")
    assert raised.value.problems == (Problem("profile.yaml", 2, 'unknown connection "dock"; did you mean "duck"?'),)


def test_fault_is_told_once(make_project: MakeProject) -> None:
    """A reference to a broken asset or test is not reported as a further problem."""
    files = {
        model("staging.orders"): block("tests:\n  - name: total") + "SELECT {{ nope }}",
        model("staging.sales"): 'SELECT * FROM {{ Ref("staging.orders") }}',
        data_test("staging.total"): "SELECT 1 {% if %}",
    }
    with pytest.raises(ProjectInvalid) as raised:
        make_project(files)
    assert [problem.path for problem in raised.value.problems] == [model("staging.orders"), data_test("staging.total")]


@pytest.mark.parametrize("example", ["hello", "nycflights"])
def test_loading_only_reads(example: str, tmp_path: Path) -> None:
    """Loading a project creates and changes nothing in its folder."""
    folder = copy_example(example, tmp_path)
    before = contents(folder)
    assert load_project(folder).assets
    assert contents(folder) == before


def test_defaults(make_project: MakeProject) -> None:
    """A model without keys is a table on the profile's connection, with every flag false."""
    asset = make_project({model("staging.orders"): "SELECT 1 AS id"}).assets["staging.orders"]
    assert (asset.path, asset.connection, asset.connection_type) == (model("staging.orders"), "duck", "duckdb")
    assert (asset.materialization, asset.is_data_framed, asset.persist_inputs) == (Materialization.TABLE, False, False)
    assert (asset.description, asset.tests, asset.indexes, asset.primary_key_fields) == ("", (), (), ())


def test_project_values(make_project: MakeProject) -> None:
    """Names, module and cores are what config.yaml and profile.yaml say; a version may look like a number."""
    config = "version: 2.0\nmodule: example.com/shop\ncores: 3\n" + TWO_CONNECTIONS
    profile = "version: 1\nname: shop\nconnection: goose\n"
    files = {"config.yaml": config, "profile.yaml": profile, model("staging.orders"): "SELECT 1"}
    project = make_project(files)
    assert (project.name, project.instance_name, project.module, project.cores) == (
        "shop",
        "shop-dag",
        "example.com/shop",
        3,
    )
    assert list(project.connections) == ["duck", "goose"]
    assert project.assets["staging.orders"].connection == "goose"


def test_block_is_no_part_of_the_template(make_project: MakeProject) -> None:
    """The template is the SQL as written, without the profile block above it."""
    sql = block("materialization: view") + "\nSELECT *\nFROM {{ Ref('staging.orders') }}\n"
    project = make_project({model("staging.orders"): "SELECT 1", model("staging.sales"): sql})
    template = project.assets["staging.sales"].template
    assert template is not None
    assert template.source == "SELECT *\nFROM {{ Ref('staging.orders') }}"


def test_empty_values_are_empty_lists(make_project: MakeProject) -> None:
    """A key without a value (`indexes:`) is an empty list."""
    sql = block("indexes:\ntests:\nprimary_key_fields:") + "SELECT 1 AS id"
    profile = PROFILE + "models:\n  stages:\n    - name: staging\n      models:\n"
    asset = make_project({"profile.yaml": profile, model("staging.orders"): sql}).assets["staging.orders"]
    assert (asset.indexes, asset.tests, asset.primary_key_fields) == ((), (), ())


def test_dependencies_are_what_ref_was_called_with(make_project: MakeProject) -> None:
    """Refs in both branches of an IsIncremental() count; those in a comment or an untaken branch do not."""
    sql = """SELECT * FROM {# {{ Ref("staging.a") }} #}
    {% if IsIncremental() %}{{ Ref("staging.b") }}{% else %}{{ ref('staging.c') }}{% endif %}
    {% if false %}{{ Ref("staging.d") }}{% endif %}"""
    files = {model(f"staging.{name}"): "SELECT 1" for name in "abcd"}
    project = make_project({**files, model("mart.orders"): sql})
    assert project.assets["mart.orders"].upstreams == ("staging.b", "staging.c")


def test_dependencies_of_a_raw_asset(make_project: MakeProject) -> None:
    """A Python file is a raw asset whose upstreams are its raw_upstreams."""
    report = "{name: report, raw_upstreams: [staging.orders]}"
    profile = f"{PROFILE}models:\n  stages:\n    - name: mart\n      models: [{report}]\n"
    files = {"profile.yaml": profile, model("staging.orders"): "SELECT 1", raw("mart.report"): EXECUTE}
    asset = make_project(files).assets["mart.report"]
    assert (asset.materialization, asset.upstreams) == (Materialization.RAW, ("staging.orders",))


def test_names_of_data_tests(make_project: MakeProject) -> None:
    """A bare test name means the model's own stage, and a test outside all stages is a root test."""
    sql = block("tests:\n  - name: positive\n  - name: mart.known") + "SELECT 1 AS id"
    tests = {data_test(name): "SELECT 1 WHERE false" for name in ("staging.positive", "mart.known", "root.total")}
    project = make_project({model("staging.orders"): sql, **tests})
    assert project.assets["staging.orders"].tests == ("staging.positive", "mart.known")
    assert list(project.tests) == ["mart.known", "root.total", "staging.positive"]
    assert [test.name for test in project.root_tests] == ["root.total"]


def test_warning_of_a_data_test_that_never_runs(make_project: MakeProject) -> None:
    """A test that no model names is not an error, but a warning says that it never runs."""
    test = {data_test("staging.unique"): "SELECT 1 WHERE false"}
    (warning,) = make_project({model("staging.orders"): "SELECT 1", **test}).warnings
    assert str(warning) == (
        'assets/tests/staging/unique.sql: data test "staging.unique" never runs: no model names it; '
        "add it to a model's tests"
    )


def test_warning_of_keys_on_a_view(make_project: MakeProject) -> None:
    """Keys and indexes that have no effect on the materialization are warnings, at their own lines."""
    sql = block("materialization: view\nprimary_key_fields: [id]\nindexes:\n  - {name: by_id, fields: [id]}")
    warnings = make_project({model("staging.orders"): sql + "SELECT 1 AS id"}).warnings
    assert list(map(str, warnings)) == [
        f'assets/models/staging/orders.sql:{line}: "{key}" has no effect on a view; it applies to table and incremental'
        for line, key in ((3, "primary_key_fields"), (4, "indexes"))
    ]


def test_other_files_are_left_alone(make_project: MakeProject) -> None:
    """Files that are not models or tests may be in the same folders."""
    others = ("README.md", "orders.csv", "__pycache__/orders.py", "notes.sql.bak")
    files = {f"assets/models/staging/{name}": "anything" for name in others}
    project = make_project({**files, "assets/tests/README.md": "", model("staging.orders"): "SELECT 1"})
    assert list(project.assets) == ["staging.orders"]
    assert not project.tests


def test_windows_line_ends(make_project: MakeProject) -> None:
    """A file with Windows line endings is read in the same way, with the same line numbers."""
    sql = block("materialization: view") + "SELECT\n{{ nope }}"
    with pytest.raises(ProjectInvalid) as raised:
        make_project({model("staging.orders"): sql.replace("\n", "\r\n")})
    (problem,) = raised.value.problems
    assert (problem.line, problem.message.partition(";")[0]) == (5, '"nope" is undefined')


def test_byte_order_mark(tmp_path: Path) -> None:
    """A byte order mark at the start of a file is ignored."""
    write_project(tmp_path, {model("staging.orders"): block("materialization: view") + "SELECT 1"})
    write_project(tmp_path, {raw("staging.report"): EXECUTE})
    for file in tmp_path.rglob("*.*"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_project(tmp_path).assets["staging.orders"].materialization is Materialization.VIEW


def test_large_project(make_project: MakeProject) -> None:
    """A chain of a thousand models loads, in order."""
    files = {model(f"s.m{n:04}"): f'SELECT * FROM {{{{ Ref("s.m{n - 1:04}") }}}}' for n in range(1, 1_000)}
    project = make_project({model("s.m0000"): "SELECT 1", **files})
    assert list(project.graph.order) == [f"s.m{n:04}" for n in range(1_000)]
