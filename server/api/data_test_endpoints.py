"""`/api/tests`: the data tests, running one alone, and the rows that violate them (spec, Test Operations)."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.status import DataTestStatus
from dagscope.dag.model.assets import DataTest
from dagscope.dag.project.project import Project
from dagscope.server.api.asset_data import Rows, json_rows
from dagscope.server.api.compiled_queries import compiled_test
from dagscope.server.api.found_rows import FoundRows
from dagscope.server.api.kept_rows import kept_violations
from dagscope.server.api.row_answers import array_rows, rows_answer
from dagscope.server.api.row_json import row_chunks
from dagscope.server.http.answers import ShapeResponse
from dagscope.server.http.client_presence import Waiting
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import AskedTask, Missing, attempt_of, data_test_named
from dagscope.server.http.request_reading import page_of, read_body, task_id_of, whole_number, workspace_of
from dagscope.server.http.row_requests import FILTER, FORMAT, SORT, asked_rows, wants_arrays
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.data_tests import (
    DataTestData,
    DataTestExecuted,
    DataTestProfile,
    DataTestRows,
    DataTests,
    TaskDataTest,
    TaskDataTests,
)
from dagscope.server.http.shapes.tasks import ExecuteRequest
from dagscope.storage.kept_data_tests import KeptDataTest


async def get_tests(request: Request) -> Response:
    workspace = workspace_of(request)
    async with workspace.reader.moment() as moment:
        statuses = await moment.test_statuses()
    return ShapeResponse(await run_in_threadpool(_profiles, workspace.project, statuses))


def _profiles(project: Project, statuses: Mapping[str, DataTestStatus]) -> DataTests:
    tests = (
        _profile(project, test, statuses.get(name, DataTestStatus.INITIAL)) for name, test in project.tests.items()
    )
    return DataTests(tests=tuple(tests))


def _profile(project: Project, test: DataTest, status: DataTestStatus) -> DataTestProfile:
    return DataTestProfile(
        name=test.name,
        sql=compiled_test(project, test),
        connection_name=test.connection,
        connection_type=test.connection_type,
        status=status,
        description=test.description,
        mask=test.mask or None,
    )


async def get_results(request: Request) -> Response:
    workspace, task_id = workspace_of(request), task_id_of(request)
    attempt = whole_number(request, "attempt", least=1)
    async with workspace.reader.moment() as moment:
        task = await attempt_of(moment, task_id, attempt)
        found = await moment.data_tests.of_attempt(task.summary.task_id, task.attempt)
    tests = await run_in_threadpool(_task_data_tests, workspace.project, found)
    return ShapeResponse(TaskDataTests(task_id=task.summary.task_id, attempt=task.attempt, tests=tests))


def _task_data_tests(project: Project, found: Iterable[KeptDataTest]) -> tuple[TaskDataTest, ...]:
    return tuple(_task_data_test(project, kept) for kept in found)


def _task_data_test(project: Project, kept: KeptDataTest) -> TaskDataTest:
    """The result, with the test as it is in the project now; a removed test has neither SQL nor connection."""
    name, status = kept.result.test_name, kept.result.status
    test = project.tests.get(name)
    profile = _profile(project, test, status) if test else _gone(name, status)
    return TaskDataTest(
        **profile.model_dump(),
        asset_name=kept.asset,
        **_outcome(kept),
    )


def _outcome(kept: KeptDataTest) -> dict[str, Any]:
    """The fields that all answers about an executed test have in common."""
    return {
        "could_not_run": kept.could_not_run,
        "row_count": kept.violation_count,
        "kept_rows": kept.violations.rows if kept.violations else 0,
        "error_msg": _why_not_run(kept),
        "duration_ms": kept.result.duration_ms,
        "executed_at": kept.executed_at,
    }


def _gone(name: str, status: DataTestStatus) -> DataTestProfile:
    return DataTestProfile(name=name, sql="", connection_name="", connection_type="", status=status, description="")


def _why_not_run(kept: KeptDataTest) -> str:
    return (kept.result.error or "") if kept.could_not_run else ""


async def post_execute_test(request: Request) -> Response:
    return await execute_test(request, await read_body(request, ExecuteRequest))


async def execute_test(request: Request, body: ExecuteRequest, least_s: float = 0.0) -> Response:
    """Run the test that the path names; answers once it has ended, or after the time of a POST, at least `least_s`."""
    name = request.path_params["test_name"]

    def unknown(missing: Missing) -> DataTestExecuted:
        return DataTestExecuted(
            test_name=name, task_id=body.task_id, status=DataTestStatus.NOT_FOUND, error_msg=missing.error
        )

    workspace = workspace_of(request)
    test = data_test_named(workspace.loaded_project, name, unknown)
    waiting = Waiting.of(request, least_s)
    active = await waiting.begun(
        body.task_id,
        ("test", body.task_id, name),
        lambda: workspace.tasks.run_test(workspace.project, body.task_id, name),
    )
    if active is None:
        return _executed(body.task_id, test, None, over=False)
    await workspace.wait_for(active.end_of_test(name), waiting.deadline_s)
    has_ended = active.ended.is_set()  # asked before the state is read: what it says then is no older
    async with workspace.reader.moment() as moment:
        found = await moment.data_tests.of_attempt(active.task_id, active.plan.attempt)
    kept = next((each for each in found if each.result.test_name == name and each.asset is None), None)
    return _executed(active.task_id, test, kept, has_ended)


def _executed(task_id: str, test: DataTest, kept: KeptDataTest | None, over: bool) -> Response:
    if kept is not None:
        answer = _answer(DataTestExecuted, task_id, test, kept)
        return ShapeResponse(answer, _EXECUTE_CODES[answer.status])
    answer = DataTestExecuted(
        test_name=test.name, description=test.description, task_id=task_id, status=DataTestStatus.INITIAL
    )
    if not over:
        return ShapeResponse(answer, 202)
    not_run = {"could_not_run": True, "error_msg": "not run: its task ended before the test started"}
    return ShapeResponse(answer.model_copy(update=not_run), 500)


_EXECUTE_CODES = {DataTestStatus.SUCCESS: 200, DataTestStatus.IN_PROGRESS: 202, DataTestStatus.FAILED: 500}


Answer = TypeVar("Answer", bound=DataTestExecuted)


def _answer(shape: type[Answer], task_id: str, test: DataTest | None, kept: KeptDataTest) -> Answer:
    return shape(
        test_name=kept.result.test_name,
        description=test.description if test else "",
        task_id=task_id,
        status=kept.result.status,
        **_outcome(kept),
    )


async def get_test_data(request: Request) -> Response:
    name, page, as_arrays = request.path_params["test_name"], page_of(request), wants_arrays(request)
    asked = AskedTask.of_query(request)

    def unknown(missing: Missing, status: DataTestStatus) -> DataTestData:
        return DataTestData(test_name=name, task_id=asked.task_id or "", status=status, error_msg=missing.error)

    found = await kept_violations(
        request,
        unknown_test=partial(unknown, status=DataTestStatus.NOT_FOUND),
        unknown_task=partial(unknown, status=DataTestStatus.INITIAL),
    )
    if found is None:
        return Response(status_code=204)
    about = _answer(DataTestData, found.task.summary.task_id, found.test, found.kept)
    arrays = DataTestRows(
        **about.model_dump(exclude={"columns", "data", "matching_records"}), attempt=found.task.attempt
    )
    if found.content is None:
        return ShapeResponse(arrays if as_arrays else about)

    def failed(reason: str) -> DataTestData:
        return about.model_copy(update={"error_msg": reason})

    if as_arrays:
        return await rows_answer(request, found.content, page, lambda rows: array_rows(arrays, rows, page), failed)
    is_filtered = bool(asked_rows(request).filters)
    return await rows_answer(request, found.content, page, lambda rows: _objects(about, rows, is_filtered), failed)


def _objects(about: DataTestData, rows: FoundRows, is_filtered: bool) -> Rows:
    columns = tuple(column.name for column in rows.columns)
    facts = {"columns": columns, "matching_records": rows.matching if is_filtered else None}
    return json_rows(about.model_copy(update=facts), "data", row_chunks(rows.batches, columns), rows.resources)


ENDPOINTS = (
    Endpoint(
        "GET", "/api/tests", get_tests, "Every data test with its SQL and its status.", {200: DataTests}, tag="tests"
    ),
    Endpoint(
        "GET",
        "/api/tests/results/{task_id:path}",
        get_results,
        "The data tests of a task's newest attempt, or of a given one, with their results.",
        {200: TaskDataTests, 400: Error, 404: Error},
        queries=(Query("attempt", "an earlier attempt, counted from 1", "integer", least=1),),
        tag="tests",
    ),
    Endpoint(
        "POST",
        "/api/tests/execute/{test_name}",
        post_execute_test,
        "Run one data test alone; answers within 10 seconds.",
        {
            200: DataTestExecuted,
            202: DataTestExecuted,
            400: Error,
            404: DataTestExecuted,
            409: Error,
            413: Error,
            415: Error,
            429: Error,
            500: DataTestExecuted,
        },
        request=ExecuteRequest,
        tag="tests",
    ),
    Endpoint(
        "GET",
        "/api/tests/data/{test_name}",
        get_test_data,
        "The rows that violate a data test, as found by its newest execution or by a given task.",
        {
            200: DataTestData,
            204: None,
            400: Error,
            404: DataTestData,
            500: DataTestData,
            503: DataTestData,
            504: DataTestData,
        },
        queries=(
            Query("taskId", "the rows that this task found", names_task=True),
            Query("attempt", "with taskId: those of this attempt; the newest if not given", "integer", least=1),
            Query("offset", "rows to leave out", "integer", least=0),
            Query("limit", "the maximum number of rows; by default, all that are kept", "integer", least=0),
            FILTER,
            SORT,
            FORMAT,
        ),
        other_answers=(DataTestRows,),
        tag="tests",
    ),
)
