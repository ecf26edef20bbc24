"""`GET /api/dag/asset/{name}/execution`: what an execution of an asset ran, read and left."""

import json
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.events.node_records import Code, same_data
from dagscope.dag.model.assets import Asset
from dagscope.dag.project.project import Project
from dagscope.server.api.code_lines import python_lines, sql_lines
from dagscope.server.api.kept_rows import newest_execution
from dagscope.server.http.answers import around
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.lookups import AskedTask, asset_named, asset_or_gone
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.executions import AssetExecution, ExecutionColumn, ExecutionInput
from dagscope.storage.node_records import KeptRecord
from dagscope.storage.tasks import KeptAttempt


async def get_execution(request: Request) -> Response:
    workspace, name, asked = workspace_of(request), request.path_params["name"], AskedTask.of_query(request)
    project = workspace.project
    asset = asset_or_gone(project, name, asked)
    async with workspace.reader.moment() as moment:
        kept = await asked.find(moment)
        if kept is None:
            kept = await newest_execution(moment, await moment.asset(name))
        records = await moment.records.of_task(kept.summary.task_id, kept.attempt) if kept is not None else {}
        record = records.get(name)
        codes = await moment.records.codes([record.code]) if record is not None else {}
    if kept is None or record is None:
        asset_named(project, name)
        return Response(status_code=204)
    shape, code = _shape(name, kept, record, records, asset), codes.get(record.code)
    text = await run_in_threadpool(_body, project, asset, shape, code)
    return Response(text, media_type="application/json")


def _shape(
    name: str, kept: KeptAttempt, record: KeptRecord, records: Mapping[str, KeptRecord], asset: Asset | None
) -> AssetExecution:
    read = {**dict.fromkeys(asset.upstreams if asset is not None else (), ""), **record.upstreams}
    return AssetExecution(
        asset_name=name,
        task_id=kept.summary.task_id,
        attempt=kept.attempt,
        engine=record.engine,
        settings=json.loads(record.settings),
        rows=record.rows,
        fingerprint=record.fingerprint,
        captured_rows=record.captured.rows if record.captured is not None else None,
        note=record.note,
        columns=tuple(ExecutionColumn(name=each.name, type=each.type) for each in record.columns or ()),
        inputs=tuple(
            ExecutionInput(
                asset=upstream,
                fingerprint=fingerprint or None,
                is_of_task=same_data(records[upstream].fingerprint, fingerprint) if upstream in records else None,
            )
            for upstream, fingerprint in sorted(read.items())
        ),
    )


def _body(project: Project, asset: Asset | None, shape: AssetExecution, code: Code | None) -> str:
    """The answer, whose lines of code are JSON already."""
    source, sql = (code.source, code.sql) if code is not None else ("", "")
    if asset is not None and asset.template is not None:
        is_now = project.redaction.text(asset.template.source)[: len(source) or None] == source
        shape = shape.model_copy(update={"is_code_of_now": is_now})
    is_python = asset.is_raw if asset is not None else not sql
    names = (shape.asset_name, *(each.asset for each in shape.inputs))
    head, _ = around(shape, "code")
    lines = python_lines(source) if is_python else sql_lines(source, names)
    return f'{head}{lines},"sql":{sql_lines(sql, names) if sql else "[]"}}}'


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/execution",
        get_execution,
        "What the newest execution of an asset, or the one in a given task, ran, read and left.",
        {200: AssetExecution, 204: None, 400: Error, 404: Error},
        queries=(
            Query("taskId", "the execution in this task", names_task=True),
            Query("attempt", "with taskId: in this attempt of it; the newest if not given", "integer", least=1),
        ),
        tag="asset",
    ),
)
