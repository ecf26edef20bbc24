"""`dagscope init`, `graph` and help."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope
from tests.projects import model, write_project

pytestmark = pytest.mark.server


@pytest.mark.parametrize("example", ["hello", "nycflights"])
def test_init(tmp_path: Path, example: str) -> None:
    """`init` creates a project without problems, and says what to type next."""
    made = dagscope("init", "new", "--example", example, cwd=tmp_path)
    count = sum(file.is_file() for file in (tmp_path / "new").rglob("*"))
    assert (
        made.stdout == f"Created {tmp_path.resolve() / 'new'} with {count} files.\nNext: dagscope run --project new\n"
    )
    assert dagscope("check", "--project", "new", cwd=tmp_path).returncode == 0


def test_init_where_something_is(hello: Path) -> None:
    """`init` does not touch a folder that is not empty."""
    refused = dagscope("init", cwd=hello)
    assert refused.returncode == 2
    assert refused.stderr == f"{hello.resolve()} is not empty; name a new folder: dagscope init DIR\n"


def test_graph(hello: Path) -> None:
    """`graph` prints a Mermaid diagram, or JSON in topological order."""
    assert dagscope("graph", cwd=hello).stdout.splitlines() == [
        "flowchart LR",
        "  subgraph staging",
        '    staging__hello["hello<br/>table"]',
        "  end",
        "  subgraph dds",
        '    dds__world["world<br/>table"]',
        "  end",
        "  staging__hello --> dds__world",
    ]
    nodes = json.loads(dagscope("graph", "--format", "json", cwd=hello).stdout)["nodes"]
    assert [node["name"] for node in nodes] == ["staging.hello", "dds.world"]


def test_graph_of_names_that_look_alike(tmp_path: Path) -> None:
    """No two assets, and no stage, have the same id in a Mermaid diagram."""
    names = ["a.b__c", "a__b.c", "a__b__c.d"]
    write_project(tmp_path, {model(name): "SELECT 1 AS id" for name in names})
    lines = dagscope("graph", cwd=tmp_path).stdout.splitlines()
    assert [line.strip() for line in lines if '["' in line or "subgraph" in line] == [
        "subgraph a",
        'a__b__c_["b__c<br/>table"]',
        "subgraph a__b",
        'a__b__c__["c<br/>table"]',
        "subgraph a__b__c",
        'a__b__c__d["d<br/>table"]',
    ]


@pytest.mark.parametrize("command", ["init", "check", "graph", "run", "serve", "prune"])
def test_help(command: str) -> None:
    """Every command's help ends with examples that start with the command."""
    text = dagscope(command, "--help").stdout
    examples = text.split("Examples:\n")[1].strip().splitlines()
    assert examples
    assert all(line.strip().startswith(f"dagscope {command}") for line in examples)


def test_help_is_quick_because_it_imports_little() -> None:
    """`--help` and `--version` load no heavy libraries."""
    heavy = "{'duckdb', 'pyarrow', 'sqlalchemy', 'rich', 'pydantic'}"
    code = f"import sys, dagscope.cli.dagscope, dagscope.cli.dg; print(sorted({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_checking_imports_no_database_of_the_state() -> None:
    """`check` and `graph` load neither SQLAlchemy nor anything of the web."""
    heavy = "{'sqlalchemy', 'sqlmodel', 'starlette', 'uvicorn', 'rich', 'structlog'}"
    modules = (
        "dagscope.cli.check_command, dagscope.cli.graph_command, dagscope.cli.settings, dagscope.dag.project.loading"
    )
    code = f"import sys, {modules}; print(sorted({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_server_starts_without_what_few_requests_need() -> None:
    """`serve` loads GraphQL, Alembic, lexers and Parquet when they are first needed."""
    late = "{'strawberry', 'graphql', 'alembic', 'pygments.lexers.sql', 'wcwidth', 'pyarrow.parquet'}"
    code = f"import sys, dagscope.cli.serve_command; print(sorted({late} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
