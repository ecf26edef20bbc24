"""Invalid input gets a clear answer, and nothing is lost (contract, Task and node status)."""

from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, Serve

RUN = "/api/dag/run"


@pytest.fixture
def app(hello: Path) -> Any:
    """The hello project behind the app."""
    opened = AppDoor(hello)
    yield opened
    opened.stop()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "not valid JSON: EOF while parsing a value at line 1 column 0"),
        ("{", "not valid JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", "the body must be a JSON object"),
        ('{"taskId": NaN}', "not valid JSON: expected value at line 1 column 12"),
        ('{"taskId": "\\ud800"}', "not valid JSON: unexpected end of hex escape at line 1 column 19"),
        ('{"taskId": 5}', "field 'taskId' must be a string"),
        ('{"taskId": "t", "data": []}', "field 'data' must be an object"),
        ('{"taskId": "t", "data": {"n": 1e400}}', "field 'data.n' must be a number of at most 1.8e308"),
        ('{"taskId": "t", "runTests": "no"}', "field 'runTests' must be true or false"),
        ('{"taskId": ""}', "taskId must have 1 to 4096 characters, found 0"),
        ('{"taskId": "."}', 'taskId cannot be "."'),
        ('{"taskId": "a/b"}', "taskId cannot contain the character '/'"),
        ('{"taskId": "a\\\\b"}', "taskId cannot contain the character '\\\\'"),
        ('{"taskId": "a\\u0085b"}', "taskId cannot contain the character '\\x85'"),
        ('{"task_id": "t"}', "missing required field 'taskId'"),
    ],
)
def test_bad_bodies(app: AppDoor, body: str, error: str) -> None:
    """An invalid body gives 400, and the error says what is valid."""
    answer = app.request("POST", RUN, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid request format: {error}"})


def test_too_long_a_task_id(app: AppDoor) -> None:
    """A task id of 4,096 characters is accepted, a longer one is not."""
    assert app.run("é" * 4_096).status_code == 200
    assert app.get(f"/api/dag/status/{'é' * 4_096}").status_code == 200
    assert app.run("x" * 4_097).json()["error"].endswith("taskId must have 1 to 4096 characters, found 4097")


def test_a_long_task_id_over_http(hello: Path, serve: Serve) -> None:
    """The longest task id passes a real server's limit of header bytes, percent-encoded."""
    server = serve(hello)
    task_id = "\N{GRINNING FACE}" * 4_096
    assert server.run(task_id).status_code == 200
    assert server.get(f"/api/dag/status/{task_id}").json()["taskId"] == task_id


@pytest.mark.parametrize("task_id", ["a%2Fb", "a%5Cb", "%00", "a/b", "%7F"])
@pytest.mark.parametrize("path", ["/api/dag/status/", "/api/logs/"])
def test_bad_task_ids_in_paths(app: AppDoor, path: str, task_id: str) -> None:
    """A path with an invalid task id gives 400."""
    assert app.get(path + task_id).status_code == 400


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_not_json_by_type(app: AppDoor, content_type: str | None) -> None:
    """A body whose content type is not JSON gives 415."""
    headers = {"content-type": content_type} if content_type else {}
    answer = app.request("POST", RUN, content='{"taskId": "t"}', headers=headers)
    found = f'"{content_type}"' if content_type else "none"
    assert answer.status_code == 415
    assert answer.json() == {"error": "Unsupported media type", "details": f"send application/json, found {found}"}
    assert app.get("/api/dag/tasks").json()["total"] == 0


def test_too_large_a_body(app: AppDoor) -> None:
    """A body over the limit gives 413, and nothing starts."""
    answer = app.run("t", data={"much": "x" * 1_048_576})
    assert answer.status_code == 413
    assert answer.json() == {"error": "Content too large", "details": "a body can have at most 1048576 bytes"}
    assert app.get("/api/dag/tasks").json()["total"] == 0


@pytest.mark.parametrize("query", ["offset=-1", "limit=x", "limit=1.5", "offset=", f"limit={'9' * 30}"])
def test_bad_pages(app: AppDoor, query: str) -> None:
    """An invalid page gives 400, and the error names the parameter."""
    app.run("t")
    answer = app.get(f"/api/dag/asset/staging.hello/data?{query}")
    name, _, value = query.partition("=")
    assert answer.status_code == 400
    assert answer.json()["error"] == (
        f"Invalid request format: '{name}' must be a whole number of 0 or more, found {value!r}"
    )


def test_a_bad_cursor(app: AppDoor) -> None:
    """A cursor that no answer returned gives 400."""
    answer = app.get("/api/dag/tasks?cursor=abc")
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Invalid request format: 'cursor' must be the 'cursor' of an earlier answer"},
    )


def test_no_such_endpoint(app: AppDoor) -> None:
    """An unknown path gives 404 and says where to look; a wrong method gives 405 with the right ones."""
    answer = app.get("/api/nothing")
    assert (answer.status_code, answer.json()) == (
        404,
        {"error": "Not Found", "details": "GET /api/nothing: no such endpoint; /openapi.json lists all endpoints"},
    )
    answer = app.delete("/api/dag")
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    assert answer.json() == {"error": "Method Not Allowed", "details": "DELETE is not allowed here"}


def test_a_trailing_slash_is_no_redirect(app: AppDoor) -> None:
    """No path is redirected to another."""
    assert app.get("/api/dag/").status_code == 404


def test_unknown_keys(app: AppDoor) -> None:
    """Keys that the spec does not have are ignored, because other clients of that API send some."""
    assert app.run("t", extra={"a": 1}).status_code == 200
