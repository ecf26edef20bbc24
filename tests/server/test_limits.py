"""Limits of what a task may say, and of the tasks that may wait."""

from pathlib import Path

import pytest

from tests.doors import OpenDoor
from tests.projects import SLOW_SQL, block, model, on_engine, raw, write_project

pytestmark = pytest.mark.slow

SPEAKS = """\
def execute(context):
    for number in range(10):
        context.log.info("entry", number=number)
"""
FAILS = "def execute(context):\n    raise ValueError('y' * 60_000)\n"


def test_length_of_a_message(tmp_path: Path, opened: OpenDoor) -> None:
    """An error text is cut everywhere, with a note of how much was cut and the setting."""
    door = opened(write_project(tmp_path, {raw("s.a"): FAILS}), message_chars=1000)
    message = door.run("t").json()["nodes"][0]["message"]
    note = "… (59,021 more characters were cut: DAGSCOPE_MESSAGE_CHARS)"
    assert message == "ValueError: " + "y" * 988 + note
    assert len(door.get("/api/events?lastEventId=0&taskId=t").text) < 20_000


def test_length_of_an_entry(tmp_path: Path, opened: OpenDoor) -> None:
    """The fields of an entry are cut together; what is cut is noted, and no field is missing."""
    text = "def execute(context):\n    context.log.info('m' * 5000, a='a' * 5000, b=list(range(5000)), c=1)\n"
    door = opened(write_project(tmp_path, {raw("s.a"): text}), message_chars=1000, entry_chars=1000)
    door.run("t")
    (entry,) = [entry for entry in door.get("/api/logs/t").json()["logs"] if entry["message"].startswith("m")]
    assert entry["message"] == "m" * 1000 + "… (4,000 more characters were cut: DAGSCOPE_MESSAGE_CHARS)"
    assert entry["a"] == "a" * 1000 + "… (4,000 more characters were cut: DAGSCOPE_ENTRY_CHARS)"
    assert entry["b"] == "… (23,891 more characters were cut: DAGSCOPE_ENTRY_CHARS)"
    assert entry["c"] == 1


def test_number_of_entries(tmp_path: Path, opened: OpenDoor) -> None:
    """Of the entries of an attempt's assets the first are kept; the task says how many are not."""
    door = opened(write_project(tmp_path, {raw("s.a"): SPEAKS}), task_entries=3)
    door.run("t")
    entries = door.get("/api/logs/t").json()["logs"]
    assert [entry["number"] for entry in entries if entry["message"] == "entry"] == [0, 1, 2]
    limit = "a task's assets write at most 3 (DAGSCOPE_TASK_ENTRIES)"
    assert entries[-2]["message"] == f"7 log entries were not kept: {limit}"


def test_waiting_tasks(tmp_path: Path, opened: OpenDoor) -> None:
    """A task beyond those that may wait is refused with 429; joining one that waits is not."""
    text = "import time\ndef execute(context):\n    while True: time.sleep(0.01)\n"
    door = opened(
        write_project(tmp_path, {raw("s.a"): text, model("s.b"): "SELECT 1"}), waiting_tasks=1, post_wait_ms=200
    )
    assert [door.run(task_id).status_code for task_id in ("runs", "waits", "waits")] == [202, 202, 202]
    details = "1 tasks are waiting already, which is the limit (DAGSCOPE_WAITING_TASKS)"
    for answer in (door.run("more"), door.post("/api/dag/asset/s.b/execute", {"taskId": "more"})):
        assert (answer.status_code, answer.json()) == (429, {"error": "Too many tasks", "details": details})
    for task_id in ("waits", "runs"):
        door.post(f"/api/dag/cancel/{task_id}")


