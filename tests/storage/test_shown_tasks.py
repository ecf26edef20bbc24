"""Tasks as clients see them: SQLite writes the nodes, and nothing of them is lost."""

import asyncio
from pathlib import Path

from dagscope.storage.database import open_readers
from dagscope.storage.reader import Reader
from dagscope.storage.state_folder import StateFolder
from dagscope.storage.tasks import ShownTask
from tests.dag.run.task_run import data_test
from tests.doors import OpenDoor
from tests.projects import block, model, write_project

ODD = '"\\\\ \u2028 \U0001f40d \x7f \x01 é'
"""In SQL and in JSON: a quote, a backslash, a line separator, a snake, control characters, an accent."""

FILES = {
    model("a.good"): block("tests: [{name: holds}, {name: broken}]") + "SELECT 1 AS id",
    model("a.odd"): f"SELECT error('{ODD}') AS id",
    model("a.after"): 'SELECT * FROM {{ Ref("a.odd") }}',
    model("a.view"): block("materialization: view") + "SELECT 1 AS id",
    data_test("a.holds"): "SELECT 1 WHERE false",
    data_test("a.broken"): "SELECT id FROM a.good",
    "assets/tests/root_broken.sql": "SELECT 1 AS id",
    "assets/tests/root_fails.sql": f"SELECT error('{ODD}')",
}


def test_the_same_as_is_kept(tmp_path: Path, opened: OpenDoor) -> None:
    """Each node has the state, the message, the times, the rows and the test results that are stored of it."""
    folder = write_project(tmp_path, FILES)
    door = opened(folder)
    door.run("t")
    door.post("/api/dag/asset/a.view/select", {"taskId": "selects"})
    messages = [node["message"] for node in door.get("/api/dag/status/t").json()["nodes"]]
    assert any("\U0001f40d" in message for message in messages)

    async def read(task_id: str) -> tuple[ShownTask, ShownTask]:
        readers = open_readers(StateFolder.of_project(folder).database)
        try:
            async with Reader(readers).moment() as moment:
                shown, kept = await moment.shown_task(task_id), await moment.task(task_id)
                assert shown is not None
                assert kept is not None
                return shown, kept.shown
        finally:
            await readers.dispose()

    for task_id in ("t", "selects"):
        shown, kept = asyncio.run(read(task_id))
        assert shown == kept
