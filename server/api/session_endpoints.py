"""The page's session: opened with the code that the server printed, or with the API token (docs/security.md)."""

import hmac

from starlette.requests import Request
from starlette.responses import Response

from dagscope.server.http.answers import Refused
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.guard import Rules, port_of
from dagscope.server.http.request_reading import read_body
from dagscope.server.http.sessions import set_cookie
from dagscope.server.http.shapes.about import Error, SessionRequest

PATH = "/api/session"


async def open_session(request: Request) -> Response:
    body = await read_body(request, SessionRequest)
    rules: Rules = request.app.state.rules
    sessions = rules.sessions
    if sessions is None:
        return Response(status_code=204)  # without a token, nothing needs a session
    by_code = sessions.opened_by(body.code or "")
    if not by_code and not hmac.compare_digest((body.token or "").encode(), rules.api_token.encode()):
        details = "the code was used or is of an earlier start; send the API token" if body.code else "wrong API token"
        raise Refused(401, Error(error="Unauthorized", details=details))
    return _with_cookie(request, sessions.new())


async def end_session(request: Request) -> Response:
    return _with_cookie(request, "")


def _with_cookie(request: Request, value: str) -> Response:
    cookie = set_cookie(port_of(request.scope), value, secure=request.url.scheme == "https")
    return Response(status_code=204, headers={"Set-Cookie": cookie})


ENDPOINTS = (
    Endpoint(
        "POST",
        PATH,
        open_session,
        "Open a session of the page: a cookie that stands in for the API token.",
        {204: None, 400: Error, 401: Error, 403: Error, 413: Error, 415: Error},
        request=SessionRequest,
        tag="about",
    ),
    Endpoint("DELETE", PATH, end_session, "End the session of the page.", {204: None, 403: Error}, tag="about"),
)
