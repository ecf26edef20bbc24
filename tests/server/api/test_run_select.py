"""`select` in `POST /api/dag/run`: a task of some assets."""

from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, write_project

FILES = {
    model("s.source"): block("is_data_framed: true") + "SELECT 1 AS n",
    model("s.flaky"): "SELECT CASE WHEN {{ param('fails', false) }} THEN error('no') ELSE n END AS n "
    "FROM {{ Ref('s.source') }}",
    model("d.middle"): 'SELECT n FROM {{ Ref("s.flaky") }}',
    model("m.end"): block("persist_inputs: true\ntests: [{name: m.positive}]")
    + 'SELECT n FROM {{ Ref("s.source") }} UNION ALL SELECT n FROM {{ Ref("d.middle") }}',
    model("m.other"): 'SELECT count(*) AS n FROM {{ Ref("s.source") }}',
    "assets/tests/m/positive.sql": 'SELECT * FROM {{ Ref("m.end") }} WHERE n < 0',
    "assets/tests/of_end.sql": 'SELECT * FROM {{ Ref("m.end") }} WHERE n < 0',
    "assets/tests/of_both.sql": 'SELECT 1 FROM {{ Ref("m.end") }} AS e JOIN {{ Ref("m.other") }} AS o ON e.n < o.n - 9',
}


@pytest.fixture
def door(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    """The project, run once."""
    door = opened(write_project(tmp_path, FILES))
    assert door.run("all").json()["status"] == "SUCCESS", door.get("/api/logs/all").json()
    return door


def nodes(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(node["assetName"], node["state"], node["message"]) for node in body["nodes"]]


def test_a_part_of_the_dag(door: AppDoor) -> None:
    """The task has the selected assets only, reads others as they are, and runs the tests that need no others."""
    body = door.run("part", select="m.end").json()
    assert nodes(body) == [("m.end", "SUCCESS", "")]
    assert [test["testName"] for test in body["nodes"][0]["testResults"]] == ["m.positive"]
    assert [test["testName"] for test in body["rootTestResults"]] == ["root.of_end"]
    assert door.get("/api/dag/asset/m.end/data").json()["data"] == [{"n": 1}, {"n": 1}]


def test_the_same_task_with_other_assets(door: AppDoor) -> None:
    """A task that runs again with a selector has the nodes of that attempt only."""
    assert [node[0] for node in nodes(door.run("all", select="other", runTests=False).json())] == ["m.other"]
    assert door.get("/api/dag/status/all").json()["rootTestResults"] == []


def test_skipping_across_a_gap(door: AppDoor) -> None:
    """An asset waits for its indirect upstreams in the task, and is skipped if one fails."""
    body = door.run("gap", select="flaky end other", data={"fails": True}).json()
    assert [(name, state) for name, state, _ in nodes(body)] == [
        ("m.other", "SUCCESS"),
        ("s.flaky", "FAILED"),
        ("m.end", "INITIAL"),
    ]
    assert nodes(body)[2][2] == "skipped: upstream s.flaky failed"


def test_by_state_and_retry(door: AppDoor) -> None:
    """States are those of the newest task; a retry executes what did not succeed of the selected assets."""
    door.run("t1", select="+middle", data={"fails": True})
    assert nodes(door.run("t2", select="state:skipped", runTests=False).json()) == [("d.middle", "SUCCESS", "")]
    door.run("t3", select="source flaky+", data={"fails": True})
    retried = door.post("/api/dag/retry/t3").json()
    assert [node[0] for node in nodes(retried)] == ["s.source", "s.flaky", "d.middle", "m.end"]
    assert [node["executionTimeMs"] >= 0 for node in retried["nodes"]]
    selected = door.run("t4", select="state:failed+1").json()
    assert nodes(selected) == [("s.flaky", "SUCCESS", ""), ("d.middle", "SUCCESS", "")]


@pytest.mark.parametrize(
    ("select", "error"),
    [
        ("s.sourc", 'field \'select\': there is no asset "s.sourc"; did you mean "s.source"?'),
        ("state:testing", "field 'select': \"state:testing\" selects no assets"),
        ("a,", "field 'select': a comma without an asset beside it in \"a,\"; write a,b without a space"),
        (["s.source"], "field 'select' must be a string"),
    ],
)
def test_an_invalid_selector(door: AppDoor, select: object, error: str) -> None:
    """A selector that cannot be used is a 400 that says why, and no task is accepted."""
    answer = door.run("bad", select=select)
    assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid request format: {error}"})
    assert door.get("/api/dag/status/bad").status_code == 404
