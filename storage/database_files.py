"""Noticing that files of an open database were deleted, moved or replaced: SQLite itself would write into nothing."""

import os
from pathlib import Path


class DatabaseGone(OSError):
    """What is written to the open database no longer reaches the file of its name."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} was deleted or replaced while it was in use; start dagscope again")


class DatabaseFiles:
    """The files of one open database, by what they were when it was first looked at."""

    def __init__(self, database: Path) -> None:
        self._files = (database, database.with_name(database.name + "-wal"))
        self._known: tuple[tuple[int, int], ...] | None = None

    def check(self) -> None:
        """Raises `DatabaseGone` if a file is not the one of the first check, or not there. Two calls of `stat`."""
        found = tuple(map(_identity, self._files))
        if self._known is None:
            self._known = found
        for file, known, now in zip(self._files, self._known, found, strict=True):
            if now != known:
                raise DatabaseGone(file)


def _identity(file: Path) -> tuple[int, int]:
    try:
        status = os.stat(file)  # noqa: PTH116  once a commit, and half as fast through Path
    except OSError as error:
        raise DatabaseGone(file) from error
    return status.st_dev, status.st_ino
