"""Calling a handler of the API and reading its answer, to translate it."""

from typing import TypeVar

from starlette.responses import Response

from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.answers import Refused, ShapeResponse
from dagscope.server.http.shapes.about import Error

AnyShape = TypeVar("AnyShape", bound=Shape)


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
