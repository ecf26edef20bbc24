"""Standing in for an endpoint of the API: calling its handler, and reading its answer, to translate it."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel
from starlette.responses import Response

from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.answers import Refused, ShapeResponse
from dagscope.server.http.endpoint import Endpoint, Handler
from dagscope.server.http.shapes.about import Error

AnyShape = TypeVar("AnyShape", bound=Shape)


def in_place_of(
    endpoints: Iterable[Endpoint],
    own: Handler,
    handler: Handler,
    answers: Mapping[int, type[BaseModel]],
    never: Container[int] = (),
) -> Endpoint:
    """The endpoint that has the handler `own`, with another one, which answers in these shapes, and `never` so."""
    endpoint = next(each for each in endpoints if each.handler == own)
    responses = {code: shape for code, shape in {**endpoint.responses, **answers}.items() if code not in never}
    return replace(endpoint, handler=handler, responses=responses)


def shape_of(response: Response, shape: type[AnyShape]) -> AnyShape | None:
    """The shape of an answer; None if it has another one."""
    found = response.shape if isinstance(response, ShapeResponse) else None
    return found if isinstance(found, shape) else None


def reason_of(refused: Refused) -> str:
    """Why a request was refused, in one text."""
    shape = refused.shape
    if isinstance(shape, Error):
        return f"{shape.error}: {shape.details}" if shape.details else shape.error
    return str(getattr(shape, "error", "") or getattr(shape, "error_msg", ""))
