"""When answers have Teal's shapes, and when they have dagscope's own (docs/teal.md)."""

from pathlib import Path

from tests.doors import AppDoor, OpenDoor

OWN = {"Dagscope-Dialect": "none"}


def test_a_request_for_dagscopes_own_shapes(teal: AppDoor) -> None:
    """A request that asks for them gets dagscope's own shapes, as the page and `dagscope run` do."""
    answer = teal.post("/api/dag/run", {"taskId": "monday"}, headers=OWN)
    assert (answer.status_code, answer.json()["status"]) == (500, "FAILED")
    names = {node["name"] for node in teal.get("/api/dag/status/monday", headers=OWN).json()["nodes"]}
    assert "Executing dds.world" in names
    assert teal.post("/api/dag/asset/dds.world/mutate", {"taskId": "look"}, headers=OWN).status_code == 404


def test_without_the_dialect(hello: Path, opened: OpenDoor) -> None:
    """Without the dialect there is no trace of it: no mutate, and the document describes none of its shapes."""
    door = opened(hello)
    assert door.post("/api/dag/asset/dds.world/mutate", {"taskId": "look"}).status_code == 404
    assert "Teal" not in door.get("/openapi.json").text


def test_the_document_describes_the_dialect(teal: AppDoor) -> None:
    """With the dialect, the OpenAPI document and the list of endpoints describe what is answered."""
    document = teal.get("/openapi.json").json()
    status = document["paths"]["/api/dag/status/{task_id}"]["get"]["responses"]["200"]["content"]["application/json"]
    assert status["schema"] == {"$ref": "#/components/schemas/TealTask"}
    assert "/api/dag/asset/{name}/mutate" in document["paths"]
    assert "/api/dag/asset/{name}/mutate" in teal.get("/api").text


def test_a_server_that_only_reads(folder: Path, opened: OpenDoor) -> None:
    """A read-only server refuses in this dialect too what changes something."""
    answer = opened(folder, dialect="teal-v1", read_only=True).post("/api/dag/asset/dds.world/mutate", {"taskId": "x"})
    assert (answer.status_code, answer.json()["error"]) == (403, "This server is read-only")
