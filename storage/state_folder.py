"""The folder `<project>/.dagscope/` that holds everything dagscope keeps for a project."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.forked_children import closed_in_children
from dagscope.dag.ground.private_files import FILE_MODE, FOLDER_MODE, close_files, close_folder


class StateInUse(DagscopeError):
    """Another process has this state open; `pid` is None if it is not known yet, `address` if it has none."""

    def __init__(self, folder: Path, pid: int | None, address: str | None) -> None:
        self.pid, self.address = pid, address
        who = f"process {pid}" if pid else "another process"
        where = f" at {address}" if address else ""
        super().__init__(f"{folder} is in use by {who}{where}; stop it, or use it")


class StateUnusable(DagscopeError):
    """The state cannot be opened; nothing in it was changed."""


_WAIT_FOR_PROBES_S = 1.0
_BETWEEN_ATTEMPTS_S = 0.005
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

    def holds_anything(self) -> bool:
        """Whether anything was ever stored. Raises `StateUnusable` if the folder cannot be read."""
        try:
            self.database.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self._unusable("read", error) from error
        return True

    def create(self) -> None:
        """Create the folder, and close it and what is in it to other users. Raises `StateUnusable`."""
        for folder in (self.path, self.frames):
            try:
                folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            except OSError as error:
                raise self._unusable("written", error) from error
            try:
                close_folder(folder)
            except OSError as error:
                raise self._unusable("closed to other users", error) from error
        self._close_files()

    def _close_files(self) -> None:
        try:
            close_files(self.lock_file, *self.path.glob(f"{self.database.name}*"))
        except OSError as error:
            raise self._unusable("closed to other users", error) from error

    @contextmanager
    def owned(self) -> Iterator["Owner"]:
        """Make this process the only one that uses this state. Raises `StateInUse` or `StateUnusable`.

        The lock is on the project's folder, because files of the state can be deleted while it is in use. The operating
        system releases the lock when a process ends, however it ends.
        """
        with self._opened_folder() as lock:
            self._lock(lock)
            self.create()
            try:
                descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
                os.fchmod(descriptor, FILE_MODE)
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
        with self._opened_folder() as lock:
            return None if _locks(lock, fcntl.LOCK_SH) else self._in_use()

    def _lock(self, folder: int) -> None:
        """Lock the state for this process alone. Raises `StateInUse`.

        `in_use_by` holds a shared lock for an instant, which is waited for: it is not an owner's.
        """
        deadline = time.monotonic() + _WAIT_FOR_PROBES_S
        while not _locks(folder, fcntl.LOCK_EX):
            if not _locks(folder, fcntl.LOCK_SH) or time.monotonic() > deadline:
                raise self._in_use()
            fcntl.flock(folder, fcntl.LOCK_UN)
            time.sleep(_BETWEEN_ATTEMPTS_S)

    @contextmanager
    def _opened_folder(self) -> Iterator[int]:
        """The descriptor of the project's folder; what locks it ends with it. Raises `StateUnusable`."""
        try:
            descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unusable("locked", error) from error
        try:
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


def _locks(folder: int, how: int) -> bool:
    """Whether the lock was free, and is held now."""
    try:
        fcntl.flock(folder, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class Owner:
    """The process that uses a state; `descriptor` is that of the lock file."""

    descriptor: int

    def announce(self, address: str | None) -> None:
        """Write down this process's pid, and the address that it serves."""
        text = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text, 0)
