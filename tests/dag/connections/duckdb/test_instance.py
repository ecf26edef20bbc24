"""Changes of a DuckDB session that affect all others, which end with the session."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from dagscope.dag.connections import Connection
from dagscope.dag.ground.errors import StatementFailed

ATTACH = "ATTACH '{}' AS other; SELECT count(*) FROM other.t"


@pytest.fixture
def opened(connect: Callable[..., Connection]) -> Connection:
    return connect("duckdb", path="here.duckdb")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another database, which no process has open."""
    with duckdb.connect(str(tmp_path / "other.duckdb")) as made:
        made.execute("CREATE TABLE t AS SELECT 9 AS id")
    return tmp_path / "other.duckdb"


@pytest.mark.parametrize(
    "sql",
    [
        ATTACH,
        'ATTACH IF NOT EXISTS \'{}\' AS "Other"; USE "Other"; SELECT count(*) FROM t',
        "BEGIN; ATTACH '{}' AS other; COMMIT",
        "BEGIN; ATTACH '{}' AS other",
        "CREATE SECRET s (TYPE http)",
        "BEGIN; CREATE SECRET s (TYPE http); COMMIT",
        "SET VARIABLE x = 1; SET schema = 'main'; CREATE TEMP VIEW v AS SELECT 1; CREATE TEMP MACRO m() AS 1",
    ],
)
def test_the_same_again(opened: Connection, other: Path, sql: str) -> None:
    """The next session can repeat what a session did; between them, other processes can open the other file."""
    for _ in range(3):
        with opened.session() as session:
            session.execute(sql.format(other))
        duckdb.connect(str(other)).close()


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SET GLOBAL threads = 1", "threads"),
        ("SET threads = 1", "threads"),
        ("PRAGMA memory_limit = '100MB'", "memory_limit"),
        ("SET GLOBAL TimeZone = 'Asia/Tokyo'", "TimeZone"),
        ("RESET threads", "threads"),
        ("SET GLOBAL enable_external_access = false", "enable_external_access"),
        ("SET GLOBAL lock_configuration = true", "lock_configuration"),
        ("SET threads = 1; SET threads = 4", "threads"),
    ],
)
def test_settings(connect: Callable[..., Connection], sql: str, name: str) -> None:
    """A global setting that a session changes is restored for the next one, including settings from config.yaml."""
    opened = connect("duckdb", path="here.duckdb", extraParams=[{"name": "threads", "value": 3}])
    values = []
    for statement in ("SELECT 1", sql, "SELECT 1"):
        with opened.session() as session:
            values.append(session.scalar(f"SELECT value FROM duckdb_settings() WHERE name = '{name}'"))
            session.execute(statement)
    with opened.session() as session:
        values.append(session.scalar(f"SELECT value FROM duckdb_settings() WHERE name = '{name}'"))
    assert len(set(values)) == 1


def test_settings_of_overlapping_sessions(opened: Connection) -> None:
    """Whichever session ends first, the setting is restored once both have ended."""
    setting = "SELECT value FROM duckdb_settings() WHERE name = 'preserve_insertion_order'"
    one, two = opened.session(), opened.session()
    first, second = one.__enter__(), two.__enter__()
    first.execute("SET GLOBAL preserve_insertion_order = false")
    second.execute("SET GLOBAL preserve_insertion_order = false")
    one.__exit__(None, None, None)
    two.__exit__(None, None, None)
    with opened.session() as session:
        assert session.scalar(setting) == "true"


@pytest.mark.parametrize("end", ["", "; DETACH other"])
def test_attached_at_the_same_time(opened: Connection, other: Path, end: str) -> None:
    """Sessions that attach the same database at the same time share it, until the last of them ends."""

    def use(_: int) -> None:
        with opened.session() as session:
            session.execute(ATTACH.format(other) + "; SELECT count(*) FROM other.t, range(3000000)" + end)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(12)))
    with opened.session() as session:
        assert session.scalar("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'other'") == 0


def test_attached_twice(opened: Connection, other: Path) -> None:
    """A session that attaches a database twice gets DuckDB's error."""
    with opened.session() as session, pytest.raises(StatementFailed, match="already"):
        session.execute(f"ATTACH '{other}' AS other; ATTACH '{other}' AS other")


def test_persistent_secrets_stay(connect: Callable[..., Connection], tmp_path: Path) -> None:
    """Persistent changes stay."""
    folder = {"name": "secret_directory", "value": str(tmp_path / "secrets")}
    opened = connect("duckdb", path="here.duckdb", extraParams=[folder])
    with opened.session() as session:
        session.execute("CREATE PERSISTENT SECRET kept (TYPE http)")
    with opened.session() as session:
        assert session.scalar("SELECT name FROM duckdb_secrets()") == "kept"


@pytest.mark.parametrize("sql", [ATTACH, "SET threads = 1; SELECT 1", "CREATE SECRET s (TYPE http); SELECT 1"])
def test_changed_by_a_read(opened: Connection, other: Path, sql: str) -> None:
    """It does not matter whether the rows of the last statement are wanted."""
    threads = []
    for _ in range(2):
        with opened.session() as session:
            threads.append(session.scalar("SELECT current_setting('threads')"))
            assert session.read(sql.format(other)).read_all().to_pylist() == [{name: 1} for name in _columns(sql)]
    assert threads[0] == threads[1]


def _columns(sql: str) -> list[str]:
    return ["count_star()"] if sql is ATTACH else ["1"]


def test_relations_of_an_attached_database(opened: Connection, other: Path) -> None:
    """While a session has another database attached, what is in there is not taken for the project's."""
    with opened.session() as session:
        session.execute(ATTACH.format(other))
        assert opened.relations() == {}
