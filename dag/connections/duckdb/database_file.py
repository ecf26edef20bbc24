"""The file of an open DuckDB database, which others can delete or replace: DuckDB would write on into the lost file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DatabaseFile:
    """The file that has been opened at `path`."""

    path: Path
    device: int
    inode: int

    @classmethod
    def at(cls, path: Path | None) -> "DatabaseFile | None":
        """The file that is there now, None if there is none: a database in memory, or on another machine."""
        try:
            found = path.stat() if path is not None else None
        except OSError:
            return None
        return cls(path, found.st_dev, found.st_ino) if path is not None and found is not None else None

    @property
    def is_lost(self) -> bool:
        """Whether the path leads elsewhere by now, or nowhere."""
        return DatabaseFile.at(self.path) != self
