"""`/`: a plain page that says what this server is and lists its endpoints."""

import html
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{project} · dagscope</title>
<h1>{project}</h1>
<p>dagscope serves this project of {assets} assets and {tests} data tests.</p>
<table>
<caption>Endpoints (<a href="/openapi.json">OpenAPI document</a>)</caption>
<tr><th scope="col">Method</th><th scope="col">Path</th><th scope="col">What it does</th></tr>
{rows}
</table>
</html>
"""


def front_page_endpoint(endpoints: Iterable[Endpoint]) -> Endpoint:
    """The page, with the given endpoints listed."""
    rows = "\n".join(map(_row, endpoints))

    async def get_front_page(request: Request) -> Response:
        project = workspace_of(request).project
        page = _PAGE.format(
            project=html.escape(project.name), assets=len(project.assets), tests=len(project.tests), rows=rows
        )
        policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
        return HTMLResponse(page, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})

    return Endpoint(
        "GET", "/", get_front_page, "A page about this server.", {200: None}, media_type="text/html", tag="about"
    )


def _row(endpoint: Endpoint) -> str:
    path = html.escape(endpoint.path.replace(":path}", "}"))
    link = f'<a href="{path}">{path}</a>' if endpoint.method == "GET" and "{" not in path else path
    return f"<tr><td>{endpoint.method}</td><td>{link}</td><td>{html.escape(endpoint.summary)}</td></tr>"
