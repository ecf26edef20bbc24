"""`GET /api/dag/asset/{name}/statements`: what a node sent to databases, and how it spent its time."""

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dagscope.dag.events.statements import FIRST_STATEMENTS, LAST_STATEMENTS, LONGEST_TEXT
from tests.cli.dagscope_command import dagscope
from tests.doors import AppDoor, Serve, wait_until
from tests.projects import SLOW_SQL, block, model, raw, write_project

TESTED = block("indexes: [{name: x, fields: [n]}]\ntests: [{name: few}]") + "SELECT range AS n FROM range(10)"
FEW = "assets/tests/a/few.sql"


@pytest.fixture
def make_door(tmp_path: Path) -> Any:
    """Makes a door to a project with the given files; all doors are closed at the end."""
    doors: list[AppDoor] = []

    def make(files: dict[str, str], **settings: Any) -> AppDoor:
        doors.append(AppDoor(write_project(tmp_path, files), **settings))
        return doors[-1]

    yield make
    for door in doors:
        door.stop()


def sent(door: AppDoor, asset: str, query: str = "") -> dict[str, Any]:
    answer = door.get(f"/api/dag/asset/{asset}/statements{query}")
    assert answer.status_code == 200
    return dict(answer.json())


def texts(answer: dict[str, Any]) -> list[str]:
    return [statement["text"] for statement in answer["statements"]]


def test_statements_of_an_asset(door: AppDoor) -> None:
    """Every statement is there in order, with connection, start, duration and rows; those of tests name the test."""
    door.run("t")
    answer = sent(door, "dds.world")
    assert [answer[key] for key in ("taskId", "attempt", "assetName", "state")] == ["t", 1, "dds.world", "SUCCESS"]
    select = "SELECT\n    greeting,\n    COUNT(*) AS count\nFROM staging.hello\nGROUP BY greeting\nORDER BY greeting"
    assert texts(answer)[:2] == [
        "CREATE SCHEMA IF NOT EXISTS dds",
        f"CREATE OR REPLACE TABLE dds.world AS {select}",
    ]
    statements = answer["statements"]
    assert [statement.get("test") for statement in statements[1:]] == [
        None,
        "dds.test_world_count",
        "dds.test_world_greeting_unique",
    ]
    assert statements[1]["rows"] == 1
    assert "rows" not in statements[0]
    assert [statement["number"] for statement in statements] == list(range(1, answer["total"] + 1))
    times = [statement["startTime"] for statement in statements]
    assert times == sorted(times)
    assert all(statement["connection"] == "memory_duck" and statement["durationMs"] >= 0 for statement in statements)


def test_the_statement_that_failed(make_door: Any) -> None:
    """The failed statement has its error with the position; later statements are there too."""
    door = make_door({model("a.b"): block("primary_key_fields: [n]") + "SELECT 1 AS n,\n    nix\nFROM range(3)"})
    door.run("t")
    create, rollback = sent(door, "a.b")["statements"][2:4]
    error = create["error"]
    assert error["message"].startswith('Binder Error: Referenced column "nix" not found')
    assert (error["line"], error["column"]) == (2, 5)
    assert create["text"][error["position"] - 1 :].startswith("nix\nFROM")
    assert rollback["text"] == "ROLLBACK"


def test_which_execution(make_door: Any) -> None:
    """The newest execution is returned, or that of the task or attempt in the query."""
    door = make_door({model("a.b"): "SELECT {{ param('n', 0) }} AS n", model("a.c"): "SELECT 1 AS one"})
    door.run("one", data={"n": 1})
    door.run("one", data={"n": 2})
    door.run("two", data={"n": 3})
    door.post("/api/dag/asset/a.c/execute", {"taskId": "one"})

    def number(query: str) -> str:
        created = next(text for text in texts(sent(door, "a.b", query)) if text.startswith("CREATE OR REPLACE"))
        return created[-6]

    assert [number(query) for query in ("", "?taskId=two", "?taskId=one&attempt=1")] == ["3", "3", "1"]
    carried = sent(door, "a.b", "?taskId=one")
    assert (carried["attempt"], number("?taskId=one")) == (2, "2")
    assert sent(door, "a.c")["attempt"] == 3


def test_nothing_to_return(make_door: Any) -> None:
    """An asset that was never executed, or not in that task, gives 204; unknown assets, tasks and attempts 404."""
    door = make_door({model("a.b"): "SELECT 1 AS n", model("a.c"): "SELECT nix", model("a.d"): '{{ Ref("a.c") }}'})
    path = "/api/dag/asset/a.b/statements"
    assert door.get(path).status_code == 204
    door.run("t")
    door.post("/api/dag/asset/a.c/execute", {"taskId": "only_c"})
    assert door.get("/api/dag/asset/a.d/statements").status_code == 204
    assert door.get(f"{path}?taskId=only_c").status_code == 204
    for query, details in (
        ("?taskId=nix", "no task has this id; GET /api/dag/tasks lists all tasks"),
        ("?taskId=t&attempt=9", "the task has no attempt 9; its newest is 1"),
    ):
        answer = door.get(path + query)
        assert (answer.status_code, answer.json()) == (404, {"error": "Task not found", "details": details})
    answer = door.get("/api/dag/asset/a.nix/statements")
    details = 'there is no asset "a.nix"; known: a.b, a.c, a.d'
    assert (answer.status_code, answer.json()) == (404, {"error": "Asset not found in DAG", "details": details})
    assert door.get(f"{path}?taskId=t&attempt=0").status_code == 400


