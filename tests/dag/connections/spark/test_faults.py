"""Assets on Spark while its cluster loses processes and tasks are cancelled; `make spark-faults` repeats each test."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dagscope.dag.connections import Session
from tests.dag.connections.conftest import Connect, rows
from tests.dag.connections.test_both_engines import asset, make
from tests.doors import AppDoor, OpenDoor
from tests.projects import DUCKDB_AND_SPARK, block, model, write_project
from tests.spark_server import SparkServer

ROUNDS = int(os.environ.get("ROUNDS", "1"))

LAKE = "connection: lake"
TASKS = 16
SUM = "SELECT sum(a.id * b.id % 7) AS total, count(*) AS pairs FROM {a} AS a, {b} AS b"
DUCK_IDS = "(SELECT range AS id FROM range({}))"
HOURS = SUM.format(a=f"range(0, 1000000000, 1, {TASKS})", b="range(1000)")


def project(folder: Path, spark: dict[str, str], files: dict[str, str]) -> Path:
    """A project of DuckDB and the Spark server."""
    return write_project(folder, {"config.yaml": DUCKDB_AND_SPARK.format(**spark), **files})


class Hold:
    """How long each task of a query waits, which is in a file that the query reads."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "hold_ms.txt"

    def set(self, ms: int) -> None:
        self._file.write_text(str(ms), encoding="utf-8")

    @property
    def ids(self) -> str:
        """The numbers from 0, one from each task once it has waited."""
        hold = f"SELECT CAST(value AS bigint) AS ms FROM text.`{self._file}`"
        held = "SELECT id, java_method('java.lang.Thread', 'sleep', ms) AS held"
        return f"(SELECT id FROM ({held} FROM range(0, {TASKS}, 1, {TASKS}), ({hold})) WHERE held IS NOT NULL)"


def nodes(door: AppDoor, task_id: str) -> dict[str, tuple[str, str]]:
    """State and message of each node."""
    found = door.get(f"/api/dag/status/{task_id}").json()["nodes"]
    return {node["assetName"]: (node["state"], node["message"]) for node in found}


def wait_for_work(server: SparkServer, door: AppDoor, task_id: str) -> None:
    """Wait until the cluster works on one of the queries above, and not only on what comes before it."""
    while not any(job["numTasks"] >= TASKS for job in server.running_jobs()):
        assert not has_ended(door, task_id), nodes(door, task_id)


@pytest.fixture
def killed_server(spark_server: SparkServer) -> Iterator[SparkServer]:
    """The server, which runs again after the test."""
    yield spark_server
    if not spark_server.is_running:
        spark_server.start()


def states(door: AppDoor, task_id: str) -> dict[str, str]:
    return {name: state for name, (state, _) in nodes(door, task_id).items()}


def wait_long(condition: Callable[[], object]) -> None:
    """Wait as long as the test may take: on a busy machine, losing a process takes the cluster half a minute."""
    while not condition():
        time.sleep(0.1)


def has_ended(door: AppDoor, task_id: str) -> bool:
    return door.get(f"/api/dag/status/{task_id}").json()["status"] in {"SUCCESS", "FAILED"}


def test_server_killed(tmp_path: Path, spark: dict[str, str], killed_server: SparkServer, opened: OpenDoor) -> None:
    """What runs on a server that is killed fails with the reason, the rest is right, and a retry finishes it."""
    hold = Hold(tmp_path)
    files = {
        model("lake.lost"): block(LAKE) + SUM.format(a=hold.ids, b="range(10)"),
        model("lake.after"): block(LAKE) + 'SELECT * FROM {{ Ref("lake.lost") }}',
        model("own.other"): "SELECT 1 AS id",
    }
    door = opened(project(tmp_path, spark, files), post_wait_ms=0)
    place = f"localhost:{killed_server.port}"
    for number in range(ROUNDS):
        task = f"t{number}"
        hold.set(600_000)
        door.run(task)
        wait_for_work(killed_server, door, task)
        killed_server.kill()
        hold.set(0)
        wait_long(lambda task=task: has_ended(door, task))
        lost = nodes(door, task).pop("lake.lost")
        assert lost[0] == "FAILED"
        assert lost[1].startswith(f'connection "lake": lost the session at {place} while a statement was running (')
        assert lost[1].endswith("); run again when the server is back")
        assert states(door, task) == {"lake.lost": "FAILED", "lake.after": "INITIAL", "own.other": "SUCCESS"}
        door.post("/api/dag/asset/lake.lost/execute", {"taskId": f"gone{number}"})
        wait_long(lambda task=f"gone{number}": has_ended(door, task))
        assert nodes(door, f"gone{number}")["lake.lost"] == (
            "FAILED",
            f'connection "lake": no Spark Connect server is listening at {place}; start it, or correct host and port',
        )
        killed_server.start()
        door.post(f"/api/dag/retry/{task}")
        wait_long(lambda task=task: has_ended(door, task))
        assert set(states(door, task).values()) == {"SUCCESS"}, nodes(door, task)


