"""`GET /api/dag/layout`."""

from pathlib import Path

import pytest

from dagscope.server.workspace.reload import reload
from tests.doors import AppDoor, OpenDoor
from tests.projects import copy_example, model, write_project


def test_layout_of_hello(hello: Path, opened: OpenDoor) -> None:
    """The layout of two assets in two stages, in full."""
    answer = opened(hello).get("/api/dag/layout")
    body = answer.json()
    assert answer.headers["etag"] == f'"{body.pop("graphHash")}"'
    assert body == {
        "width": 352,
        "height": 140,
        "nodeWidth": 132,
        "nodeHeight": 64,
        "stages": [{"name": "staging", "x": 12, "width": 156}, {"name": "dds", "x": 184, "width": 156}],
        "nodes": [{"name": "staging.hello", "x": 24, "y": 52}, {"name": "dds.world", "x": 196, "y": 52}],
        "edges": [{"upstream": "staging.hello", "downstream": "dds.world", "points": [156, 84, 196, 84]}],
    }


def test_layout_has_the_dag(tmp_path: Path, opened: OpenDoor) -> None:
    """The layout has the assets and edges of the DAG, and its stages from left to right."""
    door = opened(copy_example("nycflights", tmp_path))
    layout, dag = door.get("/api/dag/layout").json(), door.get("/api/dag").json()
    assert {node["name"] for node in layout["nodes"]} == {node["name"] for node in dag["nodes"]}
    assert {(edge["upstream"], edge["downstream"]) for edge in layout["edges"]} == {
        (upstream, node["name"]) for node in dag["nodes"] for upstream in node["upstreams"]
    }
    assert [stage["name"] for stage in layout["stages"]] == ["staging", "dds", "mart"]


def test_unchanged_layout_is_not_sent_again(hello: Path, opened: OpenDoor) -> None:
    """A client that names the layout it has gets 304 without a body."""
    door = opened(hello)
    tag = door.get("/api/dag/layout").headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = door.get("/api/dag/layout", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert door.get("/api/dag/layout", headers={"If-None-Match": '"other"'}).status_code == 200


def reload_with(door: AppDoor, path: str, sql: str) -> None:
    (door.folder / path).write_text(sql, encoding="utf-8")
    assert door.client.portal is not None
    door.client.portal.call(reload, door.client.app.state.workspace)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("sql", "is_same"), [("SELECT 2 AS n", True), ('SELECT n FROM {{ Ref("s.a") }}', False)])
def test_layout_follows_the_graph(tmp_path: Path, opened: OpenDoor, sql: str, is_same: bool) -> None:
    """The layout changes when an edge does, and stays when only SQL does."""
    files = {model("s.a"): "SELECT 1 AS n", model("s.b"): "SELECT 1 AS n"}
    door = opened(write_project(tmp_path, files))
    before = door.get("/api/dag/layout")
    reload_with(door, model("s.b"), sql)
    after = door.get("/api/dag/layout")
    assert (after.headers["etag"] == before.headers["etag"]) is is_same
    assert (after.text == before.text) is is_same
    assert len(after.json()["edges"]) == (0 if is_same else 1)