def test_statements_of_raw_assets(make_door: Any) -> None:
    """What a raw asset sends through its connections is there, failed statements too."""
    code = "def execute(context):\n    duck = context.connection('duck')\n"
    code += "    duck.query('SELECT 1')\n    duck.execute('x')\n"
    door = make_door({raw("a.b"): code})
    door.run("t")
    first, second = sent(door, "a.b")["statements"]
    assert (first["text"], first["rows"]) == ("SELECT 1", 1)
    assert (second["text"], second["error"]["position"]) == ("x", 1)


def test_statements_of_data_tests(make_door: Any) -> None:
    """The statements of a data test are also found by its name; those of a root test only by its name."""
    root = 'SELECT 1 FROM {{ Ref("a.b") }} WHERE n < 0'
    door = make_door({model("a.b"): TESTED, FEW: "SELECT * FROM a.b WHERE n > 7", "assets/tests/root/r.sql": root})
    assert door.get("/api/tests/root.r/statements").status_code == 204
    door.run("t")
    few = door.get("/api/tests/a.few/statements").json()
    assert [few[key] for key in ("taskId", "attempt", "testName", "total")] == ["t", 1, "a.few", 2]
    assert texts(few)[1] == "SELECT * FROM (SELECT * FROM a.b WHERE n > 7\n) AS violations LIMIT 1000"
    assert few["statements"][1]["rows"] == 2
    door.run("t", runTests=False)
    assert door.get("/api/tests/root.r/statements?taskId=nix").status_code == 404
    details = 'there is no data test "a.fewer"; did you mean "a.few"?'
    assert door.get("/api/tests/a.fewer/statements").json() == {"error": "Test not found in DAG", "details": details}


def test_statements_of_root_tests(make_door: Any) -> None:
    """Statements of root tests are kept with the attempt that ran them, and found from one that carried it over."""
    root = 'SELECT 1 FROM {{ Ref("a.b") }} WHERE n < 0'
    door = make_door({model("a.b"): "SELECT 1 AS n", "assets/tests/root/r.sql": root})
    door.run("t")
    door.post("/api/dag/asset/a.b/execute", {"taskId": "t"})
    for query in ("", "?taskId=t"):
        answer = door.get(f"/api/tests/root.r/statements{query}").json()
        assert (answer["attempt"], answer["total"]) == (1, 1)
        assert answer["statements"][0]["test"] == "root.r"


def test_what_is_kept_is_bounded(make_door: Any) -> None:
    """Of many statements the first and the newest are kept, of a long one the start, and the answer says so."""
    count = FIRST_STATEMENTS + LAST_STATEMENTS + 7
    code = (
        "def execute(context):\n    duck = context.connection('duck')\n"
        f"    for number in range({count - 1}):\n        duck.execute(f'SELECT {{number}}')\n"
        f"    duck.execute('SELECT 1' + ' ' * {LONGEST_TEXT} + ', nix')\n"
    )
    door = make_door({raw("a.b"): code})
    door.run("t")
    answer = sent(door, "a.b")
    numbers = [statement["number"] for statement in answer["statements"]]
    assert answer["total"] == count
    assert numbers == [*range(1, FIRST_STATEMENTS + 1), *range(count - LAST_STATEMENTS + 1, count + 1)]
    last = answer["statements"][-1]
    assert (len(last["text"]), last["textLength"]) == (LONGEST_TEXT, LONGEST_TEXT + 13)
    assert last["error"]["position"] == LONGEST_TEXT + 11


def test_a_cancelled_node_keeps_its_statements(make_door: Any) -> None:
    """The statement that a cancellation interrupted is there, with what came before it."""
    door = make_door({model("a.b"): SLOW_SQL}, post_wait_ms=0)
    door.run("t")
    wait_until(lambda: door.get("/api/dag/status/t").json()["inProgressAssets"])
    door.post("/api/dag/cancel/t")
    statements = sent(door, "a.b")["statements"]
    interrupted = [statement for statement in statements if "error" in statement]
    assert [statement["error"]["message"] for statement in interrupted] in ([], ["INTERRUPT Error: Interrupted!"])


def test_an_interrupted_node_keeps_its_statements(tmp_path: Path, serve: Serve) -> None:
    """If the server is killed while an asset is tested, the statements that created the asset are kept."""
    files = {model("a.b"): block("tests: [{name: few}]") + "SELECT 1 AS n", FEW: SLOW_SQL.replace("AS n", "AS m")}
    door = serve(write_project(tmp_path, files), post_wait_ms=0)
    door.run("t")
    wait_until(lambda: door.get("/api/dag").json()["nodes"][0]["state"] == "TESTING")
    door.stop(signal.SIGKILL)
    door.start()
    answer = sent(door, "a.b")
    assert (answer["state"], texts(answer)[1]) == ("FAILED", "CREATE OR REPLACE TABLE a.b AS SELECT 1 AS n")


