"""The page's built files: one document for all views, and hashed files that never change."""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.staticfiles import StaticFiles

from dagscope.server.page.endpoint_list import EndpointList

BUNDLE: Final = Path(__file__).parent.parent / "static"
"""Where `web/` is built to: git-ignored in a checkout, a part of the wheel."""
VIEWS: Final = ("/", "/tests", "/logs", "/history", "/compare", "/tasks/{task_id}", "/assets/{name}")
"""The paths of the page's views. Which one is shown is decided in the browser."""

_VIEW_PATTERNS = [compile_path(path)[0] for path in VIEWS]
_DOCUMENT = "index.html"
_HASHED = re.compile(r"[\w.-]+-[\w-]{8}\.\w+")
_UNCHANGING = "public, max-age=31536000, immutable"
# Files have it too: a worker takes its policy from its own script, not from the page that starts it.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Not from the machine's own table, which can call a script text/plain: with nosniff, it would not run.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_NOT_BUILT = """<h2>The page for the browser is not built</h2>
<p>The API works without it. To build it in a checkout of dagscope, install Node.js 20.19 or newer with npm and run</p>
<pre>make page</pre>
<p>or, without make,</p>
<pre>cd web
npm ci --ignore-scripts
npm run build</pre>
<p>and load this page again. An installed dagscope has the page if npm was there when its wheel was built.</p>"""


def is_page_path(method: str, path: str) -> bool:
    """Whether a request is for the document or a file of the page. Neither contains anything about the project."""
    if method not in ("GET", "HEAD"):
        return False
    return path.startswith("/static/") or any(pattern.fullmatch(path) for pattern in _VIEW_PATTERNS)


class Bundle:
    """The files in a folder, read for each request: a build while the server runs is seen at once.

    Nothing outside the folder is sent, and no symbolic link is followed out of it.
    """

    def __init__(self, folder: Path, endpoint_list: EndpointList) -> None:
        self._files = StaticFiles(directory=folder, check_dir=False)
        self._endpoint_list = endpoint_list

    def routes(self) -> list[Route]:
        views = [Route(path, self.get_view, methods=["GET"]) for path in VIEWS]
        return [*views, Route("/static/{path:path}", self.get_file, methods=["GET"])]

    async def get_view(self, request: Request) -> Response:
        """The document, or how to build it if it is not there."""
        try:
            return await self._response(_DOCUMENT, request, "no-cache")
        except HTTPException:
            return self._endpoint_list.response(request, _NOT_BUILT)

    async def get_file(self, request: Request) -> Response:
        """A file. Only one whose name changes with its contents may be kept by browsers unasked."""
        path = request.path_params["path"]
        if path == _DOCUMENT:
            raise HTTPException(404)  # the views are its paths
        return await self._response(path, request, _UNCHANGING if _HASHED.fullmatch(path) else "no-cache")

    async def _response(self, path: str, request: Request, caching: str) -> Response:
        response = await self._files.get_response(path, request.scope)
        if "content-type" in response.headers:  # a 304 has none
            response.headers["Content-Type"] = MEDIA_TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")
        response.headers.update({"Content-Security-Policy": _POLICY, "Cache-Control": caching})
        return response
