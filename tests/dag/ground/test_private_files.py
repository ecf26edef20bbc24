"""Who can read what dagscope keeps: only the user who started it (docs/security.md, State files)."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dagscope.storage.state_folder import StateFolder, StateUnusable
from tests.doors import AppDoor
from tests.projects import block, model, raw, write_project

FILES = {
    model("s.a"): block("is_data_framed: true") + "SELECT 1 AS id",
    raw("s.b"): "def execute(context):\n    return {'a': 1}\n",
}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(state: Path) -> dict[str, str]:
    """The mode of each file of a state, in octal digits; frames are called after their kind."""
    found = [state, *state.rglob("*")]
    return {
        f"frames/*{file.suffix}"
        if file.parent.name == "frames"
        else file.name: f"{stat.S_IMODE(file.stat().st_mode):o}"
        for file in found
    }


PRIVATE = {
    ".dagscope": "700",
    "frames": "700",
    "frames/*.arrow": "600",
    "frames/*.json": "600",
    "server.lock": "600",
    "state.sqlite": "600",
    "state.sqlite-shm": "600",
    "state.sqlite-wal": "600",
}


@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o277, 0o777])
def test_any_umask(tmp_path: Path, mask: int) -> None:
    """Whatever the umask, also of a raw asset, only the owner can read the state, and can read all of it."""
    folder = write_project(tmp_path / "project", FILES)
    (folder / "store").mkdir()
    with umask(mask):
        door = AppDoor(folder)
        assert door.run("t").json()["status"] == "SUCCESS"
    assert modes(folder / ".dagscope") == PRIVATE
    door.stop()


def test_state_that_was_open_to_others(tmp_path: Path) -> None:
    """A state that others could read, such as a copy, is closed to them at the next start."""
    folder = write_project(tmp_path / "project", FILES)
    first = AppDoor(folder)
    first.run("t")
    shutil.copytree(folder / ".dagscope", tmp_path / "copy")  # with SQLite's files of an open database
    first.stop()
    shutil.rmtree(folder / ".dagscope")
    (tmp_path / "copy").rename(folder / ".dagscope")
    for path in (folder / ".dagscope", *(folder / ".dagscope").rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    second = AppDoor(folder)
    assert modes(folder / ".dagscope") == PRIVATE
    second.stop()


def test_frames_folder_that_is_created_again(tmp_path: Path) -> None:
    """A folder of frames that was deleted while the state was in use is as private as the first."""
    folder = write_project(tmp_path / "project", FILES)
    (folder / "store").mkdir()
    door = AppDoor(folder)
    shutil.rmtree(folder / ".dagscope" / "frames")
    with umask(0):
        door.run("t")
    assert modes(folder / ".dagscope") == PRIVATE
    door.stop()


def test_links_are_not_followed(hello: Path, tmp_path: Path) -> None:
    """What a link in the state leads to keeps its mode."""
    target = tmp_path / "target"
    target.touch()
    target.chmod(0o644)
    state = hello / ".dagscope"
    state.mkdir(mode=0o755)
    (state / "state.sqlite-link").symlink_to(target)
    StateFolder(state).create()
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes every change of a mode fail, as for a folder of another user: root, which tests can run as, may do all."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    return lambda: monkeypatch.setattr(Path, "chmod", refuse)


def test_state_that_cannot_be_closed(hello: Path, refusing: Callable[[], None]) -> None:
    """A state that others can read, and that cannot be closed to them, is refused."""
    state = StateFolder.of_project(hello)
    state.path.mkdir()
    state.path.chmod(0o755)
    refusing()
    with pytest.raises(StateUnusable) as refused:
        state.create()
    assert str(refused.value) == (
        f"{state.path} cannot be closed to other users: Operation not permitted; "
        "it must be a folder that belongs to you, in a folder that you can write to"
    )
