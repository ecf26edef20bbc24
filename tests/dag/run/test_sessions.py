"""What an asset may leave behind in a session, on both engines."""

import threading
from typing import Any

import pytest

from dagscope.dag.ground.errors import RawAssetFailed
from tests.dag.run.task_run import MakeProject, Run, RunProject
from tests.projects import block, model, raw

ORDERS = model("s.orders")
LEFT_OPEN = (
    'connection "db": a transaction was left open, so everything written in it was rolled back; end it with COMMIT'
)
LOST = (
    "nothing was committed: an earlier statement of the transaction failed, so all of it was rolled back; let that "
    "error fail the asset, or start a new transaction after ROLLBACK"
)


def custom(sql: str) -> str:
    return block("materialization: custom") + sql


def execute(*lines: str) -> str:
    """A raw asset with these lines; `d` is its connection."""
    body = ("d = context.connection('db')", *lines)
    return "from concurrent.futures import ThreadPoolExecutor\ndef execute(context):\n" + "".join(
        f"    {line}\n" for line in body
    )


@pytest.fixture
def run(make_project: MakeProject, run_project: RunProject, both_engines: dict[str, str]) -> Any:
    """Runs a project of these files on each engine."""

    def run_files(files: dict[str, str]) -> Run:
        return run_project(make_project({**both_engines, **files}))

    return run_files


def found(run: Run, sql: str) -> Any:
    return run.rows(sql, "db")


@pytest.mark.parametrize(
    "files",
    [
        {ORDERS: custom("BEGIN;\nCREATE TABLE made (id INT);\nINSERT INTO made VALUES (1)")},
        {ORDERS: custom("BEGIN; COMMIT; BEGIN; CREATE TABLE made (id INT)")},
        {raw("s.orders"): execute("d.execute('BEGIN')", "d.execute('CREATE TABLE made (id INT)')")},
        {
            raw("s.orders"): execute(
                "d.execute('BEGIN; CREATE TABLE made (id INT)')", "return d.query('SELECT 1 AS id')"
            )
        },
        {raw("s.orders"): execute("ThreadPoolExecutor(1).submit(d.execute, 'BEGIN').result()")},
    ],
    ids=["custom", "second", "raw", "raw with rows", "thread"],
)
def test_transaction_left_open(run: Any, files: dict[str, str]) -> None:
    """An asset that ends in an open transaction fails, and says that it was rolled back."""
    made = run(files)
    assert made.outcomes == {"s.orders": ("FAILED", LEFT_OPEN)}
    assert "main.made" not in made.project.connections["db"].relations()
    assert found(made, "SELECT 1 AS one") == [(1,)]


def test_transaction_that_ends(run: Any) -> None:
    """An asset may commit or roll back its own transactions."""
    sql = "CREATE TABLE kept (id INT); BEGIN; INSERT INTO kept VALUES (1); COMMIT; BEGIN; DELETE FROM kept; ROLLBACK"
    python = execute("d.execute('BEGIN')", "d.execute('CREATE TABLE two (id INT)')", "d.execute('COMMIT')")
    made = run({ORDERS: custom(sql), raw("s.python"): python})
    assert set(made.outcomes.values()) == {("SUCCESS", "")}
    assert (found(made, "SELECT * FROM kept"), found(made, "SELECT * FROM two")) == ([(1,)], [])


@pytest.mark.parametrize("commit", ["COMMIT", "-- done\nend; SELECT 1"])
def test_commit_of_what_failed(run: Any, commit: str) -> None:
    """COMMIT after an error that the asset ignored commits nothing, and is an error."""
    lines = (
        "d.execute('CREATE TABLE made (id INT)')",
        "d.execute('BEGIN')",
        "d.execute('INSERT INTO made VALUES (1)')",
        "try: d.execute('SELECT nope FROM made')",
        "except Exception: pass",
        f"d.execute({commit!r})",
    )
    made = run({raw("s.orders"): execute(*lines)})
    assert made.outcomes == {"s.orders": ("FAILED", f"{LOST} (orders.py:9)")}
    assert found(made, "SELECT * FROM made") == []


