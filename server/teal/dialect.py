"""The endpoints that answer in Teal's shapes, in their places among those of the API (docs/teal.md)."""

from collections.abc import Iterable
from typing import Final

from starlette.routing import Match, Route
from starlette.types import Scope

from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.raw_headers import values
from dagscope.server.teal import asset_endpoints, data_test_endpoints, log_endpoints, task_endpoints

HEADER: Final = "Dagscope-Dialect"
"""With the value `none`, a request is answered in dagscope's own shapes: the page and the commands read those."""

_TEAL = {
    (endpoint.method, endpoint.path): endpoint
    for endpoint in (
        *task_endpoints.ENDPOINTS,
        *asset_endpoints.ENDPOINTS,
        *data_test_endpoints.ENDPOINTS,
        *log_endpoints.ENDPOINTS,
    )
}


def described(api: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """The endpoints of the API, those of Teal in place of those that they translate, and Teal's further ones."""
    listed = {(endpoint.method, endpoint.path): endpoint for endpoint in api}
    return tuple((listed | _TEAL).values())


def routes(api: Iterable[Endpoint]) -> list[Route]:
    """The routes of all of them: of two for the same path, the one whose shapes a request asks for answers."""
    own = tuple(api)
    further = [endpoint for key, endpoint in _TEAL.items() if key not in {(each.method, each.path) for each in own}]
    return [*(route for endpoint in own for route in _both(endpoint)), *map(_route, further)]


def _both(own: Endpoint) -> list[Route]:
    teal = _TEAL.get((own.method, own.path))
    return [own.route()] if teal is None else [_route(teal), own.route()]


def _route(teal: Endpoint) -> Route:
    route = teal.route()
    return _DialectRoute(route.path, route.endpoint, methods=[teal.method])


class _DialectRoute(Route):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and b"none" in values(scope["headers"], HEADER.lower().encode()):
            return Match.NONE, {}
        return super().matches(scope)