def test_executor_killed(tmp_path: Path, spark: dict[str, str], spark_server: SparkServer, opened: OpenDoor) -> None:
    """An executor that is killed in the middle of an asset changes neither the outcome nor the rows."""
    framed, hold = "is_data_framed: true", Hold(tmp_path)
    hold.set(1_000)
    files = {
        model("lake.summed"): block(f"{LAKE}\n{framed}") + SUM.format(a=hold.ids, b="range(10000)"),
        model("own.summed"): block(framed) + SUM.format(a=DUCK_IDS.format(TASKS), b=DUCK_IDS.format(10000)),
    }
    door = opened(project(tmp_path, spark, files), post_wait_ms=0)
    for number in range(ROUNDS):
        task = f"t{number}"
        door.run(task)
        wait_for_work(spark_server, door, task)
        spark_server.kill_executor()
        wait_long(lambda task=task: has_ended(door, task))
        assert set(states(door, task).values()) == {"SUCCESS"}, nodes(door, task)
        lake, own = (door.get(f"/api/dag/asset/{stage}.summed/data").json()["data"] for stage in ("lake", "own"))
        assert lake == own


def test_cancel_reaches_the_cluster(
    tmp_path: Path, spark: dict[str, str], spark_server: SparkServer, opened: OpenDoor
) -> None:
    """A cancelled task ends what the cluster works on for it; the next task runs at once."""
    files = {model("lake.long"): block(LAKE) + HOURS, model("lake.short"): block(LAKE) + "SELECT 1 AS id"}
    door = opened(project(tmp_path, spark, files), post_wait_ms=0)
    for number in range(ROUNDS):
        door.run(f"t{number}", select="lake.long")
        wait_for_work(spark_server, door, f"t{number}")
        started = time.monotonic()
        assert door.post(f"/api/dag/cancel/t{number}").json()["status"] == "FAILED"
        wait_long(lambda: not spark_server.running_jobs())
        sys.stdout.write(f"the cluster's jobs ended {time.monotonic() - started:.2f} s after the cancellation\n")
    answer: Any = door.post("/api/dag/asset/lake.short/execute", {"taskId": "next"})
    wait_long(lambda: states(door, "next")["lake.short"] == "SUCCESS")
    assert answer.status_code < 300


def test_reader_through_replacements(connect: Connect, spark: dict[str, str]) -> None:
    """A reader that never stops sees the old rows or the new ones of a table that is replaced, and never none."""
    connection, ended = connect("spark", **spark), threading.Event()

    def look(reader: Session) -> list[tuple[Any, ...]]:
        seen = []
        while not ended.is_set():
            seen.extend(rows(reader, "SELECT count(*), min(id), max(id) FROM dds.orders"))
        return seen

    with connection.session() as reader, connection.session() as writer, ThreadPoolExecutor(1) as pool:
        make(writer, asset(), "SELECT 0 AS id FROM range(1000)")
        looking = pool.submit(look, reader)
        try:
            for number in range(1, (100 if ROUNDS > 1 else 3) + 1):
                columns = "id" if number % 2 else "'x' AS other, id"
                make(writer, asset(), f"SELECT {columns} FROM (SELECT {number} AS id FROM range(1000))")
        finally:
            ended.set()
        seen = looking.result()
    versions = [least for _, least, _ in seen]
    sys.stdout.write(f"{len(seen)} reads of {len(set(versions))} versions\n")
    assert {(count, least == most) for count, least, most in seen} == {(1000, True)}
    assert versions == sorted(versions)
