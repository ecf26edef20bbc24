"""Which engine a connection type means."""

from pathlib import Path

import pytest

from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.project.loading import load_project
from tests.outside_package import install
from tests.projects import model, on_engine, write_project


def problem_of(tmp_path: Path, type_: str) -> str:
    """What is wrong with a project whose connection has that type."""
    with pytest.raises(ProjectInvalid) as raised:
        load_project(write_project(tmp_path / "project", {**on_engine(type_), model("a.one"): "SELECT 1 AS id"}))
    return str(raised.value)


def test_unknown_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown type is reported with the known ones, including those of other packages."""
    install(tmp_path, "goose-db", "", "[dagscope.engines]\ngoose = goose_db:Goose\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert problem_of(tmp_path, "sqlite") == (
        'config.yaml:3: unknown connection type "sqlite"; known: duckdb, goose, postgres, spark'
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("Engine = 7", "{module}:Engine is not a Connection"),
        (
            "from dagscope.dag.connections.duckdb.connection import DuckDBConnection as Engine",
            '{module}:Engine calls itself "duckdb"',
        ),
    ],
    ids=["nothing", "another"],
)
def test_engine_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, code: str, reason: str
) -> None:
    """The object of an entry point must be a connection class of that type."""
    package = f"goose-{request.node.callspec.id}"  # Python keeps modules by their names
    module = package.replace("-", "_")
    install(tmp_path, package, code, f"[dagscope.engines]\ngoose = {module}:Engine\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert problem_of(tmp_path, "goose") == (
        f'config.yaml:3: connection type "goose" of the package {package} cannot be used: '
        f"{reason.format(module=module)}; update or reinstall {package}"
    )


def test_two_packages_of_one_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two packages that provide one type are both named; they cannot replace one of dagscope's own types."""
    for package in ("goose-one", "goose-two"):
        module = package.replace("-", "_")
        install(tmp_path, package, "", f"[dagscope.engines]\ngoose = {module}:Engine\nduckdb = {module}:Engine\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert problem_of(tmp_path, "goose") == (
        'config.yaml:3: connection type "goose" is provided by goose-one and goose-two; uninstall one of them'
    )
    files = {**on_engine("duckdb"), model("a.one"): "SELECT 1 AS id"}
    assert load_project(write_project(tmp_path / "own", files)).assets["a.one"].connection_type == "duckdb"
