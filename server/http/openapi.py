"""`/openapi.json`: an OpenAPI 3.1 document generated from the endpoints and the shapes that they use."""

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from dagscope.dag.ground.version import VERSION
from dagscope.server.http.endpoint import Endpoint

_REASONS = {
    200: "Success.",
    202: "Not finished yet.",
    204: "There is nothing to return.",
    400: "The request is invalid.",
    401: "The token is missing or wrong.",
    403: "The server belongs to another organization or deployment.",
    404: "Not found.",
    409: "Not possible in the current state.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    500: "The operation failed.",
    501: "Log entries are switched off.",
    503: "The state cannot be written.",
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
        shape for endpoint in listed for shape in (endpoint.request, *endpoint.responses.values()) if shape is not None
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
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", path)
        ]
        + [
            {"name": query.name, "in": "query", "description": query.description, "schema": {"type": query.type}}
            for query in endpoint.queries
        ],
        "responses": {str(code): _response(endpoint, code, shape) for code, shape in endpoint.responses.items()},
    }
    if endpoint.request is not None:
        operation["requestBody"] = {"required": endpoint.request_required, "content": _content(endpoint.request)}
    return operation


def _response(endpoint: Endpoint, code: int, shape: type[BaseModel] | None) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _REASONS[code]}
    if shape is not None:
        response["content"] = _content(shape)
    elif code == 200:
        response["content"] = {endpoint.media_type: {}}
    return response


def _content(shape: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}
