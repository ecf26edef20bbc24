"""Reading requests: bodies, path parameters, query parameters; each refusal says what would be right."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json
from starlette.requests import Request

from dagscope.dag.events.task_ids import check_task_id
from dagscope.dag.ground.json_text import exact_json
from dagscope.server.http.answers import Refused, bad_request
from dagscope.server.http.pages import Page
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.tasks import RunRequest
from dagscope.server.workspace.workspace import Workspace

LARGEST_NUMBER = 10**18 - 1
"""Of a query parameter."""

Body = TypeVar("Body", bound=BaseModel)


def workspace_of(request: Request) -> Workspace:
    workspace: Workspace = request.app.state.workspace
    return workspace


async def read_body(request: Request, model: type[Body], may_be_empty: bool = False) -> Body:
    """The JSON body as `model`. Refuses a type other than JSON with 415, and an invalid body with 400."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if may_be_empty and not has_body:
        return model()
    _refuse_other_media(request)
    return _fitted(await _read_all(request), model)


async def read_run(request: Request) -> RunRequest:
    """The JSON body of a run, with all digits of the numbers in its data. Refuses as `read_body` does."""
    _refuse_other_media(request)
    text = await _read_all(request)
    body = _fitted(text, RunRequest)
    return body.model_copy(update={"data": exact_json(text)["data"]}) if body.data else body


def _refuse_other_media(request: Request) -> None:
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        found = f'"{content_type}"' if content_type else "none"
        raise Refused(415, Error(error="Unsupported media type", details=f"send application/json, found {found}"))


def _fitted(text: bytes, model: type[Body]) -> Body:
    try:
        values = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise bad_request(f"not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise bad_request("the body must be a JSON object")
    try:
        return model.model_validate(values, by_name=False, by_alias=True)
    except ValidationError as error:
        raise bad_request(_first_fault(error)) from error


async def _read_all(request: Request) -> bytes:
    """The body. Refuses one over the limit with 413, without reading any further."""
    limit = workspace_of(request).settings.body_limit_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, Error(error="Content too large", details=f"a body can have at most {limit} bytes"))
    return bytes(body)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    path = fault["loc"][:-1] if fault["type"] == "finite_number" else fault["loc"]  # whose last part is "float"
    field = ".".join(map(str, path))
    if fault["type"] == "missing":
        return f"missing required field '{field}'"
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    if fault["type"] == "extra_forbidden":
        return f"unknown field '{field}'"
    return f"field '{field}' must be {_expected(fault)}"


def _expected(fault: ErrorDetails) -> str:
    match fault["type"]:
        case "string_type":
            return "a string"
        case "dict_type":
            return "an object"
        case "bool_type":
            return "true or false"
        case "int_type":
            return "a whole number"
        case "finite_number":
            return "a number of at most 1.8e308"
        case "greater_than_equal":
            return f"{fault['ctx']['ge']} or more"
        case "less_than_equal":
            return f"{fault['ctx']['le']} or less"
        case "enum" | "literal_error":
            return str(fault["ctx"]["expected"])
    return fault["msg"]


def task_id_of(request: Request) -> str:
    """The task id in the path. Refuses an invalid one with 400."""
    task_id: str = request.path_params["task_id"]
    if not task_id:
        raise Refused(400, Error(error="taskId is required"))
    return checked_task_id(task_id)


def checked_task_id(task_id: str) -> str:
    try:
        return check_task_id(task_id)
    except ValueError as error:
        raise bad_request(str(error)) from error


def asked_task_id(request: Request, name: str = "taskId") -> str | None:
    """The task id in the query; None if it is not given. Refuses an invalid one with 400."""
    task_id = request.query_params.get(name)
    return checked_task_id(task_id) if task_id is not None else None


def page_of(request: Request) -> Page:
    """The rows requested with `offset` and `limit`. The answer reports the page if the query names one, or a task."""
    is_reported = not request.query_params.keys().isdisjoint({"taskId", "offset", "limit"})
    return Page(whole_number(request, "offset") or 0, whole_number(request, "limit"), is_reported)


def whole_number(request: Request, name: str, least: int = 0, most: int = LARGEST_NUMBER) -> int | None:
    """A query parameter that is a whole number from `least` to `most`; None if it is not given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not least <= int(text) <= most:
        range_text = f"of {least} or more" if most == LARGEST_NUMBER else f"from {least} to {most}"
        raise bad_request(f"'{name}' must be a whole number {range_text}, found {text!r}")
    return int(text)


def is_asked(request: Request, name: str) -> bool:
    """A query parameter that is `true` or `false`; false if it is not given."""
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise bad_request(f"'{name}' must be true or false, found {text!r}")
    return text == "true"
