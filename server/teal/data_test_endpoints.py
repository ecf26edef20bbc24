"""Running a data test alone, and its rows, in Teal's shapes (docs/teal.md)."""

from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.status import DataTestStatus
from dagscope.server.api import data_test_endpoints
from dagscope.server.api.data_test_endpoints import execute_test
from dagscope.server.http.answers import Refused, ShapeResponse
from dagscope.server.http.request_reading import read_body, task_id_of, workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.data_tests import DataTestExecuted, TaskDataTests
from dagscope.server.http.shapes.tasks import ExecuteRequest
from dagscope.server.teal.around import in_place_of, reason_of
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


_in_place_of = partial(in_place_of, data_test_endpoints.ENDPOINTS)

ENDPOINTS = (
    replace(
        _in_place_of(data_test_endpoints.post_execute_test, post_execute_test, {500: Error}, never={404}),
        summary="Run one data test alone; answers once it has ended.",
    ),
    _in_place_of(data_test_endpoints.get_test_data, get_test_data, {404: TealNoTestData}, never={204}),
    replace(
        _in_place_of(data_test_endpoints.get_results, get_results, {200: TealDataTests}, never={404}),
        other_answers=(TaskDataTests,),
    ),
)
