"""The folder that relative paths in SQL refer to, under a name without special characters for DuckDB."""

import re
import tempfile
from pathlib import Path

# DuckDB splits a list of folders at commas, reads a=b in a path as a column, and * ? [ { as patterns.
_PLAIN = re.compile(r"[\w\s./+@~:()-]*")


class SearchPath:
    """A folder's path for `file_search_path`: its own, or that of a link to it that exists until `close`.

    So a query returns the same result wherever the project's folder is.
    """

    def __init__(self, folder: Path) -> None:
        self._links: tempfile.TemporaryDirectory[str] | None = None
        self.path = str(folder)
        if not _PLAIN.fullmatch(self.path):
            self._links = tempfile.TemporaryDirectory(prefix="dagscope-")
            link = Path(self._links.name) / "project"
            link.symlink_to(folder, target_is_directory=True)
            self.path = str(link)

    def close(self) -> None:
        """Delete the link, if there is one."""
        if self._links is not None:
            self._links.cleanup()
            self._links = None
