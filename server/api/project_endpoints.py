"""`/api/project`: the served project, its files, and the server; also a message of the stream."""

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.version import VERSION
from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import FileProblem, ProjectNow, ServedProject
from dagscope.server.workspace.workspace import Workspace


def project_now(workspace: Workspace) -> ProjectNow:
    """The project, what is wrong with its files, and what the server does with it."""
    project, files = workspace.project, workspace.files
    return ProjectNow(
        project_name=project.name,
        version=VERSION,
        read_only=workspace.settings.read_only,
        is_bundle=project.is_of_bundle,
        state_writable=not workspace.recorder.has_failed,
        logs_stored=workspace.settings.store_logs,
        reload=workspace.reloads,
        loaded_time_ms=files.loaded_ms,
        read_time_ms=files.read_ms,
        asset_count=len(project.assets),
        test_count=len(project.tests),
        problems=tuple(
            FileProblem(path=problem.path, line=problem.line or None, message=project.redaction.text(problem.message))
            for problem in files.problems
        ),
    )


async def get_project(request: Request) -> Response:
    now = project_now(workspace_of(request))
    return ShapeResponse(ServedProject(**now.model_dump(), time_ms=now_ms()))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/project",
        get_project,
        "The served project, the problems of its files, and the server.",
        {200: ServedProject},
        tag="about",
    ),
)
