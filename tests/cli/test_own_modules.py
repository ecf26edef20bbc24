"""A project's own modules, imported by its raw assets, through the real commands."""

import json
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope
from tests.doors import ServerDoor, wait_until
from tests.projects import model, raw, write_project

pytestmark = pytest.mark.server

IMPORTING = """\
import colorsys
import json
import server
import storage
import sys

from dagscope import RawContext


def execute(context: RawContext) -> list[object]:
    library = [colorsys.rgb_to_hsv(0, 0, 1)[2], json.loads("[7]")]
    return [storage.VALUE, server.value(), *library, sys.path.count({folder!r})]
"""


def project_with_modules(folder: Path) -> Path:
    """A project with modules named like dagscope's rooms and like modules of the standard library."""
    own = {
        "storage.py": "VALUE = 'of my storage'\n",
        "server.py": "import storage\n\n\ndef value():\n    return [storage.VALUE, 'of my server']\n",
        "colorsys.py": "raise AssertionError('the standard library comes first')\n",
        "json.py": "raise AssertionError('the standard library comes first')\n",
    }
    text = IMPORTING.format(folder=str(folder.resolve()))
    return write_project(folder, {raw("a.first"): text, raw("a.second"): text, **own})


IMPORTED = ["of my storage", ["of my storage", "of my server"], 1, [7], 1]
"""What such an asset returns. The last item is how often the project's folder is on the import path."""


def test_own_modules_in_a_run(tmp_path: Path) -> None:
    """A raw asset can import the project's modules, whatever their names, except those of the standard library."""
    folder = project_with_modules(tmp_path / "project")
    ran = dagscope("run", "--project", str(folder), "--json", "--task-id", "t")
    nodes = {node["assetName"]: (node["state"], node["message"]) for node in json.loads(ran.stdout)["nodes"]}
    assert nodes == {"a.first": ("SUCCESS", ""), "a.second": ("SUCCESS", "")}
    door = ServerDoor(folder)
    shown = [door.get(f"/api/dag/asset/{name}/data").json()["data"] for name in nodes]
    door.stop()
    assert shown == [IMPORTED, IMPORTED]


def test_own_modules_after_a_reload(tmp_path: Path) -> None:
    """The project's folder is on the import path once, however often it is loaded and run."""
    folder = project_with_modules(tmp_path / "project")
    door = ServerDoor(folder, "--reload")
    door.run("before")
    (folder / model("a.third")).write_text("SELECT 1 AS id", encoding="utf-8")
    wait_until(lambda: len(door.get("/api/dag").json()["nodes"]) == 3)
    door.run("after")
    shown = [door.get(f"/api/dag/asset/a.first/data?taskId={task}").json()["data"] for task in ("before", "after")]
    door.stop()
    assert shown == [IMPORTED, IMPORTED]
