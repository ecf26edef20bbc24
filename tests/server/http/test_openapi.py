"""The OpenAPI document."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dagscope.server.app import API
from tests.doors import AppDoor


@pytest.fixture
def app(hello: Path) -> Any:
    """The hello project behind the app."""
    opened = AppDoor(hello)
    yield opened
    opened.stop()


def schema_of(document: dict[str, Any], path: str, method: str, code: int) -> dict[str, Any]:
    content = document["paths"][path][method]["responses"][str(code)]["content"]
    return {**content["application/json"]["schema"], "components": document["components"]}


def test_every_endpoint(app: AppDoor) -> None:
    """The document is OpenAPI 3.1 and has every endpoint with every status code that it returns."""
    document = app.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    listed = {
        (method.upper(), path, int(code))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for code in operation["responses"]
    }
    own = {(e.method, e.path.replace(":path}", "}"), code) for e in API for code in e.responses}
    other_paths = {(method, path, code) for method, path, _ in own if "{" in path for code in (404, 405)}
    refused = {(method, path, code) for method, path, _ in own for code in (400, 401, 403)}
    assert listed == own | other_paths | refused - {("GET", "/healthz", 401), ("GET", "/healthz", 403)}


def test_bounds(app: AppDoor) -> None:
    """The bounds of numbers and of task ids are in the document, and are those that the server has."""
    paths = app.get("/openapi.json").json()["paths"]
    number = {"type": "integer", "maximum": 10**18 - 1}
    found = {p["name"]: p["schema"] for p in paths["/api/dag/asset/{name}/data"]["get"]["parameters"]}
    assert (found["limit"], found["attempt"]) == ({**number, "minimum": 0}, {**number, "minimum": 1})
    assert found["taskId"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 4096,
        "pattern": r"^[^/\\\x00-\x1f\x7f-\x9f]+$",
        "not": {"enum": [".", ".."]},
    }
    for query, code in (("limit=0", 200), ("limit=-1", 400), (f"limit={10**18 - 1}", 200), (f"limit={10**18}", 400)):
        app.run("t")
        assert app.get(f"/api/dag/asset/dds.world/data?{query}").status_code == code


def test_allow(app: AppDoor) -> None:
    """A 405 names all methods of its path in one header."""
    assert app.request("PATCH", "/api/logs/t").headers.get_list("Allow") == ["DELETE, GET, HEAD"]
    assert app.request("GET", "/api/dag/run").headers.get_list("Allow") == ["POST"]
    for method in ("PATCH", "DELETE"):
        answer = app.request(method, "/api/logs/t/download")
        assert (answer.status_code, answer.headers.get_list("Allow")) == (405, ["GET, HEAD"])


def test_whole_numbers(app: AppDoor) -> None:
    """A number such as 1.0 is whole, as JSON Schema has it; one with a fraction or in quotes is not."""
    app.run("t")
    path = "/api/dag/asset/dds.world/preview"
    assert app.post(path, {"limit": 1.0}).json()["limit"] == 1
    for limit in (1.5, "1", True, -1):
        assert app.post(path, {"limit": limit}).status_code == 400, limit


def test_answers_fit_the_document(app: AppDoor) -> None:
    """Real answers match the schemas that the document gives for them."""
    document = app.get("/openapi.json").json()
    ran = app.run("t", profile=True).json()
    jsonschema.validate(ran, schema_of(document, "/api/dag/run", "post", 200))
    for path, url in (
        ("/api/dag", "/api/dag"),
        ("/api/dag/status/{task_id}", "/api/dag/status/t"),
        ("/api/dag/tasks", "/api/dag/tasks"),
        ("/api/dag/asset/{name}/data", "/api/dag/asset/dds.world/data"),
        ("/api/dag/asset/{name}/statements", "/api/dag/asset/dds.world/statements"),
        ("/api/tests", "/api/tests"),
        ("/api/tests/{name}/statements", "/api/tests/dds.test_world_count/statements?tokens=true"),
        ("/api/dag/asset/{name}/sql", "/api/dag/asset/dds.world/sql"),
        ("/api/tests/{name}/sql", "/api/tests/dds.test_world_count/sql"),
        ("/api/logs/{task_id}", "/api/logs/t"),
        ("/api/logs/{task_id}", "/api/logs/t?level=info&q=world"),
        ("/api/logs", "/api/logs"),
    ):
        jsonschema.validate(app.get(url).json(), schema_of(document, path, "get", 200))
