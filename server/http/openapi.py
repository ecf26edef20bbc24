"""`/openapi.json`: an OpenAPI 3.1 document generated from the endpoints and the shapes that they use."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.version import VERSION
from dagscope.server.http.endpoint import Endpoint, Query
from dagscope.server.http.request_reading import LARGEST_NUMBER
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.tasks import TASK_ID_SCHEMA

_IN_A_PATH = r"[^/\x00-\x1f\x7f-\x9f]"

_REASONS = {
    200: "Success.",
    202: "Not finished yet.",
    204: "There is nothing to return.",
    304: "It has not changed.",
    400: "The request is invalid.",
    401: "The token is missing or wrong.",
    403: "Not for this name, page, organization or deployment, or the server is read-only.",
    404: "There is no such thing.",
    405: "The path takes another method.",
    409: "Not now.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "Too many tasks are waiting, or too many streams are open.",
    500: "It failed.",
    501: "Switched off.",
    503: "Not now: too much is being read, or the state cannot be written.",
    504: "The database was not read in time.",
}


def openapi_endpoint(endpoints: Iterable[Endpoint]) -> Endpoint:
    """The endpoint that describes all others."""
    described = tuple(endpoints)

    @cache
    def text() -> str:
        return json.dumps(openapi_document(described), ensure_ascii=False)

    async def get_openapi(_: Request) -> Response:
        return Response(text(), media_type="application/json")

    return Endpoint("GET", "/openapi.json", get_openapi, "This document.", {200: None}, tag="about")


def openapi_document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The document as JSON data."""
    listed = list(endpoints)
    shapes = {
        shape
        for endpoint in listed
        for shape in (Error, endpoint.request, *endpoint.responses.values(), *endpoint.other_answers)
        if shape is not None
    }
    modes = [(shape, "serialization") for shape in sorted(shapes, key=lambda shape: shape.__name__)]
    _, definitions = models_json_schema(modes, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in listed:
        path = re.sub(r"\{(\w+):path\}", r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "dagscope", "version": VERSION, "summary": "A debug server for DAGs of SQL assets."},
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {})},
    }


def _operation(endpoint: Endpoint, path: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": endpoint.handler.__name__,
        "tags": [endpoint.tag],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _path_schema(name)}
            for name in re.findall(r"\{(\w+)\}", path)
        ]
        + [
            {
                "name": query.name,
                "in": "query",
                "description": query.description,
                **({"required": True} if query.is_required else {}),
                "schema": _query_schema(query),
            }
            for query in endpoint.queries
        ],
        "responses": {str(code): _response(endpoint, code, shape) for code, shape in endpoint.responses.items()},
    }
    _describe_refusals(operation["responses"], is_open=path == "/healthz")
    if "{" in path:
        _describe_other_paths(operation["responses"])
    if endpoint.request is not None:
        operation["requestBody"] = {"required": endpoint.request_required, "content": _content(endpoint.request)}
    return operation


def _path_schema(name: str) -> dict[str, Any]:
    if name == "task_id":
        return {"type": "string", **TASK_ID_SCHEMA}
    return {"type": "string", "minLength": 1, "pattern": f"^{_IN_A_PATH}+$"}


def _text_schema(query: Query) -> dict[str, Any]:
    if query.names_task:
        return {"type": "string", **TASK_ID_SCHEMA}
    bounds = {"minLength": 1 if query.is_required else None, "pattern": query.pattern, "maxLength": query.longest}
    return {"type": "string", **{key: bound for key, bound in bounds.items() if bound is not None}}


def _query_schema(query: Query) -> dict[str, Any]:
    if query.is_repeated:
        return {"type": "array", "items": _query_schema(replace(query, is_repeated=False))}
    if query.choices:
        return {"type": "string", "enum": list(query.choices)}
    if query.type == "string":
        return _text_schema(query)
    bounds = {"minimum": query.least, "maximum": query.most or LARGEST_NUMBER} if query.least is not None else {}
    return {"type": query.type, **bounds}


def _describe_refusals(responses: dict[str, Any], is_open: bool) -> None:
    """What is refused before any endpoint is asked: what none of them could mean, and who is not let in."""
    for code in (400,) if is_open else (400, 401, 403):
        _add_error(responses, code)


def _describe_other_paths(responses: dict[str, Any]) -> None:
    """A name with a slash in it makes another path: one that no endpoint has, or that takes another method."""
    _add_error(responses, 404)
    allow = {"Allow": {"description": "The methods that the path takes.", "schema": {"type": "string"}}}
    responses["405"] = {"description": _REASONS[405], "headers": allow, "content": _content(Error)}


def _add_error(responses: dict[str, Any], code: int) -> None:
    """Describe that the code can come with an `Error`, besides what the endpoint itself answers with it."""
    own = responses.get(str(code))
    schemas = [own["content"]["application/json"]["schema"]] if own else []
    error = _content(Error)["application/json"]["schema"]
    if error not in schemas:
        schemas.append(error)
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    responses[str(code)] = {"description": _REASONS[code], "content": {"application/json": {"schema": schema}}}


def _response(endpoint: Endpoint, code: int, shape: type[BaseModel] | None) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _REASONS[code]}
    if shape is not None:
        response["content"] = _content(shape, *(endpoint.other_answers if code == 200 else ()))
    elif code == 200:
        response["content"] = {media_type: {} for media_type in endpoint.media_types}
    return response


def _content(shape: type[BaseModel], *others: type[BaseModel]) -> dict[str, Any]:
    references = [{"$ref": f"#/components/schemas/{each.__name__}"} for each in (shape, *others)]
    return {"application/json": {"schema": {"anyOf": references} if others else references[0]}}
