"""A plain page that says what this server is and lists its endpoints, without a script or a file of its own."""

import html
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of

ENDPOINT_LIST = "/api"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{project} · dagscope</title>
<h1>{project}</h1>
<p>dagscope serves this project of {assets} assets and {tests} data tests.</p>
{note}
<table>
<caption>Endpoints (<a href="/openapi.json">OpenAPI document</a>)</caption>
<tr><th scope="col">Method</th><th scope="col">Path</th><th scope="col">What it does</th></tr>
{rows}
</table>
</html>
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-cache",
}


class EndpointList:
    """The plain page, with the given endpoints listed."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._rows = "\n".join(map(_row, endpoints))

    def route(self) -> Route:
        return Route(ENDPOINT_LIST, self.get_endpoint_list, methods=["GET"])

    async def get_endpoint_list(self, request: Request) -> Response:
        return self.response(request)

    def response(self, request: Request, note: str = "") -> Response:
        """The plain page; `note` is HTML of its own between the project and the list."""
        project = workspace_of(request).project
        page = _PAGE.format(
            project=html.escape(project.name),
            assets=len(project.assets),
            tests=len(project.tests),
            note=note,
            rows=self._rows,
        )
        return HTMLResponse(page, headers=_HEADERS)


def _row(endpoint: Endpoint) -> str:
    path = html.escape(endpoint.path.replace(":path}", "}"))
    link = f'<a href="{path}">{path}</a>' if endpoint.method == "GET" and "{" not in path else path
    return f"<tr><td>{endpoint.method}</td><td>{link}</td><td>{html.escape(endpoint.summary)}</td></tr>"