def test_execute_answers_when_its_task_has_ended(tmp_path: Path, opened: OpenDoor) -> None:
    """After the answer of an execute, or of a lone test, nothing runs any more: a truncate is not refused."""
    files = {model("s.a"): "SELECT 1 AS id", "assets/tests/s/good.sql": "SELECT * FROM s.a WHERE id = 2"}
    door = opened(write_project(tmp_path, files))
    for number in range(20):
        assert door.post("/api/dag/asset/s.a/execute", {"taskId": f"a{number}"}).status_code == 200
        assert door.post("/api/dag/asset/s.a/truncate", {"confirm": "s.a"}).status_code == 200
        assert door.post("/api/tests/execute/s.good", {"taskId": f"t{number}"}).status_code == 200
        assert door.post("/api/dag/disconnect").status_code == 200


SQL_OF_PYTHON = f"def execute(context):\n    context.connection('duck').query({SLOW_SQL!r})\n"


@pytest.mark.parametrize(
    "files",
    [
        {model("s.a"): SLOW_SQL},
        {raw("s.a"): "def execute(context):\n    while True: pass\n"},
        {raw("s.a"): SQL_OF_PYTHON},
        {model("s.a"): block("tests:\n  - name: slow") + "SELECT 1 AS id", "assets/tests/s/slow.sql": SLOW_SQL},
    ],
    ids=["SQL", "Python", "SQL of Python", "data test"],
)
def test_time_of_a_node(tmp_path: Path, opened: OpenDoor, files: dict[str, str]) -> None:
    """An asset that takes too long fails with the reason, and the rest is not affected."""
    door = opened(write_project(tmp_path, {model("s.other"): "SELECT 1 AS id", **files}), node_limit_s=1)
    task = door.run("t").json()
    nodes = {node["assetName"]: node for node in task["nodes"]}
    assert nodes["s.a"]["state"] == "FAILED"
    assert nodes["s.a"]["message"] == "it took longer than 1 s, the limit that DAGSCOPE_NODE_LIMIT_S sets"
    assert nodes["s.other"]["state"] == "SUCCESS"
    assert task["status"] == "FAILED"
    assert door.post("/api/dag/asset/s.other/execute", {"taskId": "next"}).json()["status"] == "SUCCESS"
    assert '"RUNNING"' not in door.get("/api/tests/results/t").text


def test_size_of_a_result(tmp_path: Path, opened: OpenDoor) -> None:
    """A captured result that is too large fails its asset with the reason, and leaves no file; others are kept."""
    files = {
        model("s.a"): block("is_data_framed: true") + "SELECT * FROM range(100000)",
        model("s.b"): block("is_data_framed: true") + "SELECT 1 AS id",
        raw("s.c"): "def execute(context):\n    return ['x' * 1000] * 100\n",
    }
    door = opened(write_project(tmp_path, files), frame_bytes=50_000)
    nodes = {node["assetName"]: node for node in door.run("t").json()["nodes"]}
    reason = "the captured result has more than 50,000 bytes, the limit that DAGSCOPE_FRAME_BYTES sets"
    assert [nodes[name].get("message") for name in ("s.a", "s.c")] == [reason, reason]
    assert nodes["s.b"]["state"] == "SUCCESS"
    assert len(list((tmp_path / ".dagscope/frames").iterdir())) == 1


def test_size_of_all_results(tmp_path: Path, opened: OpenDoor) -> None:
    """A result that does not fit beside those that are kept fails its asset; once they are deleted, it fits."""
    framed = block("is_data_framed: true") + "SELECT range + 0 AS id FROM range(4000)"
    files = {model("s.a"): framed, raw("s.b"): "def execute(context):\n    return ['x' * 1000] * 80\n"}
    door = opened(write_project(tmp_path, files), max_workers=1, frames_total_bytes=100_000)
    nodes = {node["assetName"]: node for node in door.run("t").json()["nodes"]}
    reason = (
        "all captured results together have more than 100,000 bytes, the limit that DAGSCOPE_FRAMES_TOTAL_BYTES sets; "
        "delete old tasks with `dagscope prune` or DAGSCOPE_KEEP_BYTES"
    )
    assert (nodes["s.a"]["state"], nodes["s.b"].get("message")) == ("SUCCESS", reason)
    assert len(list((tmp_path / ".dagscope/frames").iterdir())) == 1
    assert door.run("again").json()["nodes"][0]["state"] == "SUCCESS"  # the same frame, which is kept once
    door.post("/api/dag/reset")
    assert door.post("/api/dag/asset/s.b/execute", {"taskId": "t"}).json()["status"] == "SUCCESS"


