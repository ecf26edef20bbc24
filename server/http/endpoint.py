"""An endpoint: its path, its handler, and what the OpenAPI document says about it, in one place."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Query:
    """A query parameter."""

    name: str
    description: str
    type: str = "string"
    least: int | None = None
    """Of a number."""


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
    media_type: str = "application/json"
    tag: str = field(default="dag")

    def route(self) -> Route:
        return Route(self.path, self.handler, methods=[self.method])
