"""The SQL of assets and data tests as lines of highlighted code (docs/http-api/assets.md)."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.project.project import Project
from dagscope.server.api.code_lines import python_lines, sql_lines
from dagscope.server.api.compiled_queries import compiled_query, compiled_test, existing_relations
from dagscope.server.http.answers import Refused, around
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.http.lookups import asset_named, data_test_named
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.code import AssetSql, DataTestSql


async def get_asset_sql(request: Request) -> Response:
    workspace = workspace_of(request)
    project = workspace.project
    asset = asset_named(project, request.path_params["name"])
    async with workspace.reader.moment() as moment:
        now = await moment.asset(asset.name)
    existing = await existing_relations(request, project, [asset])

    def body() -> str:
        if asset.template is None:
            return _body(_python_shape(asset), _python(project, asset), "[]")
        select, referable = project.redaction.text(asset.template.source), (asset.name, *asset.upstreams)
        compiled = compiled_query(project, asset, now, existing)
        shape = AssetSql(path=asset.path, first_line=asset.template.first_line, select=(), compiled=())
        return _body(shape, sql_lines(select, referable), sql_lines(compiled, referable))

    return Response(await run_in_threadpool(body), media_type="application/json")


async def get_test_sql(request: Request) -> Response:
    project = workspace_of(request).project
    test = data_test_named(project, request.path_params["name"])
    return Response(await run_in_threadpool(_test_body, project, test), media_type="application/json")


def _python_shape(asset: Asset) -> AssetSql:
    return AssetSql(path=asset.path, first_line=1, select=(), compiled=())


def _python(project: Project, asset: Asset) -> str:
    """The file of a raw asset, which is read when it runs and when it is shown. Refuses with 500 if it cannot be."""
    try:
        code = (project.folder / asset.path).read_bytes()
    except OSError as error:
        raise Refused(500, Error(error=f"{asset.path} cannot be read", details=error.strerror)) from error
    return python_lines(project.redaction.text(code.decode("utf-8-sig", "replace")))


def _test_body(project: Project, test: DataTest) -> str:
    select = project.redaction.text(test.template.source)
    shape = DataTestSql(path=test.path, first_line=test.template.first_line, select=(), sql=())
    return _body(shape, sql_lines(select, test.references), sql_lines(compiled_test(project, test), test.references))


def _body(shape: AssetSql | DataTestSql, first: str, second: str) -> str:
    """The shape with its two fields of code, which are its last ones and JSON already."""
    fields = list(type(shape).model_fields)
    head, _ = around(shape, fields[-2])
    return f'{head}{first},"{fields[-1]}":{second}}}'


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/dag/asset/{name}/sql",
        get_asset_sql,
        "An asset's SQL as it is written and as the next run sends it, highlighted; a raw asset's Python.",
        {200: AssetSql, 404: Error, 500: Error, 503: Error, 504: Error},
        tag="asset",
    ),
    Endpoint(
        "GET",
        "/api/tests/{name}/sql",
        get_test_sql,
        "A data test's SQL as it is written and as the next run sends it, highlighted.",
        {200: DataTestSql, 404: Error},
        tag="tests",
    ),
)
