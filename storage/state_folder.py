"""The folder `<project>/.dagscope/` that holds everything dagscope keeps for a project."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.forked_children import closed_in_children


class StateInUse(DagscopeError):
    """Another process has this state open; `pid` is None if it is not known yet, `address` if it has none."""

    def __init__(self, folder: Path, pid: int | None, address: str | None) -> None:
        self.pid, self.address = pid, address
        who = f"process {pid}" if pid else "another process"
        where = f" at {address}" if address else ""
        super().__init__(f"{folder} is in use by {who}{where}; stop it, or use it")


class StateUnusable(DagscopeError):
    """The state cannot be opened; nothing in it was changed."""


_WHAT_A_STATE_NEEDS = "it must be a folder that belongs to you, in a folder that you can write to"


@dataclass(frozen=True)
class StateFolder:
    """The paths inside a project's state folder."""

    path: Path

    @classmethod
    def of_project(cls, project_folder: Path) -> "StateFolder":
        return cls(project_folder / ".dagscope")

    @property
    def database(self) -> Path:
        return self.path / "state.sqlite"

    @property
    def frames(self) -> Path:
        return self.path / "frames"

    @property
    def lock_file(self) -> Path:
        return self.path / "server.lock"

    def create(self) -> None:
        """Create the folder, readable by this user only. Raises `StateUnusable`."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.frames.mkdir(exist_ok=True)
        except OSError as error:
            raise self._unusable("written", error) from error

    @contextmanager
    def owned(self) -> Iterator["Owner"]:
        """Make this process the only one that uses this state. Raises `StateInUse` or `StateUnusable`.

        The lock is on the project's folder, because files of the state can be deleted while it is in use. The operating
        system releases the lock when a process ends, however it ends.
        """
        with self._locked() as lock:
            self.create()
            try:
                descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise self._unusable("written", error) from error
            with os.fdopen(descriptor, "r+b", buffering=0):
                owner = Owner(descriptor)
                owner.announce(None)
                # Closed, not unlocked: that would unlock it for the parent too.
                with closed_in_children(partial(os.close, lock)):
                    yield owner

    def in_use_by(self) -> StateInUse | None:
        """The error that names the process which owns this state, None if no process does. Keeps no lock.

        Raises `StateUnusable` if the project's folder is another user's.
        """
        try:
            with self._locked():
                return None
        except StateInUse as owner:
            return owner

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The descriptor of the project's folder, locked. Raises `StateInUse` or `StateUnusable`."""
        try:
            descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unusable("locked", error) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise self._in_use() from error
            yield descriptor
        finally:
            os.close(descriptor)

    def _unusable(self, done: str, error: OSError) -> StateUnusable:
        return StateUnusable(f"{self.path} cannot be {done}: {error.strerror}; {_WHAT_A_STATE_NEEDS}")

    def _in_use(self) -> StateInUse:
        """The error that names the owner, as far as its lock file does."""
        try:
            said = json.loads(self.lock_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            said = {}
        pid, address = (said.get("pid"), said.get("address")) if isinstance(said, dict) else (None, None)
        return StateInUse(self.path, pid, address)


@dataclass(frozen=True)
class Owner:
    """The process that uses a state; `descriptor` is that of the lock file."""

    descriptor: int

    def announce(self, address: str | None) -> None:
        """Write down this process's pid, and the address that it serves."""
        text = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text, 0)
