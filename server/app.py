"""The application: endpoints, error answers, and the workspace they serve, opened and closed with the lifespan."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from dagscope.server.api import (
    asset_endpoints,
    bundle_endpoints,
    compare_endpoints,
    connection_endpoints,
    dag_endpoints,
    data_test_endpoints,
    execution_endpoints,
    health_endpoints,
    history_endpoints,
    ledger_endpoints,
    lineage_endpoints,
    log_endpoints,
    plan_endpoints,
    preview_endpoints,
    project_endpoints,
    readme_endpoints,
    relation_endpoints,
    row_endpoints,
    session_endpoints,
    sql_endpoints,
    statement_endpoints,
    step_endpoints,
    stream,
    timing_endpoints,
)
from dagscope.server.graphql import graphql_endpoints
from dagscope.server.http.answers import (
    Refused,
    answer_fault,
    answer_gone_client,
    answer_http_exception,
    answer_not_loaded,
    answer_refused,
    answer_state_failure,
    answer_too_many,
)
from dagscope.server.http.bounded_answers import AnswerLimits, BoundedAnswers
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.guard import Guard, OpenPaths, Rules
from dagscope.server.http.openapi import openapi_endpoint
from dagscope.server.http.plain_targets import PlainTargets
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.secure_headers import SecureHeaders, secured
from dagscope.server.page import layout_endpoints
from dagscope.server.page.bundle import BUNDLE, Bundle, is_page_path
from dagscope.server.page.endpoint_list import EndpointList
from dagscope.server.page.layouts import Layouts
from dagscope.server.teal import dialect as teal_dialect
from dagscope.server.teal.ui import TealUi, is_ui_path
from dagscope.server.workspace.files_now import NotLoaded
from dagscope.server.workspace.reads import ClientGone
from dagscope.server.workspace.settings import Dialect
from dagscope.server.workspace.task_queue import ShuttingDown, TooManyWaiting
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.reader import StateUnreadable
from dagscope.storage.recorder import RecorderFailed

API: tuple[Endpoint, ...] = (
    *dag_endpoints.ENDPOINTS,
    *layout_endpoints.ENDPOINTS,
    *history_endpoints.ENDPOINTS,
    *timing_endpoints.ENDPOINTS,
    *compare_endpoints.ENDPOINTS,
    *bundle_endpoints.ENDPOINTS,
    *asset_endpoints.ENDPOINTS,
    *row_endpoints.ENDPOINTS,
    *preview_endpoints.ENDPOINTS,
    *step_endpoints.ENDPOINTS,
    *lineage_endpoints.ENDPOINTS,
    *relation_endpoints.ENDPOINTS,
    *connection_endpoints.ENDPOINTS,
    *data_test_endpoints.ENDPOINTS,
    *ledger_endpoints.ENDPOINTS,
    *project_endpoints.ENDPOINTS,
    *readme_endpoints.ENDPOINTS,
    *sql_endpoints.ENDPOINTS,
    *execution_endpoints.ENDPOINTS,
    *statement_endpoints.ENDPOINTS,
    *plan_endpoints.ENDPOINTS,
    *log_endpoints.ENDPOINTS,
    *stream.ENDPOINTS,
    *graphql_endpoints.ENDPOINTS,
    *session_endpoints.ENDPOINTS,
    *health_endpoints.ENDPOINTS,
)
"""Every endpoint of the API, in the order in which the document lists them."""

IsPage = Callable[[str, str], bool]


def _open_paths(is_page: IsPage) -> OpenPaths:
    return OpenPaths(frozenset({health_endpoints.PATH}), is_page, frozenset({session_endpoints.PATH}))


Opened = Callable[[], AbstractAsyncContextManager[Workspace]]


async def _answer_unreadable(request: Request, error: Exception) -> Response:
    """What was read may be another file than the one that is written: a write finds that out, and the page is told."""
    with suppress(RecorderFailed):
        await workspace_of(request).recorder.flush()
    return await answer_state_failure(request, error)


def create_app(
    open_workspace: Opened, page: Path = BUNDLE, dialect: Dialect | None = None, teal_ui: Path | None = None
) -> Starlette:
    """The application over the workspace that `open_workspace` opens when the server starts.

    `page` is the folder of the page's built files; without them, the API alone is served. `teal_ui` is the folder of
    Teal's own UI, which then takes the place of the page.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_workspace() as workspace:
            app.state.workspace = workspace
            app.state.layouts = Layouts()
            app.state.rules = Rules.of(workspace.settings)
            app.state.answer_limits = AnswerLimits(workspace.settings.answer_bytes, workspace.settings.answer_limit_s)
            yield

    described = API if dialect is None else teal_dialect.described(API)
    api_routes = [endpoint.route() for endpoint in API] if dialect is None else teal_dialect.routes(API)
    endpoint_list, is_page = EndpointList(described), is_page_path if teal_ui is None else is_ui_path
    page_routes = Bundle(page, endpoint_list).routes() if teal_ui is None else [TealUi(teal_ui).route()]
    app = Starlette(
        routes=[*api_routes, openapi_endpoint(described).route(), endpoint_list.route(), *page_routes],
        lifespan=lifespan,
        middleware=[
            Middleware(SecureHeaders),
            Middleware(PlainTargets),
            Middleware(Guard, rules_of=lambda scope: scope["app"].state.rules, open_paths=_open_paths(is_page)),
            Middleware(
                BoundedAnswers,
                limits_of=lambda scope: scope["app"].state.answer_limits,
                is_page=is_page,
            ),
        ],
        exception_handlers={
            Refused: answer_refused,
            HTTPException: answer_http_exception,
            ClientDisconnect: answer_gone_client,
            ClientGone: answer_gone_client,
            RecorderFailed: answer_state_failure,
            StateUnreadable: _answer_unreadable,
            ShuttingDown: answer_state_failure,
            TooManyWaiting: answer_too_many,
            NotLoaded: answer_not_loaded,
            Exception: secured(answer_fault),
        },
    )
    app.router.redirect_slashes = False  # a redirect once turned `DELETE /api/logs/` into deleting all logs
    return app
