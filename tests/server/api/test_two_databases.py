"""One task on DuckDB and PostgreSQL: what is shown of both, and what stays right if a database disappears."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from examples.crossdb.postgres_server import PostgresServer
from tests.doors import AppDoor, wait_until
from tests.projects import TWO_DATABASES, block, model, raw, write_project

SHOP = "connection: shop\n"
WAITING = """\
import time
from pathlib import Path

def execute(context):
    while not Path(__file__).with_name("go").exists():
        time.sleep(0.01)
"""
FILES = {
    model("a.slow"): block(SHOP) + "SELECT 1 AS n FROM pg_sleep({{ ENV('DAGSCOPE_TEST_SLEEP_S', '60') }})",
    model("a.after"): block(SHOP) + 'SELECT * FROM {{ Ref("a.slow") }}',
    raw("b.waiting"): WAITING,
    model("c.late"): block(SHOP) + "SELECT 2 AS n",
    model("d.right"): block("is_data_framed: true") + "SELECT 3 AS n",
    model("e.crossing"): block(SHOP + "persist_inputs: true") + 'SELECT * FROM {{ Ref("d.right") }}',
}


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that no other test uses."""
    with PostgresServer() as server:
        yield server


@pytest.mark.postgres
def test_postgres_dies_in_the_middle(
    own_postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nodes of a killed PostgreSQL fail with the reason, all others succeed; once it is back, a retry succeeds."""
    door = AppDoor(
        write_project(tmp_path, {"config.yaml": TWO_DATABASES.format(**own_postgres.parameters), **FILES}),
        max_workers=2,
        post_wait_ms=0,
    )
    door.run("t")
    wait_until(lambda: sleeps(own_postgres))
    own_postgres.kill()
    (tmp_path / "assets/models/b/go").touch()
    status = ended(door)
    place = f"127.0.0.1:{own_postgres.port}"
    lost = nodes(status)["a.slow"][1]
    assert lost.startswith(f'connection "shop": lost the server at {place} while a statement was running (')
    assert lost.endswith("); run again when it is back")
    down = f'connection "shop": no server is listening at {place}; start it, or correct host and port'
    assert nodes(status) == {
        "a.slow": ("FAILED", lost),
        "a.after": ("INITIAL", "skipped: upstream a.slow failed"),
        "b.waiting": ("SUCCESS", ""),
        "c.late": ("FAILED", down),
        "d.right": ("SUCCESS", ""),
        "e.crossing": ("FAILED", down),
    }
    statements = door.get("/api/dag/asset/a.slow/statements").json()["statements"]
    assert [statement["text"].split(" pg_")[0] for statement in statements if "error" in statement][:1] == [
        "CREATE TABLE a.slow AS SELECT 1 AS n FROM"
    ]
    own_postgres.start()
    monkeypatch.setenv("DAGSCOPE_TEST_SLEEP_S", "0")
    door.post("/api/dag/retry/t")
    status = ended(door)
    assert set(nodes(status).values()) == {("SUCCESS", "")}
    executed = {name for name in nodes(status) if door.get(f"/api/dag/asset/{name}/statements").json()["attempt"] == 2}
    assert executed == {"a.slow", "a.after", "c.late", "e.crossing"}
    assert door.get("/api/dag/asset/e.crossing/data").json()["data"] == [{"n": 3}]
    door.stop()


def sleeps(server: PostgresServer) -> bool:
    with psycopg.connect(**connection(server)) as connected:
        found = connected.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE TABLE a.slow%'").fetchone()
        return found is not None


def connection(server: PostgresServer) -> dict[str, Any]:
    return {("dbname" if key == "database" else key): value for key, value in server.parameters.items()}


def ended(door: AppDoor) -> dict[str, Any]:
    """The task's status once it has ended."""
    wait_until(lambda: door.get("/api/dag/status/t").json()["status"] != "IN_PROGRESS")
    return dict(door.get("/api/dag/status/t").json())


def nodes(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {node["assetName"]: (node["state"], node["message"]) for node in status["nodes"]}


def test_statements_of_postgres(tmp_path: Path, postgres: dict[str, str]) -> None:
    """Statements on PostgreSQL are shown as those on DuckDB: bulk rows too, and errors with their position."""
    files = {
        model("a.source"): block("is_data_framed: true") + "SELECT range AS n FROM range(1000)",
        model("a.crossed"): block(SHOP + "persist_inputs: true\nis_data_framed: true")
        + 'SELECT * FROM {{ Ref("a.source") }}',
        model("a.wrong"): block(SHOP) + "SELECT 1,\n  nix FROM pg_class",
    }
    door = AppDoor(write_project(tmp_path, {"config.yaml": TWO_DATABASES.format(**postgres), **files}))
    door.run("t")
    crossed = door.get("/api/dag/asset/a.crossed/statements").json()["statements"]
    rows = {statement["text"]: statement.get("rows") for statement in crossed}
    assert rows["COPY tmp_a_source FROM STDIN WITH (FORMAT binary)"] == 1000
    assert rows["CREATE TABLE a.crossed AS SELECT * FROM tmp_a_source"] == 1000
    assert [count for text, count in rows.items() if text.endswith("AS query_rows(c0)")] == [1000]
    wrong = door.get("/api/dag/asset/a.wrong/statements").json()["statements"]
    failed = next(statement for statement in wrong if "error" in statement)
    assert failed["text"][failed["error"]["position"] - 1 :] == "nix FROM pg_class"
    assert (failed["error"]["line"], failed["error"]["column"]) == (2, 3)
    assert wrong[-1]["text"] == "ROLLBACK"
    door.stop()


def test_compiled_query_of_postgres(tmp_path: Path, postgres: dict[str, str]) -> None:
    """`sqlCompiledQuery` of a table in PostgreSQL is what the next run sends, which replaces rows in place."""
    files = {model("a.b"): block(SHOP) + "SELECT {{ 2 if IsIncremental() else 1 }} AS n"}
    door = AppDoor(write_project(tmp_path, {"config.yaml": TWO_DATABASES.format(**postgres), **files}))

    def compiled() -> str:
        return str(door.get("/api/dag").json()["nodes"][0]["sqlCompiledQuery"])

    assert compiled() == "CREATE TABLE a.b AS SELECT 1 AS n"
    door.run("t")
    statements = compiled().split(";\n")
    assert statements[0].endswith(" AS SELECT 1 AS n")
    door.run("t")
    sent = [statement["text"] for statement in door.get("/api/dag/asset/a.b/statements").json()["statements"]]
    assert [text for text in sent if text in statements] == statements
    door.stop()
