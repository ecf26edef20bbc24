"""`GET /api/compare`: what differs between two tasks, and why nodes are red."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor
from tests.projects import CONFIG, block, model, write_project

FILES = {
    model("staging.a"): "SELECT range AS id, range % 7 AS value FROM range(100)",
    model("staging.b"): "SELECT range AS id FROM range({{ param('n', 10) }})",
    model("mart.sums"): block("tests: [{name: small}]\nprimary_key_fields: [value]")
    + 'SELECT value, count(*) AS n FROM {{ Ref("staging.a") }} GROUP BY value',
    model("mart.other"): 'SELECT * FROM {{ Ref("staging.b") }}',
    "assets/tests/mart/small.sql": 'SELECT * FROM {{ Ref("mart.sums") }} WHERE value > 6',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path, FILES)


def after_change(project: Path, opened: OpenDoor, files: Mapping[str, str], **body: Any) -> AppDoor:
    """The door after a run, a change of these files, and another run."""
    door = opened(project)
    assert door.run("before").json()["status"] == "SUCCESS"
    door.stop()
    write_project(project, {**FILES, **files})
    door.start()
    door.run("after", **body)
    return door


def compared(door: AppDoor, query: str = "") -> Any:
    answer = door.get(f"/api/compare{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def asset(comparison: Any, name: str) -> Any:
    (found,) = [each for each in comparison["assets"] if each["assetName"] == name]
    return found


def test_a_change_of_sql(project: Path, opened: OpenDoor) -> None:
    """The newest task is compared with the last green one, and its red node has the changed upstream as its cause."""
    changed = FILES[model("staging.a")].replace("% 7", "% 8")
    comparison = compared(after_change(project, opened, {model("staging.a"): changed}))
    assert (comparison["from"]["taskId"], comparison["to"]["taskId"]) == ("before", "after")
    assert asset(comparison, "staging.a")["sql"] == {
        "diff": f"@@ -1,1 +1,1 @@\n-{FILES[model('staging.a')]}\n+{changed}",
        "added": 1,
        "removed": 1,
    }
    assert asset(comparison, "staging.a")["rows"]["difference"] == {"added": 86, "removed": 86}
    sums = asset(comparison, "mart.sums")
    assert sums["rows"] == {
        "from": 7,
        "to": 8,
        "same": False,
        "difference": {"added": 1, "removed": 0, "changed": 7, "key": ["value"]},
    }
    assert sums["upstreams"] == ["staging.a"]
    assert sums["tests"] == [
        {"testName": "mart.small", "from": {"status": "SUCCESS"}, "to": {"status": "FAILED", "rowCount": 1}}
    ]
    assert comparison["red"] == [
        {
            "assetName": "mart.sums",
            "testNames": ["mart.small"],
            "message": "tests failed: mart.small (1 row)",
            "sentence": "staging.a: its SQL changed (+1 -1)",
            "causes": [
                {
                    "kind": "sql",
                    "assetName": "staging.a",
                    "sentence": "staging.a: its SQL changed (+1 -1)",
                    "evidence": [
                        "it has as many rows as before, but others",
                        "what changed and what failed both name value",
                        "nothing else that it reads has changed by itself",
                    ],
                }
            ],
        }
    ]
    assert asset(comparison, "mart.other")["rows"] == {"from": 10, "to": 10, "same": True}


def test_columns_parameters_and_settings(project: Path, opened: OpenDoor) -> None:
    """Columns, values of the run's data and settings of the connection that differ are listed with both values."""
    files = {
        model("staging.a"): "SELECT (range % 7)::VARCHAR AS value, 1 AS one FROM range(100)",
        "config.yaml": CONFIG + "      extraParams: [{name: default_null_order, value: nulls_first}]\n",
    }
    comparison = compared(after_change(project, opened, files, data={"n": 12}))
    assert asset(comparison, "staging.a")["columns"] == {
        "added": [{"name": "one", "type": "INTEGER"}],
        "removed": [{"name": "id", "type": "BIGINT"}],
        "retyped": [{"name": "value", "from": "BIGINT", "to": "VARCHAR"}],
    }
    other = asset(comparison, "staging.b")
    assert other["parameters"] == [{"name": "n", "to": "12"}]
    assert other["compiledSql"]["diff"].splitlines()[1:] == [
        "-SELECT range AS id FROM range(10)",
        "+SELECT range AS id FROM range(12)",
    ]
    assert other["rows"] == {"from": 10, "to": 12, "same": False, "difference": {"added": 2, "removed": 0}}
    assert other["settings"] == [{"name": "default_null_order", "to": "nulls_first"}]


def test_the_same_again(project: Path, opened: OpenDoor) -> None:
    """Two tasks of the same files have the same rows, nothing red, and no differences."""
    comparison = compared(after_change(project, opened, {}))
    assert comparison["red"] == []
    for each in comparison["assets"]:
        assert each["rows"]["same"] is True
        assert each.keys() - {"durationMs"} == {
            *("assetName", "fromState", "toState", "message", "rows"),
            *("tests", "upstreams", "parameters", "settings"),
        }


def test_one_asset(project: Path, opened: OpenDoor) -> None:
    """A comparison of one asset has no others, but the same causes."""
    door = after_change(project, opened, {model("staging.a"): "SELECT range AS id, 9 AS value FROM range(3)"})
    comparison = compared(door, "?asset=mart.sums&from=before&to=after")
    assert [each["assetName"] for each in comparison["assets"]] == ["mart.sums"]
    assert comparison["red"][0]["causes"][0]["assetName"] == "staging.a"


def test_an_asset_of_its_own_task(project: Path, opened: OpenDoor) -> None:
    """An asset that is executed alone is compared with the last task in which it was green."""
    door = after_change(project, opened, {})
    door.post("/api/dag/asset/mart.sums/execute", {"taskId": "alone"})
    comparison = compared(door)
    assert (comparison["from"]["taskId"], comparison["to"]["taskId"]) == ("after", "alone")
    assert [each["assetName"] for each in comparison["assets"]] == ["mart.sums", "staging.a", "staging.b", "mart.other"]
    assert asset(comparison, "mart.sums")["rows"]["same"] is True


def test_nothing_to_compare(project: Path, opened: OpenDoor) -> None:
    """What cannot be compared is 404, and an invalid task id 400; both say why."""
    door = opened(project)
    assert door.get("/api/compare").json() == {"error": "Task not found", "details": "no task was run yet"}
    door.run("only")
    answer = door.get("/api/compare")
    assert (answer.status_code, answer.json()) == (
        404,
        {
            "error": "nothing to compare only with",
            "details": "there is no earlier task in which all of its assets succeeded, with their tests; "
            "name one with `from`",
        },
    )
    answer = door.get("/api/compare?from=other")
    details = "no task has the id other; GET /api/dag/tasks lists all tasks"
    assert (answer.status_code, answer.json()) == (404, {"error": "Task not found", "details": details})
    assert door.get("/api/compare?to=a/b").status_code == 400
