"""Searching and paging through the log of a task."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor
from tests.projects import raw, write_project

SPEAKS = """
def execute(context):
    for number in range(20):
        context.log.info("Zählung läuft", number=number)
    context.log.warning("Straße 50% gesperrt", city="KÖLN", ratio=1.50, position="north")
    context.log.error("It broke", error="relation ΣΊΣΥΦΟΣ missing", tags=["a", "b"])
    context.log.critical("a=b is not a field", done=True)
"""


@pytest.fixture
def logged(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    """A task `t` whose asset s.talks wrote entries of all levels, and whose asset s.rests wrote nothing."""
    rests = "def execute(context):\n    pass\n"
    door = opened(write_project(tmp_path, {raw("s.talks"): SPEAKS, raw("s.rests"): rests}))
    door.run("t")
    return door


def found(door: AppDoor, query: str = "offset=0", **parameters: Any) -> dict[str, Any]:
    answer = door.get(f"/api/logs/t?{query}", params=parameters) if parameters else door.get(f"/api/logs/t?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def messages(door: AppDoor, **parameters: Any) -> list[str]:
    answer = door.get("/api/logs/t", params=parameters)
    assert answer.status_code == 200, answer.text
    return [entry["message"] for entry in answer.json()["logs"]]


def test_the_plain_form_is_unchanged(logged: AppDoor) -> None:
    """A filter that shows all returns the entries of the plain form, each with its position, and their numbers."""
    plain, filtered = logged.get("/api/logs/t").json(), found(logged)
    assert list(plain) == ["taskId", "logs", "count"]
    assert list(filtered) == ["taskId", "logs", "count", "offset", "matching", "total", "counts"]
    positions = [entry.pop("position") for entry in filtered["logs"]]
    own = [{key: value for key, value in entry.items() if not key.startswith("position")} for entry in plain["logs"]]
    assert [{k: v for k, v in entry.items() if k != "position_"} for entry in filtered["logs"]] == own
    assert positions == sorted(set(positions))
    assert filtered["matching"] == filtered["total"] == filtered["count"] == plain["count"]
    assert sum(filtered["counts"].values()) == filtered["total"]
    assert {level: filtered["counts"][level] for level in ("warning", "error", "critical")} == dict.fromkeys(
        ("warning", "error", "critical"), 1
    )


def test_levels(logged: AppDoor) -> None:
    """Only the levels asked for are shown; the counts are of all levels, also those that are not shown."""
    shown = found(logged, "level=error,Critical")
    assert [entry["level"] for entry in shown["logs"]] == ["error", "critical"]
    assert (shown["matching"], shown["counts"]) == (2, found(logged)["counts"])
    assert found(logged, "level=")["matching"] == 0


@pytest.mark.parametrize("filters", ["offset=0", "level=info,error", "asset=s.talks", "q=a", "q=a&level=info,critical"])
def test_pages(logged: AppDoor, filters: str) -> None:
    """Every way to ask for a page gives the same entries, and the offset of each page among all shown."""
    whole = found(logged, f"{filters}&limit=1000")["logs"]
    places = [entry["position"] for entry in whole]
    for offset in range(len(whole) + 1):
        page = found(logged, f"{filters.replace('offset=0', '')}&offset={offset}&limit=7")
        assert (page["logs"], page["offset"]) == (whole[offset : offset + 7], offset)
    for number, place in enumerate(places):
        page = found(logged, f"{filters}&after={place}&limit=3")
        assert (page["logs"], page["offset"]) == (whole[number + 1 : number + 4], number + 1)
        page = found(logged, f"{filters.replace('offset=0', '')}&before={place}&limit=3")
        assert (page["logs"], page["offset"]) == (whole[max(0, number - 3) : number], max(0, number - 3))


def test_assets_and_tests(hello: Path, opened: OpenDoor) -> None:
    """Entries are found by asset, by test, and by having no asset."""
    door = opened(hello)
    door.run("t")
    plain = door.get("/api/logs/t").json()["logs"]
    for name in ("asset", "test"):
        for value in ("dds.world", "dds.test_world_count", ""):
            expected = [entry["message"] for entry in plain if entry.get(name, "") == value]
            assert messages(door, **{name: value}) == expected
    assert messages(door, asset="dds.world", test="dds.test_world_count") == ["Test dds.test_world_count passed"]


def test_text(logged: AppDoor) -> None:
    """Text is found in messages, errors and values, in any case of any script, and nothing in it is a wildcard."""
    for text, expected in {
        "IT BROKE": ["It broke"],
        "ZÄHLUNG LÄ": ["Zählung läuft"] * 20,
        "zählung": ["Zählung läuft"] * 20,
        "STRASSE 50": [],
        "strasse": [],
        "straße": ["Straße 50% gesperrt"],
        "0% ges": ["Straße 50% gesperrt"],
        "5_%": [],
        "Zu\u0308rich": [],
        "La\u0308uft": ["Zählung läuft"] * 20,
        "relation σίσυφος": ["It broke"],
        "number=7": ["Zählung läuft"],
        "NUMBER=7.0": ["Zählung läuft"],
        "number=": [],
        "city=köln": ["Straße 50% gesperrt"],
        "city=köl": [],
        "ratio=1.5": ["Straße 50% gesperrt"],
        'tags=["a","b"]': ["It broke"],
        "done=TRUE": ["a=b is not a field"],
        "a=b": ["a=b is not a field"],
        "asset=s.rests": messages(logged, asset="s.rests"),
    }.items():
        assert messages(logged, q=text) == expected, text


def test_a_field_called_position(logged: AppDoor) -> None:
    """An entry's own field `position` is still there, with an underscore."""
    (entry,) = found(logged, "level=warning")["logs"]
    assert entry["position_"] == "north"
    assert isinstance(entry["position"], int)


