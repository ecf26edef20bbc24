"""A project's own modules, imported by its raw assets, through the real commands."""

import json
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope
from tests.doors import ServerDoor, wait_until
from tests.projects import model, raw, save_at_once, write_project

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


POOLS = """\
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from assets.lib import geo
from . import rules


@dataclass(frozen=True)
class Place:
    x: int


def moved(place: Place) -> Place:
    return Place(geo.moved(place.x))


def execute(context):
    found = {}
    for method in ("spawn", "forkserver", "fork"):
        with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
            places = pool.map(moved, [Place(1), Place(2)])
            found[method] = [[place.x for place in places], *pool.map(geo.moved, [3]), *pool.map(rules.moved, [4])]
    return found
"""


def test_process_pools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions and classes of a raw asset, of the library and of a file beside it work in pools, also once changed."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # the processes keep bytecode of what they imported
    library = "def moved(x):\n    return x + 10\n"
    files = {raw("a.pools"): POOLS, raw("a.rules"): library, "assets/lib/geo.py": library}
    door = ServerDoor(write_project(tmp_path / "project", files))
    door.run("before")
    save_at_once(tmp_path / "project/assets/lib/geo.py", library.replace("10", "20"))
    door.run("after")
    shown = [door.get(f"/api/dag/asset/a.pools/data?taskId={task}").json()["data"] for task in ("before", "after")]
    door.stop()
    before, after = [[11, 12], 13, 14], [[21, 22], 23, 14]
    assert shown == [dict.fromkeys(("spawn", "forkserver", "fork"), found) for found in (before, after)]
