"""Opening and closing the project's databases."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.doors import AppDoor, OpenDoor, wait_until
from tests.projects import SLOW_SQL, block, model, on_engine, raw, write_project

FILES = {
    model("s.a"): "SELECT 1 AS id",
    model("s.framed"): block("is_data_framed: true") + "SELECT 2 AS id",
    model("s.log"): block("materialization: incremental") + "SELECT 3 AS id",
}
OTHER_TOOL = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute('SELECT id FROM s.a').fetchall())"


def other_tool(file: Path) -> subprocess.CompletedProcess[str]:
    """Another process opens the file for writing."""
    return subprocess.run(
        [sys.executable, "-c", OTHER_TOOL, str(file)], check=False, capture_output=True, text=True, timeout=60
    )


def test_connect_and_disconnect(tmp_path: Path, every_engine: dict[str, str], opened: OpenDoor) -> None:
    """The status follows connecting, disconnecting and running; the next task connects by itself."""
    door = opened(write_project(tmp_path, {**every_engine, **FILES}), post_wait_ms=300_000)

    def is_connected() -> bool:
        status = door.get("/api/dag/connection-status").json()
        assert [each["isConnected"] for each in status["connections"]] == [status["isConnected"]]
        return bool(status["isConnected"])

    assert not is_connected()
    assert door.post("/api/dag/connect").json() == {
        "message": "Successfully connected to all databases",
        "status": "CONNECTED",
    }
    assert is_connected()
    for _ in range(2):
        assert door.post("/api/dag/disconnect").json() == {
            "message": "Successfully disconnected from all databases",
            "status": "DISCONNECTED",
        }
        assert not is_connected()
    assert door.run("t").status_code == 200
    assert is_connected()


def test_looking_while_disconnected(tmp_path: Path, every_engine: dict[str, str], opened: OpenDoor) -> None:
    """Reading does not connect: the DAG and frames are answered without the database, relations say what to do."""
    door = opened(write_project(tmp_path, {**every_engine, **FILES}), post_wait_ms=300_000)
    door.run("t")
    door.post("/api/dag/disconnect")
    assert door.get("/api/dag").status_code == 200
    assert door.get("/api/dag/asset/s.framed/data").json()["data"] == [{"id": 2}]
    answer = door.get("/api/dag/asset/s.a/data")
    assert answer.status_code == 500
    assert answer.json()["error"] == 'connection "db": disconnected; connect again, or run a task, which reconnects'
    assert not door.get("/api/dag/connection-status").json()["isConnected"]
    door.post("/api/dag/connect")
    assert door.get("/api/dag/asset/s.a/data").json()["data"] == [{"id": 1}]


@pytest.mark.server
def test_another_process_can_open_the_file(tmp_path: Path, opened: OpenDoor) -> None:
    """After a disconnect another process can write to the DuckDB file; meanwhile a connect names that process."""
    door = opened(write_project(tmp_path, {**on_engine("duckdb"), **FILES}))
    file = tmp_path / "store" / "both.duckdb"
    door.run("t")
    assert door.get("/api/dag/asset/s.a/data").json()["data"] == [{"id": 1}]
    assert "Could not set lock" in other_tool(file).stderr
    door.post("/api/dag/disconnect")
    door.get("/api/dag")
    door.get("/api/dag/asset/s.a/data")
    assert other_tool(file).stdout.strip() == "[(1,)]"
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        answer = door.post("/api/dag/connect")
        assert answer.status_code == 500
        locked = f"is locked by process {holder.pid}; close it there, then run again"
        assert answer.json() == {
            "error": "Failed to connect to databases",
            "details": f'connection "db": database file store/both.duckdb {locked}',
        }
        assert holder.stdin is not None
        holder.stdin.close()
    assert door.run("again").status_code == 200


def test_no_disconnect_under_a_task(tmp_path: Path, opened: OpenDoor) -> None:
    """While a task runs, a disconnect gives 409 and the task continues."""
    door = opened(write_project(tmp_path, {model("s.slow"): SLOW_SQL}), post_wait_ms=50)
    door.run("monday")
    answer = door.post("/api/dag/disconnect")
    assert (answer.status_code, answer.json()) == (
        409,
        {"error": "Cannot disconnect now", "details": "task monday is running; cancel it, or wait until it has ended"},
    )
    assert door.get("/api/dag/status/monday").json()["status"] == "IN_PROGRESS"
    door.post("/api/dag/cancel/monday")
    wait_until(lambda: door.post("/api/dag/disconnect").status_code == 200)


def test_a_database_in_memory_keeps_its_tables(tmp_path: Path, opened: OpenDoor) -> None:
    """A disconnect keeps the tables of a database that exists only while its connection is open."""
    files = {**on_engine("duckdb", {"path": ":memory:"}), **FILES}
    door = opened(write_project(tmp_path, files))
    door.run("t")
    door.post("/api/dag/disconnect")
    assert not door.get("/api/dag/connection-status").json()["isConnected"]
    door.post("/api/dag/connect")
    assert door.get("/api/dag/asset/s.a/data").json()["data"] == [{"id": 1}]


def test_status_shows_no_secret(tmp_path: Path, postgres: dict[str, str], opened: OpenDoor) -> None:
    """The status says where a connection leads, without the password."""
    door = opened(write_project(tmp_path, {**on_engine("postgres", postgres), **FILES}))
    answer = door.get("/api/dag/connection-status")
    assert answer.json() == {
        "isConnected": False,
        "connections": [
            {
                "name": "db",
                "type": "postgres",
                "isConnected": False,
                "host": "127.0.0.1",
                "port": int(postgres["port"]),
                "database": postgres["database"],
                "user": "dagscope",
            }
        ],
    }
    assert postgres["password"] not in answer.text


def test_database_file_that_is_deleted(tmp_path: Path) -> None:
    """No asset is SUCCESS whose rows went into a deleted file; the next run creates the file again."""
    delete = "import os\ndef execute(context):\n    context.connection('duck').execute('CREATE TABLE t (id INT)')\n"
    delete += f"    os.unlink('{tmp_path}/store/test.duckdb')\n"
    config = "connections:\n  - name: duck\n    type: duckdb\n    config: {path: store/test.duckdb}\n"
    folder = write_project(tmp_path, {"config.yaml": config, model("s.a"): "SELECT 1 AS id", raw("t.b"): delete})
    door = AppDoor(folder)
    assert door.post("/api/dag/asset/s.a/execute", {"taskId": "first"}).status_code == 200
    (folder / "store/test.duckdb").unlink()
    assert door.post("/api/dag/asset/s.a/execute", {"taskId": "second"}).status_code == 200
    assert (folder / "store/test.duckdb").exists()
    answer = door.post("/api/dag/asset/t.b/execute", {"taskId": "third"})
    was = "was deleted, moved or replaced while it was in use, so what was written to it is lost; run the assets again"
    assert answer.json()["error"] == f'connection "duck": database file store/test.duckdb {was}'
    door.stop()