def test_entries_that_come_and_go(logged: AppDoor) -> None:
    """A search that is repeated finds what was logged since, and nothing that was deleted."""
    asked = "q=broke&level=error"
    first = found(logged, asked)
    logged.run("t")
    second = found(logged, asked)
    assert (first["matching"], second["matching"], second["total"]) == (1, 2, 2 * first["total"])
    assert second["logs"][0] == first["logs"][0]
    assert found(logged, f"{asked}&attempt=1")["matching"] == 1
    logged.delete("/api/logs/t")
    assert (found(logged, asked)["matching"], found(logged)["total"]) == (0, 0)
    logged.run("t")
    assert found(logged, asked)["matching"] == 1
    logged.post("/api/dag/reset")
    assert (found(logged, asked)["matching"], found(logged)["total"]) == (0, 0)


@pytest.mark.parametrize("filters", ["", "level=info,error", "q=a&level=info", "asset=s.talks", "level="])
def test_download(logged: AppDoor, filters: str) -> None:
    """The download has exactly the entries that the filters show, one a line, as they were recorded."""
    answer = logged.get(f"/api/logs/t/download?{filters}")
    shown = [entry["position"] for entry in found(logged, f"{filters}&offset=0")["logs"]]
    every = dict(
        zip((e["position"] for e in found(logged)["logs"]), logged.get("/api/logs/t").json()["logs"], strict=True)
    )
    assert [json.loads(line) for line in answer.text.splitlines()] == [every[position] for position in shown]
    assert answer.headers["content-type"] == "application/x-ndjson"


def test_name_of_a_download(hello: Path, opened: OpenDoor) -> None:
    """Whatever the task's id, the download's name is safe, and keeps all its characters where that is possible."""
    answer = opened(hello).get("/api/logs/..%22x%22 é;a=1/download")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_x____a_1-log.jsonl\"; filename*=UTF-8''..%22x%22%20%C3%A9%3Ba%3D1-log.jsonl"
    )
    assert (answer.status_code, answer.text) == (200, "")


def test_wrong_parameters(logged: AppDoor) -> None:
    """A wrong parameter is refused with what is wrong and what would be right."""
    levels, filters = "debug, info, warning, error, critical", "level, asset, test, q, after, before, offset"
    for query, reason in {
        "level=info,fatal": f"'level' has an unknown level 'fatal': the levels are {levels}",
        "offset=-1": "'offset' must be a whole number of 0 or more, found '-1'",
        "after=x": "'after' must be a whole number of 0 or more, found 'x'",
        "offset=0&limit=10001": "'limit' must be a whole number from 1 to 10000, found '10001'",
        f"q={'x' * 501}": "'q' can have at most 500 characters, found 501",
        "q=a%00b": "'q' cannot contain the character '\\x00'",
        "level=info&cursor=3": f"'cursor' cannot be combined with {filters}: use 'after'",
    }.items():
        answer = logged.get(f"/api/logs/t?{query}")
        assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid request format: {reason}"})


def test_without_a_store(hello: Path, opened: OpenDoor) -> None:
    """Without a log store, searches and downloads answer 501."""
    door = opened(hello, store_logs=False)
    for path in ("/api/logs/t?level=info", "/api/logs/t/download"):
        answer = door.get(path)
        assert (answer.status_code, answer.json()) == (501, {"error": "Log writer not configured"})
