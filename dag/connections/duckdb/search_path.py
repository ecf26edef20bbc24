"""The folder that relative paths in SQL begin from, under a name that DuckDB reads nothing into."""

import re
import tempfile
from pathlib import Path

# DuckDB parts a list of folders at commas, takes a=b in a path for a column, and * ? [ { for patterns.
_PLAIN = re.compile(r"[\w\s./+@~:()-]*")


class SearchPath:
    """A folder's path for `file_search_path`: its own, or that of a link to it while this is open.

    So a query gives the same wherever a checkout lies.
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
        """Remove the link, if there is one."""
        if self._links is not None:
            self._links.cleanup()
            self._links = None
