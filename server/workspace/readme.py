"""A project's README: its own, or else that of its docs."""

import os
import stat
from pathlib import Path

README, DOCS = "README.md", "docs"


def read_readme(project: Path) -> tuple[str, bytes] | None:
    """The path and the bytes of the project's own README, else of that of its docs. Raises `OSError`."""
    content = _read(project / README)
    if content is not None:
        return README, content
    if not (project / DOCS).is_symlink():
        content = _read(project / DOCS / README)
    return (f"{DOCS}/{README}", content) if content is not None else None


def _read(file: Path) -> bytes | None:
    """The file's bytes; None if there is no such file, or if it is a link or a device, which leads to another file."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if file.is_symlink():
            return None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as opened:
        return opened.read()
