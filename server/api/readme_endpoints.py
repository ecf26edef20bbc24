"""`/api/docs/readme`: the project's README, its own or else that of its docs, as it is written."""

import os
import stat
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.http.answers import Refused
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error

README, DOCS = "README.md", "docs"


async def get_readme(request: Request) -> Response:
    try:
        content = await run_in_threadpool(_read_first, workspace_of(request).project.folder)
    except OSError as error:
        details = f"{README} cannot be read: {error.strerror}"
        raise Refused(500, Error(error="Failed to read README file", details=details)) from error
    if content is None:
        details = f"the project has neither {README} nor {DOCS}/{README}; a link is no such file"
        raise Refused(404, Error(error="README not found", details=details))
    text = content.decode("utf-8-sig", "replace")
    return Response(text, media_type="text/markdown")


def _read_first(project: Path) -> bytes | None:
    """The project's own README, else the one of its docs."""
    content = _read(project / README)
    if content is None and not (project / DOCS).is_symlink():
        content = _read(project / DOCS / README)
    return content


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


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/docs/readme",
        get_readme,
        "The project's README.md, or else docs/README.md, as Markdown.",
        {200: None, 404: Error, 500: Error},
        media_types=("text/markdown",),
        tag="docs",
    ),
)
