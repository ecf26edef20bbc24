"""Log entries with Teal's names of fields (docs/teal.md)."""

from pathlib import Path

from tests.doors import AppDoor, OpenDoor
from tests.projects import raw, write_files

NAMES = ("asset", "assetName", "test", "testName")


def test_the_entries_of_a_task(teal: AppDoor) -> None:
    """Entries of an asset, a test and a task have Teal's names beside dagscope's, in both lists of entries."""
    uuid = teal.run("monday").json()["taskUuid"]
    entries = teal.get("/api/logs/monday").json()["logs"]
    assert {entry["taskUUID"] for entry in entries} == {uuid}
    assert all(
        (entry.get("asset"), entry.get("test")) == (entry.get("assetName"), entry.get("testName")) for entry in entries
    )
    found = [[entry.get(name) for name in NAMES] for entry in entries if "test_world_count" in entry["message"]]
    assert found == [["dds.world", "dds.world", "dds.test_world_count", "dds.test_world_count"]]
    assert teal.get("/api/logs").json()["logs"]["monday"] == entries


def test_the_entry_of_a_drop(teal: AppDoor) -> None:
    """What a drop did is in the log of the task that the request names, whether it has run or not."""
    for task_id in (teal.run("monday").json()["taskId"], "drop"):
        teal.post("/api/dag/asset/staging.hello/drop", {"taskId": task_id})
        entry = teal.get(f"/api/logs/{task_id}").json()["logs"][-1]
        assert entry["assetName"] == "staging.hello"
        assert entry["message"] in ("Dropped table staging.hello", "There is no staging.hello: nothing to drop")


def test_entries_that_look_like_others(folder: Path, opened: OpenDoor) -> None:
    """What an asset writes stays as it is, however much it looks like the fields of an entry."""
    message = '{"asset":"x","taskId":"monday"},"test":"y\\\\",'
    code = f'def execute(context):\n    context.log.info({message!r}, own=\'"asset":"z"\')\n'
    teal = opened(write_files(folder, {raw("mart.raw"): code}), dialect="teal-v1")
    teal.run('mon"day')
    (entry,) = (each for each in teal.get('/api/logs/mon"day').json()["logs"] if each["message"] == message)
    assert [entry.get(name) for name in NAMES] == ["mart.raw", "mart.raw", None, None]
    assert (entry["own"], entry["taskId"]) == ('"asset":"z"', 'mon"day')
    assert "taskUUID" in entry


def test_entries_that_a_filter_shows(teal: AppDoor) -> None:
    """A filter shows the same entries, with the same names."""
    teal.run("monday")
    (entry,) = teal.get("/api/logs/monday?test=dds.test_world_count").json()["logs"]
    assert (entry["assetName"], entry["testName"]) == ("dds.world", "dds.test_world_count")
