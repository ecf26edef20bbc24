"""Log entries with Teal's names of fields beside dagscope's (docs/teal.md).

Entries are sent as they were recorded, thousands at once, so the names are added to their text. A quote inside a value
is always escaped there: what looks like a key is one, of the entry or of something in it.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dagscope.server.api import log_endpoints
from dagscope.server.http.request_reading import task_id_of, workspace_of
from dagscope.server.teal.around import in_place_of

_TEXT = r'"(?:[^"\\]|\\.)*"'
_NAMED = re.compile(rf'(?<=[{{,])"(asset|test)":({_TEXT})')
_TASK = re.compile(rf'(?<=[{{,])"taskId":({_TEXT})')


async def get_task_logs(request: Request) -> Response:
    return await _translated(request, await log_endpoints.get_task_logs(request), task_id_of(request))


async def get_all_logs(request: Request) -> Response:
    return await _translated(request, await log_endpoints.get_all_logs(request))


async def _translated(request: Request, response: Response, task_id: str | None = None) -> Response:
    """The answer about one task, or about all."""
    async with workspace_of(request).reader.moment() as moment:
        uuids = await moment.uuids(task_id)
    if not isinstance(response, StreamingResponse):
        text = await run_in_threadpool(_with_names, bytes(response.body).decode(), uuids)
        return Response(text, response.status_code, media_type="application/json")
    chunks = response.body_iterator

    async def translated() -> AsyncIterator[str]:
        async for chunk in chunks:
            text = chunk if isinstance(chunk, str) else bytes(chunk).decode()
            yield await run_in_threadpool(_with_names, text, uuids)

    return StreamingResponse(translated(), media_type="application/json")


def _with_names(chunk: str, uuids: Mapping[str, str]) -> str:
    """The entries, all of one task, with `assetName`, `testName` and `taskUUID`."""
    named = _NAMED.sub(r'\g<0>,"\1Name":\2', chunk)
    task = _TASK.search(named)
    uuid = uuids.get(json.loads(task[1])) if task else None
    return named.replace(task[0], f'{task[0]},"taskUUID":{json.dumps(uuid)}') if task and uuid else named


_in_place_of = partial(in_place_of, log_endpoints.ENDPOINTS)

ENDPOINTS = (
    _in_place_of(log_endpoints.get_all_logs, get_all_logs, {}),
    _in_place_of(log_endpoints.get_task_logs, get_task_logs, {}),
)
