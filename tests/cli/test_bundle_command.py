"""`dagscope bundle`, with and without a server."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from dagscope.storage.bundle_file import MANIFEST
from tests.bundles import PROJECT, OpenBundle, members_of
from tests.cli.dagscope_command import dagscope, dagscope_here
from tests.doors import AppDoor, Serve
from tests.projects import block, model, write_project

pytestmark = pytest.mark.server


SECRET = "hunter2hunter2"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three green tasks, which were given a secret in the environment and in their data."""
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    folder = tmp_path / "project"
    folder.mkdir()
    sql = "-- not hunter2hunter2\nSELECT {{ param('key', 'x') }} = '{{ ENV('SHOP_TOKEN') }}' AS is_known"
    write_project(folder, PROJECT | {model("mart.keys"): sql})
    door = AppDoor(folder)
    for task in ("monday", "tuesday", "wednesday"):
        door.run(task, data={"key": SECRET})
    door.stop()
    return folder


def size(file: Path) -> str:
    return f"{file.stat().st_size / 1e3:.1f} kB"


def tasks_in(file: Path) -> list[str]:
    tasks: list[str] = json.loads(members_of(file.read_bytes())[MANIFEST])["tasks"]
    return tasks


def test_says_what_is_in_it(project: Path, tmp_path: Path) -> None:
    """The newest task goes with the one that it is compared with, in a file that is the user's own."""
    file = tmp_path / "w.dagscope"
    said = dagscope("bundle", "--project", str(project), "-o", str(file))
    assert said.stdout == (
        f"Wrote {file}: wednesday and tuesday of small, {size(file)}\n"
        "With rows of your data: 4 captured results; --no-rows leaves them out\n"
        "Left out: the databases, secrets, variables of the environment, 1 other task\n"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {found.name for found in tmp_path.iterdir()} == {"project", "w.dagscope"}


def test_a_server_is_asked(project: Path, tmp_path: Path, serve: Serve) -> None:
    """While the project is served, its server makes the bundle, of the tasks that are named."""
    serve(project)
    file, again = tmp_path / "m.dagscope", tmp_path / "two.dagscope"
    said = dagscope("bundle", "monday", "--project", str(project), "-o", str(file))
    assert (said.returncode, said.stderr, tasks_in(file)) == (0, "", ["monday"])
    assert dagscope("bundle", "--tasks", "2", "--project", str(project), "-o", str(again)).returncode == 0
    assert tasks_in(again) == ["wednesday", "tuesday", "monday"]
    said = dagscope("bundle", "sunday", "--project", str(project), "-o", str(file))
    message = "Task not found: no task has the id sunday; GET /api/dag/tasks lists all tasks\n"
    assert (said.returncode, said.stderr, tasks_in(file)) == (2, message, ["monday"])


def test_without_secrets(project: Path, tmp_path: Path) -> None:
    """A secret that dagscope knows is nowhere in a bundle."""
    file = tmp_path / "w.dagscope"
    dagscope("bundle", "--project", str(project), "-o", str(file))
    members = members_of(file.read_bytes())
    found = [name for name, content in members.items() if SECRET.encode() in content]
    assert (found, b"-- not ***" in members["project/assets/models/mart/keys.sql"]) == ([], True)


def test_without_rows(project: Path, open_bundle: OpenBundle, tmp_path: Path) -> None:
    """`--no-rows` leaves all captured rows and values out; the rest is shown."""
    file = tmp_path / "w.dagscope"
    said = dagscope("bundle", "--no-rows", "--project", str(project), "-o", str(file))
    left_out = "all rows, the databases, secrets, variables of the environment, 1 other task"
    assert said.stdout == f"Wrote {file}: wednesday and tuesday of small, {size(file)}\nLeft out: {left_out}\n"
    opened = open_bundle(file)
    assert opened.get("/api/dag/asset/mart.sums/data").status_code == 204
    compared = opened.get("/api/compare").json()
    assert [asset["rows"].get("to") for asset in compared["assets"]] == [1, None, 100, 7]


def test_what_cannot_be_bundled(tmp_path: Path, project: Path) -> None:
    """Without a task, or a folder for the file, there is no bundle, and the message says why."""
    empty = tmp_path / "empty"
    empty.mkdir()
    said = dagscope_here("bundle", "--project", str(write_project(empty, PROJECT)), "-o", str(tmp_path / "x"))
    assert (said.exit_code, said.output) == (2, f"{empty} has no state; nothing was ever run there\n")
    said = dagscope_here("bundle", "--project", str(project), "-o", str(tmp_path / "no" / "x"))
    assert (said.exit_code, said.output) == (2, f"{tmp_path}/no/x cannot be written: No such file or directory\n")
    said = dagscope_here("bundle", "monday", "--tasks", "2", "-o", "x")
    assert (said.exit_code, said.output.splitlines()[-1]) == (2, "Error: give TASK or --tasks, not both")


def test_several_downloads(tmp_path: Path, serve: Serve) -> None:
    """Bundles that are downloaded at the same time are whole."""
    rows = "capture: all", "SELECT range AS id, md5(range::VARCHAR) AS text FROM range(200000)"
    server = serve(write_project(tmp_path / "wide", {model(f"s.t{n}"): block(rows[0]) + rows[1] for n in range(3)}))
    server.run("t")
    with ThreadPoolExecutor(6) as downloads:
        bundles = list(
            downloads.map(lambda _: httpx2.get(f"{server.address}/api/bundle", timeout=60).content, range(6))
        )
    assert {tuple(members_of(bundle)) for bundle in bundles} == {tuple(members_of(bundles[0]))}
