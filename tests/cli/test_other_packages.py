"""Engines and listeners from other packages, in a real run."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.doors import DAGSCOPE
from tests.outside_package import install
from tests.projects import model, on_engine, write_project

pytestmark = pytest.mark.server

ENGINE = """
    import os
    from pathlib import Path

    from dagscope.dag.connections.duckdb.connection import DuckDBConnection

    class QuackConnection(DuckDBConnection):
        engine = "quack"

    def note(event):
        with Path(os.environ["NOTED"]).open("a") as noted:
            noted.write(f"{event.kind} {event.task_id}\\n")

    def broken(event):
        raise RuntimeError("no room for " + event.task_id)
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with third-party packages."""
    folder = tmp_path / "packages"
    folder.mkdir()
    return folder


def dagscope(packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real command with these packages installed."""
    environment = os.environ | {"PYTHONPATH": str(packages), "NOTED": str(packages / "noted")}
    return subprocess.run([DAGSCOPE, *arguments], capture_output=True, text=True, env=environment, timeout=60)


def project(tmp_path: Path, engine: str = "quack") -> str:
    return str(write_project(tmp_path / "project", {**on_engine(engine), model("a.one"): "SELECT 1 AS id"}))


def test_engine_and_listener(packages: Path, tmp_path: Path) -> None:
    """A project runs on another package's engine, and another package's listener receives each event."""
    install(
        packages,
        "dagscope-quack",
        ENGINE,
        """
        [dagscope.engines]
        quack = dagscope_quack:QuackConnection
        [dagscope.listeners]
        note = dagscope_quack:note
        """,
    )
    ran = dagscope(packages, "run", "--json", "--task-id", "t", "--project", project(tmp_path))
    assert (ran.returncode, ran.stderr, json.loads(ran.stdout)["status"]) == (0, "", "SUCCESS")
    noted = (packages / "noted").read_text().splitlines()
    assert {"task t", "node t", "run_event t"} <= set(noted)


def test_listeners_that_are_broken(packages: Path, tmp_path: Path) -> None:
    """A listener that raises, or cannot be imported, does not fail the task, and the console reports it once."""
    install(
        packages,
        "dagscope-quack",
        ENGINE,
        """
        [dagscope.listeners]
        broken = dagscope_quack:broken
        gone = dagscope_quack:gone
        note = dagscope_quack:note
        """,
    )
    ran = dagscope(packages, "run", "--json", "--task-id", "t", "--project", project(tmp_path, "duckdb"))
    assert (ran.returncode, json.loads(ran.stdout)["status"]) == (0, "SUCCESS")
    reports = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(report["event"], report["listener"]) for report in reports] == [
        ("A listener cannot be imported", "dagscope_quack:gone"),
        ("A listener raised an exception and is no longer called", "dagscope_quack:broken"),
    ]
    assert reports[1]["exception"].splitlines()[-1] == "RuntimeError: no room for t"
    assert "task t" in (packages / "noted").read_text()


def test_engine_that_raises(packages: Path, tmp_path: Path) -> None:
    """An unexpected error in an engine fails the node, and the console shows where it was raised."""
    install(
        packages,
        "dagscope-quack",
        """
        from dagscope.dag.connections.duckdb.connection import DuckDBConnection

        class QuackConnection(DuckDBConnection):
            engine = "quack"

            def session(self, cancellation=None, statements=None):
                raise KeyError("feather")
        """,
        "[dagscope.engines]\nquack = dagscope_quack:QuackConnection\n",
    )
    ran = dagscope(packages, "run", "--json", "--task-id", "t", "--project", project(tmp_path))
    (node,) = json.loads(ran.stdout)["nodes"]
    assert (ran.returncode, node["message"]) == (1, "internal error: KeyError: 'feather'")
    report = json.loads(ran.stderr)
    assert (report["event"], report["taskId"], report["asset"]) == ("Unexpected fault", "t", "a.one")
    assert 'raise KeyError("feather")' in report["exception"]


def test_engine_that_cannot_be_imported(packages: Path, tmp_path: Path) -> None:
    """An engine that cannot be imported is a problem of the project that names its package."""
    install(
        packages, "dagscope-quack", "import nowhere", "[dagscope.engines]\nquack = dagscope_quack:QuackConnection\n"
    )
    ran = dagscope(packages, "run", "--project", project(tmp_path))
    problem, _ = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (2, "")
    assert problem == (
        'config.yaml:3: connection type "quack" of the package dagscope-quack cannot be used: ModuleNotFoundError: '
        "No module named 'nowhere'; update or reinstall dagscope-quack"
    )
