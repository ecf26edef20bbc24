"""Summaries and downloads of the rows of an asset, and of those that violate a data test."""

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.frames import Value
from dagscope.server.api.found_rows import RowSource
from dagscope.server.api.kept_rows import CAPTURED, KeptData, kept_data, kept_violations
from dagscope.server.api.row_answers import file_answer, summary_answer
from dagscope.server.api.row_files import FileFormat
from dagscope.server.http.answers import Refused
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.row_requests import FILTER, SORT
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.rows import DataSummary


async def get_asset_summary(request: Request) -> Response:
    data = await kept_data(request)
    if data is None:
        return Response(status_code=204)
    return await summary_answer(request, _rows(data), data.key_fields)


async def get_asset_download(request: Request) -> Response:
    data = await kept_data(request)
    if data is None:
        return Response(status_code=204)
    return await file_answer(request, _rows(data), data.name)


def _rows(data: KeptData) -> RowSource:
    if isinstance(data.content, Value):
        details = f"its data is of type {data.content.data_type}; GET /api/dag/asset/{data.name}/data returns it"
        raise Refused(400, Error(error=f'"{data.name}" has no rows', details=details))
    return data.content


async def get_test_summary(request: Request) -> Response:
    found = await kept_violations(request)
    if found is None or found.content is None:
        return Response(status_code=204)
    return await summary_answer(request, found.content, ())


async def get_test_download(request: Request) -> Response:
    found = await kept_violations(request)
    if found is None or found.content is None:
        return Response(status_code=204)
    return await file_answer(request, found.content, found.kept.result.test_name)


_FAILURES: dict[int, type[BaseModel] | None] = {204: None, 400: Error, 404: Error, 500: Error, 503: Error, 504: Error}
_TASK = (
    Query("taskId", "the rows as this task left them", names_task=True),
    Query("attempt", "with taskId: as this attempt of it left them; the newest if not given", "integer", least=1),
)
_FILE_TYPES = tuple(format_.media_type.partition(";")[0] for format_ in FileFormat)
_AS = Query("as", "the format of the file", choices=tuple(FileFormat), is_required=True)

ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/data/summary",
        get_asset_summary,
        "What the values of each column of an asset's rows are like.",
        {200: DataSummary, **_FAILURES},
        queries=(*_TASK, CAPTURED, FILTER),
        tag="asset",
    ),
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/data/download",
        get_asset_download,
        "The rows of an asset as a file: JSON Lines, CSV, Parquet or Arrow.",
        {200: None, **_FAILURES},
        queries=(*_TASK, CAPTURED, FILTER, SORT, _AS),
        media_types=_FILE_TYPES,
        tag="asset",
    ),
    Endpoint(
        "GET",
        "/api/tests/data/{test_name}/summary",
        get_test_summary,
        "What the values of each column of the rows that violate a data test are like.",
        {200: DataSummary, **_FAILURES},
        queries=(*_TASK, FILTER),
        tag="tests",
    ),
    Endpoint(
        "GET",
        "/api/tests/data/{test_name}/download",
        get_test_download,
        "The rows that violate a data test as a file: JSON Lines, CSV, Parquet or Arrow.",
        {200: None, **_FAILURES},
        queries=(*_TASK, FILTER, SORT, _AS),
        media_types=_FILE_TYPES,
        tag="tests",
    ),
)
