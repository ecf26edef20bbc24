"""Breakpoints: a run that holds, is looked at, and goes on (docs/http-api/dag.md, Breakpoints)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor, Serve, wait_until
from tests.projects import block, model, raw, write_project

ROWS = "SELECT range AS id FROM range(3)"
FILES = {
    model("a.rows"): ROWS,
    model("b.even"): "SELECT id FROM {{ Ref('a.rows') }} WHERE id % 2 = 0",
    model("c.count"): "SELECT count(*) AS n FROM {{ Ref('b.even') }}",
}


@pytest.fixture
def door(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    return opened(write_project(tmp_path, FILES), post_wait_ms=10)


def holds(door: AppDoor, *breakpoints: str | dict[str, str]) -> dict[str, Any]:
    """Run the DAG with these breakpoints, and wait until it holds; returns its status."""
    points = [point if isinstance(point, dict) else {"asset": point} for point in breakpoints]
    assert door.run("t", breakpoints=points).status_code in (200, 202)
    return held(door)


def held(door: AppDoor) -> dict[str, Any]:
    wait_until(lambda: "pausedAt" in status(door))
    return status(door)


def status(door: AppDoor) -> dict[str, Any]:
    found: dict[str, Any] = door.get("/api/dag/status/t").json()
    return found


def goes_on(door: AppDoor, **body: str) -> None:
    answer = door.post("/api/dag/continue/t", body)
    assert answer.status_code == 202, answer.text


def states(status: dict[str, Any]) -> list[str]:
    return [node["state"] for node in status["nodes"]]


def ended(door: AppDoor) -> dict[str, Any]:
    wait_until(lambda: status(door)["status"] != "IN_PROGRESS")
    return status(door)


def test_after_an_asset(door: AppDoor) -> None:
    """The task holds after the asset: its rows can be read, nothing else starts, and it ends once it is continued."""
    now = holds(door, "b.even")
    (paused,) = now["pausedAt"]
    assert (paused["asset"], paused["when"]) == ("b.even", "after")
    assert (now["status"], states(now)) == ("IN_PROGRESS", ["SUCCESS", "SUCCESS", "INITIAL"])
    assert door.get("/api/dag/asset/b.even/data?taskId=t").json()["data"] == [{"id": 0}, {"id": 2}]
    goes_on(door)
    last = ended(door)
    assert (last["status"], "pausedAt" in last) == ("SUCCESS", False)


def test_conditions(door: AppDoor) -> None:
    """A condition on rows holds where it is true, and "failed" where the asset failed; the others do not."""
    point = {"asset": "b.even", "when": "rows < 2"}
    door.run("t", breakpoints=[point, {"asset": "b.even", "when": "failed"}, {"asset": "b.even", "when": "rows = 1"}])
    assert ended(door)["status"] == "SUCCESS"
    assert holds(door, point | {"when": "rows >= 2"})["pausedAt"][0]["when"] == "rows >= 2"
    goes_on(door)


def test_conditions_of_failed_tests(tmp_path: Path, opened: OpenDoor) -> None:
    """An asset whose data tests fail holds at "failed", even if its downstreams run, and at a condition on its rows."""
    files = {**FILES, model("a.rows"): block("tests: [{name: a.none}]") + ROWS}
    files["assets/tests/a/none.sql"] = "SELECT * FROM {{ Ref('a.rows') }}"
    door = opened(write_project(tmp_path, files), post_wait_ms=10, fail_on_tests=False)
    for when in ("failed", "rows = 3"):
        assert holds(door, {"asset": "a.rows", "when": when})["pausedAt"][0]["when"] == when
        goes_on(door)
        assert states(ended(door)) == ["FAILED", "SUCCESS", "SUCCESS"]


def test_before_an_asset_that_is_skipped(door: AppDoor) -> None:
    """The asset is not executed, and its downstreams read what is there."""
    door.run("earlier")
    wait_until(lambda: door.get("/api/dag/status/earlier").json()["status"] == "SUCCESS")
    assert states(holds(door, {"asset": "b.even", "when": "before"})) == ["SUCCESS", "INITIAL", "INITIAL"]
    goes_on(door, action="skip")
    assert [(node["state"], node["message"]) for node in ended(door)["nodes"]] == [
        ("SUCCESS", ""),
        ("INITIAL", "skipped: at a breakpoint"),
        ("SUCCESS", ""),
    ]


def test_an_asset_that_failed_is_skipped(tmp_path: Path, opened: OpenDoor) -> None:
    """Downstreams of a failed asset run if it is skipped at a breakpoint."""
    optional = "{% if TaskID == 't' %}SELECT error('no') AS id{% else %}SELECT 1 AS id{% endif %}"
    door = opened(write_project(tmp_path, {**FILES, model("b.even"): optional}), post_wait_ms=10)
    door.run("earlier")
    wait_until(lambda: door.get("/api/dag/status/earlier").json()["status"] == "SUCCESS")
    holds(door, {"asset": "b.even", "when": "failed"})
    goes_on(door, action="skip", asset="b.even")
    assert states(ended(door)) == ["SUCCESS", "FAILED", "SUCCESS"]


@pytest.mark.server
def test_again_with_new_sql(tmp_path: Path, serve: Serve) -> None:
    """At a breakpoint, a file is edited and reloaded; the asset runs again with it, and so do those after it."""
    folder = write_project(tmp_path, FILES)
    door = serve(folder, "--reload", post_wait_ms=10)
    first = holds(door, {"asset": "a.rows", "when": "rows < 5"})["pausedAt"][0]["since"]
    (folder / model("a.rows")).write_text("SELECT range AS id FROM range(4)")
    (folder / model("c.count")).write_text("SELECT 10 * count(*) AS n FROM {{ Ref('b.even') }}")
    wait_until(lambda: all(text in door.get("/api/dag").text for text in ("range(4)", "10 *")))
    goes_on(door, action="again")
    wait_until(lambda: status(door).get("pausedAt", [{"since": first}])[0]["since"] != first)
    assert door.get("/api/dag/asset/a.rows/data?taskId=t").json()["totalRecords"] == 4
    goes_on(door)
    assert ended(door)["status"] == "SUCCESS"
    assert door.get("/api/dag/asset/c.count/data").json()["data"] == [{"n": 20}]


@pytest.mark.server
def test_again_with_other_tests(tmp_path: Path, serve: Serve) -> None:
    """An asset that runs again, and those after it, have the data tests and the Python that are saved by then."""
    lib, test = "assets/lib/numbers.py", "assets/tests/a/few.sql"
    python = "from assets.lib.numbers import FIRST\ndef execute(context, **upstreams):\n    return FIRST\n"
    tested = block("tests: [{name: a.few}]") + ROWS
    files = {**FILES, model("a.rows"): tested, raw("d.number"): python, lib: "FIRST = 1\n"}
    folder = write_project(tmp_path, files | {test: "SELECT * FROM {{ Ref('a.rows') }} WHERE id > 5"})
    door = serve(folder, "--reload", post_wait_ms=10)
    holds(door, "a.rows", "d.number")
    wait_until(lambda: len(status(door).get("pausedAt", ())) == 2)  # both have a worker of their own
    (folder / lib).write_text("FIRST = 22\n")
    (folder / "assets/tests/b").mkdir()
    (folder / "assets/tests/b/none.sql").write_text("SELECT * FROM {{ Ref('b.even') }}")
    (folder / test).write_text("SELECT * FROM {{ Ref('a.rows') }} WHERE id > 1")
    (folder / model("b.even")).write_text(block("tests: [{name: b.none}]") + files[model("b.even")])
    since = max(paused["since"] for paused in status(door)["pausedAt"])
    goes_on(door, action="again")
    wait_until(lambda: [p["since"] > since for p in status(door).get("pausedAt", ())] == [True, True])
    assert door.get("/api/dag/asset/d.number/data?taskId=t").json()["data"] == 22
    goes_on(door, action="skip")
    last = ended(door)
    assert [(n["assetName"], n["message"], n["totalTests"]) for n in last["nodes"]] == [
        ("a.rows", "tests failed: a.few (1 row)", 1),
        ("b.even", "tests failed: b.none (2 rows)", 1),
        ("c.count", "skipped: upstream b.even failed", 0),
        ("d.number", "", 0),
    ]


@pytest.mark.server
def test_again_is_refused(tmp_path: Path, serve: Serve) -> None:
    """Files that cannot be loaded, and other references, are refused with the reason, and the task still holds."""
    folder = write_project(tmp_path, FILES)
    door = serve(folder, "--reload", post_wait_ms=10)
    holds(door, "a.rows")
    for sql, error, details in (
        (
            "SELECT * FROM {{ Ref('a.row') }}",
            "The project cannot be loaded",
            'assets/models/b/even.sql:1: unknown asset "a.row"; did you mean "a.rows"?',
        ),
        (
            "SELECT 1 AS id",
            "Nothing to continue",
            "assets or references have changed since the task started; undo that, or cancel it and run again",
        ),
    ):
        (folder / model("b.even")).write_text(sql)
        refused = door.post("/api/dag/continue/t", {"action": "again"})
        assert (refused.status_code, refused.json()) == (409, {"error": error, "details": details})
    goes_on(door)
    assert ended(door)["status"] == "SUCCESS"
    assert door.get("/api/dag/asset/c.count/data?taskId=t").json()["data"] == [{"n": 2}], "with the earlier files"


def test_cancel(door: AppDoor) -> None:
    """A task that holds can be cancelled: what was done stays, and the rest is skipped."""
    holds(door, "a.rows")
    door.post("/api/dag/cancel/t")
    last = ended(door)
    assert (last["status"], states(last)) == ("FAILED", ["SUCCESS", "INITIAL", "INITIAL"])
    assert last["nodes"][1]["message"] == "skipped: cancelled"


@pytest.mark.server
def test_the_stream_of_all_tasks(tmp_path: Path, serve: Serve) -> None:
    """The snapshot of the stream of all tasks says where the task holds too."""
    door = serve(write_project(tmp_path, FILES), post_wait_ms=10)
    holds(door, "a.rows")
    with door.http.stream("GET", "/api/events") as stream:
        snapshot = next(line for line in stream.iter_lines() if line.startswith("data: "))
    (task,) = json.loads(snapshot.removeprefix("data: "))["tasks"]
    assert [paused["asset"] for paused in task["pausedAt"]] == ["a.rows"]


def test_the_stream(door: AppDoor) -> None:
    """The stream says where the task holds, in its snapshot and as it happens."""
    holds(door, "a.rows")
    goes_on(door)
    ended(door)
    messages = door.stream("?taskId=t&kinds=task", **{"Last-Event-ID": "0"})
    changes = [message["data"].get("pausedAt", []) for message in messages if message["event"] == "task"]
    assert [[paused["asset"] for paused in change] for change in changes] == [[], ["a.rows"], [], []]


@pytest.mark.parametrize(
    ("breakpoint_", "details"),
    [
        ({"asset": "b.evn"}, 'there is no asset "b.evn"'),
        (
            {"asset": "b.even", "when": "rows ~ 1"},
            '"when" must be "before", "after", "failed" or a condition such as "rows < 1", found "rows ~ 1"',
        ),
        ({"asset": "c.view", "when": "rows < 1"}, '"c.view" is a view, whose rows are not counted; use "after"'),
        ({"asset": "c.view"}, '"c.view" is not executed in this run'),
    ],
)
def test_what_is_refused(tmp_path: Path, opened: OpenDoor, breakpoint_: dict[str, str], details: str) -> None:
    """A breakpoint at which no run could hold is refused before anything runs."""
    door = opened(write_project(tmp_path, {**FILES, model("c.view"): block("materialization: view") + ROWS}))
    select = "a.rows" if details.endswith("this run") else None
    body = {"taskId": "t", "breakpoints": [breakpoint_]} | ({"select": select} if select else {})
    answer = door.post("/api/dag/run", body)
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        f"Invalid request format: field 'breakpoints': {details}",
    )
    assert door.get("/api/dag/status/t").status_code == 404


def test_misspelt_keys(door: AppDoor) -> None:
    """A key that a breakpoint or going on does not have is refused: the task would hold, or go on, in another way."""
    body = {"taskId": "t", "breakpoints": [{"asset": "b.even", "wen": "before"}]}
    refused = door.post("/api/dag/run", body)
    details = "Invalid request format: unknown field 'breakpoints.0.wen'"
    assert (refused.status_code, refused.json()["error"]) == (400, details)
    holds(door, "a.rows")
    for body, details in (
        ({"how": "again"}, "unknown field 'how'"),
        ({"action": "agian"}, "field 'action' must be 'continue', 'again' or 'skip'"),
    ):
        refused = door.post("/api/dag/continue/t", body)
        assert (refused.status_code, refused.json()["error"]) == (400, f"Invalid request format: {details}")
    assert "pausedAt" in status(door)


def test_nothing_to_continue(door: AppDoor) -> None:
    """Going on with a task that does not hold, or not there, is refused with the reason."""
    assert door.post("/api/dag/continue/t", {}).status_code == 404
    holds(door, "a.rows")
    refused = door.post("/api/dag/continue/t", {"asset": "b.even"})
    assert (refused.status_code, refused.json()) == (
        409,
        {"error": "Nothing to continue", "details": "task t holds at a.rows, not at b.even"},
    )
    goes_on(door)
    ended(door)
    assert door.post("/api/dag/continue/t", {}).json()["details"] == "it has ended: SUCCESS"