def test_profiles(make_door: Any) -> None:
    """With `profile`, each DuckDB statement has its profile; retry and execute profile if the task did."""
    door = make_door({model("a.b"): "SELECT 1 AS n"})

    def create(asset: str) -> dict[str, Any]:
        return next(s for s in sent(door, asset)["statements"] if s["text"].startswith("CREATE OR REPLACE TABLE"))

    door.run("plain")
    assert "profile" not in create("a.b")
    door.run("t", profile=True)
    profile = create("a.b")["profile"]
    assert profile["query"]["sql"] == create("a.b")["text"]
    assert profile["operator"]
    door.post("/api/dag/asset/a.b/execute", {"taskId": "t"})
    assert "profile" in create("a.b")
    door.post("/api/dag/asset/a.b/execute", {"taskId": "t", "profile": False})
    assert "profile" not in create("a.b")


def test_highlighted_statements(make_door: Any) -> None:
    """With `tokens`, each statement has its lines, with references, and its profile is a tree of operators."""
    files = {
        model("a.b"): "SELECT 1 AS n",
        model("a.c"): block("tests: [{name: few}]") + 'SELECT * FROM {{ Ref("a.b") }}',
    }
    door = make_door({**files, FEW: 'SELECT * FROM {{ Ref("a.c") }} WHERE n > 7'})
    door.run("t", profile=True)
    create = next(s for s in sent(door, "a.c", "?tokens=true")["statements"] if s["text"].endswith("FROM a.b"))
    assert create["lines"][0][-1] == ["r", "a.b", "a.b"]
    tree = create["profileTree"]
    assert (tree["name"], "profile" in create) == ("RESULT COLLECTOR", False)
    while tree.get("children"):
        tree = tree["children"][0]
    assert (tree["name"], tree["rows"], tree["durationMs"] >= 0) == ("TABLE SCAN", 1, True)
    assert tree["detail"].startswith("Table: small.a.b; ")
    few = door.get("/api/tests/a.few/statements?tokens=true").json()["statements"][0]
    assert ["r", "a.c", "a.c"] in few["lines"][0]
    answer = door.get("/api/tests/a.few/statements?tokens=1")
    error = "Invalid request format: 'tokens' must be true or false, found '1'"
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_a_retry_profiles_as_before(make_door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry profiles if the task did, unless its body has `profile`."""
    files = {model("a.b"): "SELECT {{ ENV('DAGSCOPE_TEST_VALUE', 'nix') }} AS n"}
    door = make_door(files)
    door.run("t", profile=True)
    door.run("u", profile=True)
    monkeypatch.setenv("DAGSCOPE_TEST_VALUE", "1")
    door.post("/api/dag/retry/t")
    assert any("profile" in statement for statement in sent(door, "a.b")["statements"])
    door.post("/api/dag/retry/u", {"profile": False})
    assert not any("profile" in statement for statement in sent(door, "a.b")["statements"])
    assert door.post("/api/dag/retry/u", {"profile": 1}).status_code == 400


def test_timings(make_door: Any) -> None:
    """Waiting on upstreams, waiting for a worker, executing and testing are timed separately."""
    slow = "import time\nimport pyarrow as pa\n"
    slow += "def execute(context):\n    time.sleep(0.3)\n    return pa.table({'n': [1]})\n"
    reader = block("persist_inputs: true\ntests: [{name: few}]") + 'SELECT * FROM {{ Ref("a.b") }}'
    files = {raw("a.b"): slow, raw("a.c"): slow, model("a.d"): reader, FEW: "SELECT * FROM a.d WHERE n > 7"}
    nodes = {node["assetName"]: node for node in make_door(files, max_workers=1).run("t").json()["nodes"]}
    b, c, d = (nodes[name]["timings"] for name in ("a.b", "a.c", "a.d"))
    assert b["executingMs"] >= 300 > b["waitingMs"] + b["queuedMs"]
    assert c["queuedMs"] >= 300 > c["waitingMs"]
    assert d["waitingMs"] >= 300
    assert d["executingMs"] + d["testingMs"] == nodes["a.d"]["executionTimeMs"]
    assert (b["testingMs"], nodes["a.d"]["state"]) == (0, "SUCCESS")


@pytest.mark.server
def test_prune_and_reset(make_door: Any, tmp_path: Path) -> None:
    """The statements of a task are deleted with it."""
    door = make_door({model("a.b"): "SELECT 1 AS n"})
    for task in ("one", "two"):
        door.run(task)
    door.stop()

    def count() -> int:
        connection = sqlite3.connect(tmp_path / ".dagscope" / "state.sqlite")
        found: int = connection.execute("SELECT count(*) FROM node_statements").fetchone()[0]
        connection.close()
        return found

    assert count() == 2
    dagscope("prune", "--keep-days", "0", cwd=tmp_path)
    assert count() == 1
    door.start()
    door.post("/api/dag/reset")
    assert count() == 0
