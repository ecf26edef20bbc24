"""Relative paths in SQL, wherever a project is."""

from pathlib import Path

import pytest

from dagscope.dag.project.loading import load_project
from tests.projects import model, write_project

QUERIES = ("read_csv('data/*.csv')", "read_csv('data/a.csv')", "'data/*.csv'")


@pytest.mark.parametrize("name", ["plain", "env=dev", "sales,eu", "a*b", "a[1]", "{x}", "größe", "with space", "it's"])
@pytest.mark.parametrize("query", QUERIES)
def test_folders_of_every_name(tmp_path: Path, name: str, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same query returns the same columns and rows, whatever the name of the project's folder."""
    folder = write_project(tmp_path / name / "shop", {model("staging.a"): "SELECT 1", "data/a.csv": "id\n7\n"})
    monkeypatch.chdir("/")
    connection = load_project(folder).connections["duck"]
    with connection.session() as session:
        assert session.read(f"SELECT * FROM {query}").read_all().to_pylist() == [{"id": 7}]
    connection.close()


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link to a folder is deleted when the connection is closed, and the folder stays."""
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(links))
    folder = write_project(tmp_path / "a=b", {model("staging.a"): "SELECT 1"})
    connection = load_project(folder).connections["duck"]
    connection.connect()
    assert list(links.iterdir())
    connection.close()
    assert not list(links.iterdir())
    assert (folder / model("staging.a")).exists()