@pytest.mark.parametrize(
    "statement",
    ["CREATE TEMPORARY TABLE t AS SELECT 1 AS id", "PREPARE p AS SELECT 1", "SET search_path = 's'"],
    ids=["temporary table", "prepared", "setting"],
)
def test_session_leaves_nothing(run: Any, statement: str) -> None:
    """The state of an asset's session does not reach the next asset, nor the same asset's next run."""
    for _ in range(2):
        assert run({ORDERS: custom(statement), "s": ""}).outcomes == {"s.orders": ("SUCCESS", "")}


def test_threads(run: Any) -> None:
    """More threads of a raw asset than a pool has connections can use one connection at the same time."""
    lines = (
        "d.execute('CREATE TABLE parts (n INT)')",
        "def part(n):",
        "    d.execute(f'INSERT INTO parts VALUES ({n})')",
        "    return d.query(f'SELECT {n} AS n').to_pylist()[0]['n']",
        "with ThreadPoolExecutor(8) as pool: return list(pool.map(part, range(16)))",
    )
    made = run({raw("s.parts"): execute(*lines)})
    assert made.message("s.parts") == ""
    assert made.captured("s.parts") == list(range(16))
    assert found(made, "SELECT count(*) AS n, sum(n) AS s FROM parts") == [(16, 120)]


def test_transaction_of_a_thread(run: Any) -> None:
    """A thread keeps its session while it has a transaction open; others do not see uncommitted changes."""
    lines = (
        "d.execute('CREATE TABLE t (n INT)')",
        "pool = ThreadPoolExecutor(1)",
        "for sql in ('BEGIN', 'INSERT INTO t VALUES (1)'): pool.submit(d.execute, sql).result()",
        "before = d.query('SELECT * FROM t').num_rows",
        "pool.submit(d.execute, 'COMMIT').result()",
        "return [before, d.query('SELECT * FROM t').num_rows]",
    )
    assert run({raw("s.t"): execute(*lines)}).captured("s.t") == [0, 1]


def test_own_session_of_a_thread(run: Any) -> None:
    """A thread that asks for a connection itself has one session for its calls, which no other thread sees."""
    lines = (
        "pool = ThreadPoolExecutor(1)",
        "def in_thread(method, sql): return getattr(context.connection('db'), method)(sql)",
        "pool.submit(in_thread, 'execute', 'CREATE TEMPORARY TABLE mine AS SELECT 7 AS n').result()",
        "kept = pool.submit(in_thread, 'query', 'SELECT n FROM mine').result().to_pylist()",
        "try: d.query('SELECT n FROM mine')",
        "except Exception: return kept",
    )
    made = run({raw("s.t"): execute(*lines)})
    assert made.captured("s.t") == [{"n": 7}]
    assert made.project.connections["db"].sessions == 0


def test_own_sessions_of_many_threads(run: Any) -> None:
    """More threads than a pool has connections can each have a session; those of threads that ended are closed."""
    lines = (
        "import threading",
        "all_there = threading.Barrier(8)",
        "def part(n):",
        "    all_there.wait()",
        "    for _ in range(3): context.connection('db').query('SELECT 1 AS n')",
        "    all_there.wait()",
        "with ThreadPoolExecutor(8) as pool: list(pool.map(part, range(8)))",
        "return 'done'",
    )
    made = run({raw("s.t"): execute(*lines)})
    assert (made.message("s.t"), made.captured("s.t"), made.project.connections["db"].sessions) == ("", "done", 0)


def test_thread_that_outlives_its_asset(run: Any) -> None:
    """A connection ends with its asset, also for a thread that is still running."""
    lines = ("import threading", "threading.stray = d", "return 1")
    try:
        assert run({raw("s.t"): execute(*lines)}).message("s.t") == ""
        stray = vars(threading).pop("stray")
        with pytest.raises(RawAssetFailed) as raised:
            stray.execute("SELECT 1")
    finally:
        vars(threading).pop("stray", None)
    assert str(raised.value) == 'connection "db": the raw asset that it was opened for has ended'
