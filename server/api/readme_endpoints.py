"""`/api/docs/readme`: the project's README, its own or else that of its docs, as it is written."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.http.answers import Refused
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.workspace.readme import DOCS, README, read_readme


async def get_readme(request: Request) -> Response:
    try:
        readme = await run_in_threadpool(read_readme, workspace_of(request).project.folder)
    except OSError as error:
        details = f"{README} cannot be read: {error.strerror}"
        raise Refused(500, Error(error="Failed to read README file", details=details)) from error
    if readme is None:
        details = f"the project has neither {README} nor {DOCS}/{README}; a link is no such file"
        raise Refused(404, Error(error="README not found", details=details))
    text = readme[1].decode("utf-8-sig", "replace")
    return Response(text, media_type="text/markdown")


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
