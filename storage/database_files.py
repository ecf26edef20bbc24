"""Noticing that files of an open database were deleted, moved or replaced: SQLite would write to the lost files."""

import os
from pathlib import Path


class DatabaseGone(OSError):
    """Writes to the open database no longer reach the file with its name."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} was deleted or replaced while it was in use; start dagscope again")


class DatabaseFiles:
    """The files of one open database, as they were at the first check."""

    def __init__(self, database: Path) -> None:
        self._files = (database, database.with_name(database.name + "-wal"))
        self._known: tuple[tuple[int, int], ...] | None = None

    def check(self) -> None:
        """Raises `DatabaseGone` if a file is missing, or not the same as at the first check. Calls `stat` twice."""
        found = tuple(map(_identity, self._files))
        if self._known is None:
            self._known = found
        for file, known, now in zip(self._files, self._known, found, strict=True):
            if now != known:
                raise DatabaseGone(file)


def _identity(file: Path) -> tuple[int, int]:
    try:
        status = os.stat(file)  # noqa: PTH116  once per commit, and half as fast through Path
    except OSError as error:
        raise DatabaseGone(file) from error
    return status.st_dev, status.st_ino