def rows_of(materialization: str, rows: int) -> str:
    """A model of that many rows."""
    return block(f"materialization: {materialization}") + f"SELECT id FROM generate_series(1, {rows}) AS made(id)"


WRITES = """\
def execute(context):
    made = context.connection("db").query("SELECT id FROM generate_series(1, {rows}) AS made(id)")
    return context.connection("db").write("s.raw", made)
"""


def test_rows_of_a_node(tmp_path: Path, opened: OpenDoor, both_engines: dict[str, str]) -> None:
    """An asset that writes more rows than it may fails with the reason, and its table has the rows of before."""
    assets = {"s.table": "table", "s.keyed": "table\nprimary_key_fields: [id]", "s.added": "incremental"}
    for rows, limit in ((3, None), (6, 5)):
        files = {model(name): rows_of(how, rows) for name, how in assets.items()}
        write_project(tmp_path, files | {raw("s.made"): WRITES.format(rows=rows)} | both_engines)
        door = opened(tmp_path, node_rows=limit)
        nodes = {node["assetName"]: node for node in door.run(f"with {rows}").json()["nodes"]}
        assert {node["state"] for node in nodes.values()} == {"SUCCESS" if limit is None else "FAILED"}
        door.stop()
    reason = "it wrote more than 5 rows, the limit that DAGSCOPE_NODE_ROWS sets"
    assert {name: nodes[name]["message"] for name in assets} == dict.fromkeys(assets, reason)
    assert nodes["s.made"]["message"] == f"{reason} (made.py:3)"
    door = opened(write_project(tmp_path, {model("s.raw"): "SELECT 1 AS id"} | both_engines))
    for name in (*assets, "s.raw"):
        assert door.post(f"/api/dag/asset/{name}/preview").json()["totalRecords"] == 3


def test_rows_of_a_raw_asset(tmp_path: Path, opened: OpenDoor) -> None:
    """All rows that a raw asset writes count, and so do those that it returns; a view has no rows that do."""
    files = {
        model("s.view"): block("materialization: view") + "SELECT * FROM range(9)",
        raw("s.parts"): (
            "def execute(context):\n    db = context.connection('duck')\n    db.execute('CREATE SCHEMA x')\n"
            "    for n in range(3):\n        db.execute(f'CREATE TABLE x.t{n} AS FROM range(2)')\n"
        ),
        raw("s.rows"): "import pyarrow\ndef execute(context):\n    return pyarrow.table({'id': range(6)})\n",
    }
    nodes = {
        node["assetName"]: node for node in opened(write_project(tmp_path, files), node_rows=5).run("t").json()["nodes"]
    }
    reason = "it wrote more than 5 rows, the limit that DAGSCOPE_NODE_ROWS sets"
    assert nodes["s.view"]["state"] == "SUCCESS"
    assert nodes["s.parts"]["message"] == f"{reason} (parts.py:5)"
    assert nodes["s.rows"]["message"] == reason


def test_memory_of_a_node(tmp_path: Path, opened: OpenDoor) -> None:
    """A query that needs more memory than DuckDB may use fails, and names the setting; the rest is not affected."""
    config = on_engine("duckdb", {"path": "store/both.duckdb"})
    config["config.yaml"] += "      extraParams: [{name: memory_limit, value: 20MB}]\n"
    files = {model("s.a"): "SELECT list(range) AS l FROM range(5000000)", model("s.b"): "SELECT 1 AS id"}
    door = opened(write_project(tmp_path, files | config), max_workers=1)
    nodes = {node["assetName"]: node for node in door.run("t").json()["nodes"]}
    *_, hint = nodes["s.a"]["message"].splitlines()
    assert nodes["s.a"]["message"].startswith("SQL execution failed: Out of Memory Error: ")
    assert hint == 'memory_limit in the extraParams of connection "db" sets how much there is'
    assert nodes["s.b"]["state"] == "SUCCESS"
