"""`/healthz`: whether the server can write its state, for load balancers and containers.

It needs no token, answers clients of every machine, and says nothing about the project.
"""

from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Health

PATH = "/healthz"


async def get_health(request: Request) -> Response:
    if workspace_of(request).recorder.has_failed:
        return ShapeResponse(Health(status="failed"), 503)
    return ShapeResponse(Health(status="ok"))


ENDPOINTS = (
    Endpoint(
        "GET",
        PATH,
        get_health,
        "Whether the state can be written; needs no token.",
        {200: Health, 503: Health},
        tag="about",
    ),
)
