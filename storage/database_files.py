"""Noticing that files of an open database were deleted, moved or replaced: SQLite would write to the lost files."""

import os
from pathlib import Path


class DatabaseGone(OSError):
    """Writes to the open database no longer reach the file with its name."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} was deleted or replaced while it was in use; start dagscope again")


class DatabaseFiles:
    """The files of one open database: the database itself as it is now, and its log as it is at the first check.

    The database is looked at now, because whoever reads a file that is missing makes an empty one in its place.
    """

    def __init__(self, database: Path) -> None:
        """Raises `DatabaseGone` if the database is missing."""
        self._database, self._log = database, database.with_name(database.name + "-wal")
        self._known = {self._database: _identity(self._database)}

    def check(self) -> None:
        """Raises `DatabaseGone` if a file is missing or another one. Calls `stat` twice."""
        for file in (self._database, self._log):
            found = _identity(file)
            if self._known.setdefault(file, found) != found:
                raise DatabaseGone(file)


def _identity(file: Path) -> tuple[int, int]:
    try:
        status = os.stat(file)  # noqa: PTH116  once per commit, and half as fast through Path
    except OSError as error:
        raise DatabaseGone(file) from error
    return status.st_dev, status.st_ino
