"""`dagscope check`, and every command's refusal of a broken project."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope, dagscope_here
from tests.dag.project.broken_projects import BROKEN, contents, expected


@pytest.mark.parametrize(
    ("name", "count"),
    [("cycle", "1 problem"), ("missing_config", "1 problem"), ("problems_in_several_files", "4 problems")],
)
def test_check_of_a_broken_project(name: str, count: str) -> None:
    """`check` prints every problem, one per line, and their number, exits with 2 and writes nothing."""
    before = contents(BROKEN / name)
    ended = dagscope_here("check", "--project", str(BROKEN / name))
    problems = "".join(f"error: {line}\n" for line in expected(name).splitlines())
    assert ended.stdout == f"{problems}{count} in {BROKEN / name}\n"
    assert (ended.stderr, ended.exit_code) == ("", 2)
    assert contents(BROKEN / name) == before


@pytest.mark.parametrize("command", ["run", "serve", "graph"])
def test_broken_project_is_refused(command: str) -> None:
    """Every command refuses a broken project: the problems go to standard error, with exit code 2."""
    folder = BROKEN / "problems_in_several_files"
    before = contents(folder)
    ended = dagscope_here(command, "--project", str(folder))
    assert ended.stderr == f"{expected(folder.name)}\n4 problems in {folder}\n"
    assert (ended.stdout, ended.exit_code) == ("", 2)
    assert contents(folder) == before


@pytest.mark.server
def test_check_of_a_good_project(hello: Path) -> None:
    """`check` of a project without problems prints its contents, exits with 0 and writes nothing."""
    before = contents(hello)
    ended = dagscope("check", "--project", str(hello))
    assert ended.stdout == "hello-world: 2 assets, 3 data tests, 1 connection: all good\n"
    assert (ended.stderr, ended.returncode) == ("", 0)
    assert contents(hello) == before


def test_nothing_reaches_the_terminal(hello: Path) -> None:
    """Names and messages with terminal control sequences are shown with escapes, in one line."""
    (hello / "assets/models/dds/a\x1b[31m\nb.sql").write_text("SELECT 1")
    ended = dagscope_here("check", "--project", str(hello))
    message = r'"a\x1b[31m\nb" cannot be a name; use letters, digits and _, not starting with a digit'
    assert ended.stdout == rf"error: assets/models/dds/a\x1b[31m\nb.sql: {message}" + f"\n1 problem in {hello}\n"
    assert dagscope_here("graph", "--project", str(hello)).stderr == ended.stdout.removeprefix("error: ")


def test_limits_are_settings(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of loading come from the environment."""
    monkeypatch.setenv("DAGSCOPE_LOAD_FILE_LIMIT_BYTES", "8000")
    (hello / "assets/models/dds/long.sql").write_text("SELECT 1" + " " * 8_000)
    message = "larger than 8,000 bytes; make it shorter, or raise DAGSCOPE_LOAD_FILE_LIMIT_BYTES"
    assert dagscope_here("check", "--project", str(hello)).stdout.startswith(
        f"error: assets/models/dds/long.sql: {message}\n"
    )


VERSIONS = {
    "dagscope": version("dagscope"),
    "python": platform.python_version(),
    "duckdb": version("duckdb"),
    "pyarrow": version("pyarrow"),
    "platform": platform.platform(),
}


def test_check_as_json() -> None:
    """`check --json` prints one document: each problem with its place, and the versions that a bug report needs."""
    ended = dagscope_here("check", "--project", str(BROKEN / "missing_config"), "--json")
    problem = {
        "path": "config.yaml",
        "line": 0,
        "message": "file not found; a project has config.yaml, profile.yaml and assets/",
    }
    assert json.loads(ended.stdout) == {"problems": [problem], "warnings": [], "versions": VERSIONS}
    assert (ended.stderr, ended.exit_code) == ("", 2)


def test_check_as_json_tells_no_secret(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output of `check --json` can be shared: it reveals neither the environment nor the name of the folder."""
    monkeypatch.setenv("DAGSCOPE_API_TOKEN", "hidden-token")
    printed = dagscope_here("check", "--project", str(hello), "--json").stdout
    assert json.loads(printed) == {"problems": [], "warnings": [], "versions": VERSIONS}
    assert "hidden-token" not in printed
    assert str(hello.parent) not in printed
