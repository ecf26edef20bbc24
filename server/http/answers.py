"""Sending shapes, and refusing with them."""

from collections.abc import Mapping, Sequence

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.shapes import Error
from dagscope.server.workspace.reads import ReadsBusy, TimeLimitReached


class ShapeResponse(Response):
    """A shape as JSON."""

    media_type = "application/json"

    def __init__(self, shape: Shape, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(shape.to_json(), status_code, headers)


def around(shape: Shape, field: str) -> tuple[str, str]:
    """The JSON of a shape up to the value of one of its fields, and from there on.

    For a value that is JSON already, or is sent in chunks; the field's value in the shape does not matter.
    """
    fields = list(type(shape).model_fields)
    place = fields.index(field)
    before, after = _members(shape, fields[:place]), _members(shape, fields[place + 1 :])
    key = to_json(type(shape).model_fields[field].alias or field).decode()
    return "{" + ",".join((*before, f"{key}:")), "".join(f",{members}" for members in after) + "}"


def _members(shape: Shape, fields: Sequence[str]) -> tuple[str, ...]:
    """The fields as the inside of a JSON object, one text; none if all are absent."""
    text = shape.to_json(frozenset(fields))[1:-1]
    return (text,) if text else ()


class Refused(Exception):
    """A request that gets an error as its answer: a status code and a shape."""

    def __init__(self, status_code: int, shape: Shape) -> None:
        self.status_code, self.shape = status_code, shape
        super().__init__(shape.to_json())


def bad_request(message: str) -> Refused:
    """400, in the words of the spec."""
    return Refused(400, Error(error=f"Invalid request format: {message}"))


def reset_meanwhile() -> Refused:
    """500, for a task that was reset while its POST waited for it."""
    return Refused(500, Error(error="Internal server error", details="the task was reset while it was awaited"))


def unread(error: DagscopeError) -> int:
    """The status code for data that cannot be read: 503 where too much is being read, 504 at the time limit."""
    match error:
        case ReadsBusy():
            return 503
        case TimeLimitReached():
            return 504
    return 500


async def answer_nobody(_: Request, __: Exception) -> Response:
    """The client went away before it was answered: nothing is sent."""
    return Response(status_code=499)


async def answer_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return ShapeResponse(error.shape, error.status_code)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {
        404: f"{request.method} {request.scope['path']}: no such endpoint; /openapi.json lists them",
        405: f"{request.method} is not allowed here",
    }
    shape = Error(error=error.detail, details=details.get(error.status_code))
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return ShapeResponse(shape, error.status_code, headers)


def _allowed(request: Request) -> str:
    """The methods of all endpoints at the path: each is a route of its own, which knows its own method alone."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    methods = (route.methods or () for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(sorted(set().union(*methods)))


async def answer_state_failure(_: Request, error: Exception) -> Response:
    """The state cannot be written, or no more is: 500 in the words of the spec, with the reason."""
    return ShapeResponse(Error(error="Internal server error", details=str(error)), 500)


async def answer_too_many(_: Request, error: Exception) -> Response:
    """429: the task was not accepted, and can be sent again later."""
    return ShapeResponse(Error(error="Too many tasks", details=str(error)), 429)


async def answer_fault(_: Request, __: Exception) -> Response:
    """A fault of dagscope's own: the console has the traceback, the client learns only that it happened."""
    shape = Error(error="Internal server error", details="an unexpected fault; the server's console tells more")
    return ShapeResponse(shape, 500)
