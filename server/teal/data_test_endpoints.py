"""Running a data test alone, and its rows, in Teal's shapes (docs/teal.md)."""

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.status import DataTestStatus
from dagscope.server.api import data_test_endpoints
from dagscope.server.api.data_test_endpoints import execute_test
from dagscope.server.http.answers import Refused, ShapeResponse
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import read_body, task_id_of, workspace_of
from dagscope.server.http.row_requests import FILTER, SORT
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.data_tests import DataTestData, DataTestExecuted, TaskDataTests
from dagscope.server.http.shapes.tasks import ExecuteRequest
from dagscope.server.teal.around import reason_of
from dagscope.server.teal.shapes import TealDataTests, TealNoTestData

_WAIT_S = 3_600.0
"""Teal's clients do not ask again for a test that still runs: the answer waits for its end."""


async def post_execute_test(request: Request) -> Response:
    body = await read_body(request, ExecuteRequest)
    name = request.path_params["test_name"]
    try:
        response = await execute_test(request, body, _WAIT_S)
    except Refused as refused:
        failed = DataTestExecuted(
            test_name=name,
            task_id=body.task_id,
            status=DataTestStatus.FAILED,
            could_not_run=True,
            error_msg=reason_of(refused),
        )
        return ShapeResponse(failed)
    response.status_code = 202 if response.status_code == 202 else 200  # a test that found rows is a good answer
    return response


async def get_test_data(request: Request) -> Response:
    try:
        response = await data_test_endpoints.get_test_data(request)
    except Refused as refused:
        if refused.status_code != 404:
            raise
    else:
        if response.status_code != 204:
            return response
    name, task_id = request.path_params["test_name"], request.query_params.get("taskId", "")
    test = workspace_of(request).project.tests.get(name)
    shape = TealNoTestData(test_name=name, description=test.description if test else "", task_id=task_id)
    return ShapeResponse(shape, 404)


async def get_results(request: Request) -> Response:
    try:
        return await data_test_endpoints.get_results(request)
    except Refused as refused:
        if refused.status_code != 404:
            raise
        return ShapeResponse(TealDataTests(task_id=task_id_of(request), tests=()))


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/tests/execute/{test_name}",
        post_execute_test,
        "Run one data test alone; answers once it has ended.",
        {
            200: DataTestExecuted,
            202: DataTestExecuted,
            400: Error,
            409: Error,
            413: Error,
            415: Error,
            429: Error,
            500: Error,
        },
        request=ExecuteRequest,
        tag="tests",
    ),
    Endpoint(
        "GET",
        "/api/tests/data/{test_name}",
        get_test_data,
        "The rows that violate a data test, as found by its newest execution or by a given task.",
        {200: DataTestData, 400: Error, 404: TealNoTestData, 500: DataTestData, 503: DataTestData, 504: DataTestData},
        queries=(
            Query("taskId", "the rows that this task found"),
            Query("attempt", "with taskId: those of this attempt; the newest if not given", "integer", least=1),
            Query("offset", "rows to leave out", "integer", least=0),
            Query("limit", "the maximum number of rows; by default, all that are kept", "integer", least=0),
            FILTER,
            SORT,
        ),
        tag="tests",
    ),
    Endpoint(
        "GET",
        "/api/tests/results/{task_id:path}",
        get_results,
        "The data tests of a task's newest attempt, or of a given one, with their results.",
        {200: TealDataTests, 400: Error},
        queries=(Query("attempt", "an earlier attempt, counted from 1", "integer", least=1),),
        other_answers=(TaskDataTests,),
        tag="tests",
    ),
)
