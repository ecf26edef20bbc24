"""Whatever an asset does, it ends its own node and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors import AppDoor
from tests.projects import block, model, raw, write_project

Open = Callable[..., AppDoor]

RAISES_IN_STR = """\
class Bad(Exception):
    def __str__(self):
        raise {raised}

def execute(context):
    raise Bad()
"""
HIDES_ITSELF = """\
class Name(type):
    @property
    def __name__(cls):
        raise SystemExit(3)

class Bad(Exception, metaclass=Name):
    __cause__ = property(lambda self: 1 / 0)
    __class__ = property(lambda self: 1 / 0)

def execute(context):
    raise Bad()
"""
BROKEN_CAUSE = """\
class Bad(Exception):
    def __str__(self):
        raise SystemExit(3)

def execute(context):
    raise RuntimeError("outer") from Bad()
"""


def project(folder: Path, files: dict[str, str]) -> Path:
    """A project that also has a valid asset, `s.other`."""
    return write_project(folder, {model("s.other"): "SELECT 1 AS id", **files})


def outcome(door: AppDoor, asset: str = "s.a") -> tuple[str, str]:
    """Run all; returns the asset's state and message. The other asset and the next task succeed."""
    nodes = {node["assetName"]: node for node in door.run("t").json()["nodes"]}
    assert nodes["s.other"]["state"] == "SUCCESS"
    assert door.post("/api/dag/asset/s.other/execute", {"taskId": "next"}).status_code == 200
    return nodes[asset]["state"], nodes[asset]["message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RAISES_IN_STR.format(raised="self"), "Bad (a.py:6)"),
        (RAISES_IN_STR.format(raised="SystemExit(3)"), "Bad (a.py:6)"),
        (RAISES_IN_STR.format(raised="KeyboardInterrupt"), "Bad (a.py:6)"),
        (RAISES_IN_STR.replace("raise {raised}", "return 5"), "Bad (a.py:6)"),
        (RAISES_IN_STR.replace("raise {raised}", "return 'a\\ud800'"), "Bad: a? (a.py:6)"),
        (HIDES_ITSELF, "Bad (a.py:11)"),
        (BROKEN_CAUSE, "RuntimeError: outer (a.py:6)"),
        ("def execute(context):\n    raise GeneratorExit\n", "GeneratorExit (a.py:2)"),
        ("import sys\ndef execute(context):\n    sys.exit(3)\n", "SystemExit: 3 (a.py:3)"),
    ],
    ids=["itself", "exit", "interrupt", "no text", "surrogate", "hidden", "cause", "generator", "sys.exit"],
)
def test_exceptions(opened: Open, tmp_path: Path, text: str, message: str) -> None:
    """An exception fails its node with its class and its line, whatever its class does when it is inspected."""
    assert outcome(opened(project(tmp_path, {raw("s.a"): text}))) == ("FAILED", message)


@pytest.mark.parametrize("value", ["170141183460469231731687303715884105727::HUGEINT", "-1", "'text'"])
def test_column_named_count(opened: Open, tmp_path: Path, value: str) -> None:
    """A column that an asset names "Count" is an ordinary column, and not a number of rows."""
    text = block("    materialization: custom") + f'SELECT {value} AS "Count"'
    assert outcome(opened(project(tmp_path, {model("s.a"): text}))) == ("SUCCESS", "")


def test_task_id_of_an_entry(opened: Open, tmp_path: Path) -> None:
    """An entry under a task id that cannot be stored does not keep the state from being written."""
    text = "import structlog\ndef execute(context):\n    structlog.get_logger().info('x', taskId='\\ud800')\n"
    assert outcome(opened(project(tmp_path, {raw("s.a"): text}))) == ("SUCCESS", "")
