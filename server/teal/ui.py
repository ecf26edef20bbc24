"""Teal's own UI, whose built files the user has: one document for all of its views."""

from pathlib import Path, PurePosixPath
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from dagscope.server.page.bundle import MEDIA_TYPES

DOCUMENT: Final = "index.html"

_API = ("/api", "/graphql", "/openapi.json", "/healthz", "/dagster/graphql")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' http://localhost:* http://127.0.0.1:*; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The UI sets styles inline, and asks the server whose name and port a person writes into it."""


def is_ui_path(method: str, path: str) -> bool:
    """Whether a request is for a file of the UI, or for one of its views. None contains anything about the project."""
    is_api = any(path == start or path.startswith(f"{start}/") for start in _API)
    return method in ("GET", "HEAD") and not is_api and not path.endswith("/graphql")


class TealUi:
    """The files in a folder; every other path outside the API is a view, which the document shows.

    Nothing outside the folder is sent, and no symbolic link is followed out of it.
    """

    def __init__(self, folder: Path) -> None:
        self._files = StaticFiles(directory=folder, check_dir=False)

    def route(self) -> Route:
        return _UiRoute("/{path:path}", self.get_file, methods=["GET"])

    async def get_file(self, request: Request) -> Response:
        path = request.path_params["path"] or DOCUMENT
        try:
            response = await self._files.get_response(path, request.scope)
        except HTTPException:
            path = DOCUMENT
            response = await self._files.get_response(path, request.scope)
        if "content-type" in response.headers:  # a 304 has none
            response.headers["Content-Type"] = MEDIA_TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")
        response.headers.update({"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
        return response


class _UiRoute(Route):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        is_ui = scope["type"] == "http" and is_ui_path(scope["method"], scope["path"])
        return super().matches(scope) if is_ui else (Match.NONE, {})
