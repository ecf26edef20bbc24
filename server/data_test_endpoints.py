"""`/api/tests`: the data tests (spec, Test Operations)."""

from starlette.requests import Request
from starlette.responses import Response

from dag.assets import DataTest
from dag.errors import TemplateFailed
from dag.project import Project
from dag.status import DataTestStatus
from dag.templates import TaskValues
from server.answers import ShapeResponse
from server.endpoint import Endpoint
from server.requests import workspace_of
from server.shapes import DataTestProfile, DataTests


async def get_tests(request: Request) -> Response:
    workspace = workspace_of(request)
    async with workspace.reader.moment() as moment:
        statuses = await moment.test_statuses()
    project = workspace.project
    tests = tuple(
        _profile(project, test, statuses.get(name, DataTestStatus.INITIAL)) for name, test in project.tests.items()
    )
    return ShapeResponse(DataTests(tests=tests))


def _profile(project: Project, test: DataTest, status: DataTestStatus) -> DataTestProfile:
    try:
        sql = project.redaction.text(project.test_sql(test, TaskValues()))
    except TemplateFailed as error:  # an environment variable that went away since the project was loaded
        sql = project.redaction.text(f"-- {error}")
    return DataTestProfile(
        name=test.name,
        sql=sql,
        connection_name=test.connection,
        connection_type=test.connection_type,
        status=status,
        description=test.description,
    )


ENDPOINTS = (
    Endpoint(
        "GET", "/api/tests", get_tests, "Every data test, its SQL, and how it stands.", {200: DataTests}, tag="tests"
    ),
)
