"""An endpoint: its path, its handler, and what the OpenAPI document says about it, in one place."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dagscope.server.http.answers import Refused
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Query:
    """A query parameter."""

    name: str
    description: str
    type: str = "string"
    least: int | None = None
    most: int | None = None
    """Of a number."""
    is_repeated: bool = False
    choices: tuple[str, ...] = ()
    is_required: bool = False
    names_task: bool = False
    pattern: str | None = None
    """Of a text; a regular expression that all of it matches."""
    longest: int | None = None
    """Of a text, in characters."""


@dataclass(frozen=True)
class Endpoint:
    """One operation of the HTTP API; `responses` maps each status code to its shape, None for no body."""

    method: str
    path: str
    handler: Handler
    summary: str
    responses: Mapping[int, type[BaseModel] | None]
    request: type[BaseModel] | None = None
    request_required: bool = True
    queries: tuple[Query, ...] = ()
    media_types: tuple[str, ...] = ("application/json",)
    """Of a 200 without a shape."""
    other_answers: tuple[type[BaseModel], ...] = ()
    """Shapes that a 200 can have instead."""
    tag: str = field(default="dag")
    only_reads: bool = False
    """Whether a request that is not a GET changes nothing all the same."""

    def route(self) -> Route:
        changes_something = self.method != "GET" and not self.only_reads
        handler = _refused_when_read_only(self.handler) if changes_something else self.handler
        return Route(self.path, handler, methods=[self.method])


def _refused_when_read_only(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        workspace = workspace_of(request)
        if workspace.settings.read_only:
            reason = "shows a bundle" if workspace.project.is_of_bundle else "was started with --read-only"
            details = f"nothing can be run, changed or deleted: the server {reason}"
            raise Refused(403, Error(error="This server is read-only", details=details))
        return await handler(request)

    return handle
