"""Answers and refusals, as shapes in JSON."""

from collections.abc import Mapping, Sequence

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.shapes.about import Error
from dagscope.server.workspace.reads import ReadsBusy, TimeLimitReached


class ShapeResponse(Response):
    """A shape as JSON."""

    media_type = "application/json"

    def __init__(self, shape: Shape, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(shape.to_json(), status_code, headers)
        self.shape = shape


def around(shape: Shape, field: str) -> tuple[str, str]:
    """The JSON of a shape before and after the value of one of its fields.

    For a value that is JSON already, or is sent in chunks; the field's value in the shape does not matter.
    """
    fields = list(type(shape).model_fields)
    place = fields.index(field)
    before, after = _members(shape, fields[:place]), _members(shape, fields[place + 1 :])
    key = to_json(type(shape).model_fields[field].alias or field).decode()
    return "{" + ",".join((*before, f"{key}:")), "".join(f",{members}" for members in after) + "}"


def _members(shape: Shape, fields: Sequence[str]) -> tuple[str, ...]:
    """The fields as the inside of a JSON object, in one text; no text if all are absent."""
    text = shape.to_json(frozenset(fields))[1:-1]
    return (text,) if text else ()


class Refused(Exception):
    """A request that is answered with an error: a status code and a shape."""

    def __init__(self, status_code: int, shape: Shape) -> None:
        self.status_code, self.shape = status_code, shape
        super().__init__(shape.to_json())


def bad_request(message: str) -> Refused:
    """400, in the words of the spec."""
    return Refused(400, Error(error=f"Invalid request format: {message}"))


def reset_meanwhile() -> Refused:
    """500, for a task that a reset deleted while its POST waited for it."""
    return Refused(
        500, Error(error="Internal server error", details="a reset deleted the task while the request waited for it")
    )


def unread(error: DagscopeError) -> int:
    """The status code for data that cannot be read: 503 where too much is being read, 504 at the time limit."""
    match error:
        case ReadsBusy():
            return 503
        case TimeLimitReached():
            return 504
    return 500


async def answer_gone_client(_: Request, __: Exception) -> Response:
    """The client went away before it was answered: nothing is sent."""
    return Response(status_code=499)


async def answer_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return ShapeResponse(error.shape, error.status_code)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {
        404: f"{request.method} {request.scope['path']}: no such endpoint; /openapi.json lists all endpoints",
        405: f"{request.method} is not allowed here",
    }
    shape = Error(error=error.detail, details=details.get(error.status_code))
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return ShapeResponse(shape, error.status_code, headers)


def _allowed(request: Request) -> str:
    """The methods of the first path that fits, as the router takes it: each route knows its own method alone."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    path = next((route.path for route in routes if route.matches(request.scope)[0] is not Match.NONE), None)
    return ", ".join(sorted(set().union(*(route.methods or () for route in routes if route.path == path))))


async def answer_state_failure(_: Request, error: Exception) -> Response:
    """The state cannot be used, or the server is shutting down: 500 in the words of the spec, with the reason."""
    return ShapeResponse(Error(error="Internal server error", details=str(error)), 500)


async def answer_too_many(_: Request, error: Exception) -> Response:
    """429: the task was not accepted, and can be sent again later."""
    return ShapeResponse(Error(error="Too many tasks", details=str(error)), 429)


async def answer_not_loaded(_: Request, error: Exception) -> Response:
    """409: nothing can be executed until the project's files are fixed; `details` lists their problems."""
    return ShapeResponse(Error(error="The project cannot be loaded", details=str(error)), 409)


async def answer_fault(_: Request, __: Exception) -> Response:
    """An internal fault: the console shows the traceback, the client learns only that it happened."""
    shape = Error(error="Internal server error", details="an unexpected fault; see the server's console")
    return ShapeResponse(shape, 500)
