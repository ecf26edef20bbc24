"""What is specific to DuckDB behind the engine interface."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dagscope.dag.connections import Connection, RelationKind, Session
from dagscope.dag.connections.duckdb.config import DuckDBConfig
from dagscope.dag.connections.duckdb.connection import DuckDBConnection
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, ColumnsDiffer, ConnectionFailed, DagscopeError, StatementFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Materialization

Open = Callable[..., Connection]

UNKNOWN_SETTING = 'Catalog Error: unrecognized configuration parameter "thread"'
NO_DATABASE = 'IO Error: The file "{folder}/notes.duckdb" exists, but it is not a valid DuckDB database file!'
NO_FOLDER = "[Errno 17] File exists: '{folder}/notes.duckdb'"


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Open]:
    """Creates connections named `duck` from the values of a `config`; they are closed at the end."""
    with ExitStack() as made:

        def make(**values: Any) -> Connection:
            connection = DuckDBConnection.from_config("duck", DuckDBConfig.model_validate(values), tmp_path)
            made.callback(connection.close)
            return connection

        yield make


@pytest.fixture
def session(connect: Open) -> Iterator[Session]:
    """A session of a database in memory."""
    with connect().session() as opened:
        yield opened


def read(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in session.read(sql).read_all().to_pylist()]


def test_file_is_made_when_first_used(connect: Open, tmp_path: Path) -> None:
    """The first session, and nothing before it, creates the file and its folders, relative to the project."""
    connection = connect(path="store/deep/shop.duckdb")
    assert connection.relations() == {}
    assert list(tmp_path.iterdir()) == []
    with connection.session() as session:
        session.execute("CREATE TABLE orders (id INT)")
    assert (tmp_path / "store/deep/shop.duckdb").is_file()


def test_path_from_the_environment(connect: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """path_env names the variable that holds the path."""
    monkeypatch.setenv("DAGSCOPE_TEST_PATH", "other.duckdb")
    connect(path_env="DAGSCOPE_TEST_PATH").connect()
    assert (tmp_path / "other.duckdb").is_file()


def test_closed_file_is_opened_again(connect: Open) -> None:
    """Written data is still there when a closed connection is used again."""
    connection = connect(path="shop.duckdb")
    for rows in (1, 2):
        with connection.session() as session:
            session.execute("CREATE TABLE IF NOT EXISTS orders (id INT); INSERT INTO orders VALUES (1)")
            assert session.scalar("SELECT count(*) FROM orders") == rows
        connection.close()


def test_memory_is_shared_by_sessions(connect: Open) -> None:
    """Without a path the database is in memory and exists while the connection is open."""
    connection = connect()
    with connection.session() as session:
        session.execute("CREATE TABLE orders (id INT)")
    assert connection.relations() == {"main.orders": RelationKind.TABLE}
    connection.close()
    assert connection.relations() == {}


def test_settings(connect: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """extraParams are settings of the database, for every session; those from the environment are secrets."""
    monkeypatch.setenv("DAGSCOPE_TEST_AGENT", "hunter2-agent")
    agent = {"name": "custom_user_agent", "value_env": "DAGSCOPE_TEST_AGENT"}
    connection = connect(extraParams=[{"name": "threads", "value": 3}, agent, {"name": "TimeZone", "value": "UTC"}])
    with connection.session() as session:
        settings = "current_setting('threads'), current_setting('custom_user_agent'), current_setting('TimeZone')"
        assert read(session, f"SELECT {settings}") == [(3, "hunter2-agent", "UTC")]
    assert connection.secrets == {"hunter2-agent"}


def test_secrets(connect: Open) -> None:
    """A setting with a secret's name is a secret, and so is a password in a path; other settings are not."""
    settings = [
        {"name": "s3_secret_access_key", "value": "hunter2"},
        {"name": "allow_persistent_secrets", "value": "true"},
        {"name": "threads", "value": "2"},
    ]
    connection = connect(path="postgres://ann:hunter3@db/shop", extraParams=settings)
    assert connection.secrets == {"hunter2", "hunter3"}


def test_extension(connect: Open) -> None:
    """Extensions are loaded before the first statement."""
    with connect(extensions=["json"]).session() as session:
        assert session.scalar("SELECT loaded FROM duckdb_extensions() WHERE extension_name = 'json'") is True


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"extraParams": [{"name": "thread", "value": 1}]}, UNKNOWN_SETTING),
        ({"path": "notes.duckdb"}, f"cannot open database file notes.duckdb: {NO_DATABASE}"),
        ({"path": "notes.duckdb/a.duckdb"}, f"cannot open database file notes.duckdb/a.duckdb: {NO_FOLDER}"),
    ],
    ids=["setting", "file", "folder"],
)
def test_database_that_cannot_be_opened(connect: Open, tmp_path: Path, values: dict[str, Any], reason: str) -> None:
    """A database that cannot be opened is reported with the connection's name and the path from config.yaml."""
    (tmp_path / "notes.duckdb").write_text("no database\n" * 1_000)
    with pytest.raises(ConnectionFailed) as raised:
        connect(**values).connect()
    assert str(raised.value).splitlines()[0] == 'connection "duck": ' + reason.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("CREATE TABLE t AS FROM range(7)", 7),
        ("CREATE TABLE t (id INT)", 0),
        ("CREATE TABLE t AS FROM range(7); INSERT INTO t FROM range(3)", 3),
        ("CREATE TABLE t AS FROM range(7); UPDATE t SET range = 0 WHERE range > 4", 2),
        ("CREATE TABLE t AS FROM range(7); DELETE FROM t", 7),
        ("SELECT 1", 0),
        ("CREATE VIEW t AS SELECT 1", 0),
    ],
)
def test_rows_written(session: Session, sql: str, rows: int) -> None:
    """execute returns the number of rows that the last statement wrote."""
    assert session.execute(sql) == rows


def test_read(session: Session) -> None:
    """Rows come as Arrow batches, with the columns in SQL order."""
    rows = session.read("SELECT range AS b, range * 2 AS a FROM range(200000)")
    assert rows.schema.names == ["b", "a"]
    sizes = [batch.num_rows for batch in rows]
    assert sum(sizes) == 200_000
    assert len(sizes) > 1


def test_scalar(session: Session) -> None:
    """scalar returns the first value of the first row, or None if there are no rows."""
    assert session.scalar("SELECT 1, 2 UNION ALL SELECT 3, 4 ORDER BY 1") == 1
    assert session.scalar("SELECT 1 WHERE false") is None


def test_file_that_is_deleted_between_sessions(connect: Open, tmp_path: Path) -> None:
    """If the file was deleted, the next session opens a new one, so that what it writes is found again."""
    connection = connect(path="shop.duckdb")
    for _ in range(2):
        with connection.session() as session:
            session.execute("CREATE TABLE orders AS SELECT 1 AS id")
        (tmp_path / "shop.duckdb").rename(tmp_path / "moved.duckdb")
    connection.close()
    with connect(path="moved.duckdb").session() as session:
        assert read(session, "FROM orders") == [(1,)]


def test_file_that_is_deleted_in_use(connect: Open, tmp_path: Path) -> None:
    """A session that wrote to a file that is gone fails and says so; one that only read does not."""
    connection = connect(path="shop.duckdb")
    was = "was deleted, moved or replaced while it was in use, so what was written to it is lost; run the assets again"
    lost = re.escape(f'connection "duck": database file shop.duckdb {was}')

    def write_and_delete() -> None:
        with connection.session() as session:
            session.execute("CREATE TABLE orders AS SELECT 1 AS id")
            (tmp_path / "shop.duckdb").unlink()
            with pytest.raises(ConnectionFailed, match=f"^{lost}$"), connection.session():
                pass

    with pytest.raises(ConnectionFailed, match=f"^{lost}$"):
        write_and_delete()
    with connection.session() as session:
        assert read(session, "SELECT 1") == [(1,)]
        (tmp_path / "shop.duckdb").unlink()


def test_write(session: Session) -> None:
    """Arrow rows become a table, which replaces an existing one."""
    for values in ([1, 2, 3], [4]):
        rows = pa.table({"id": values, "order": ["x"] * len(values)})
        assert session.write("tmp_orders", rows.to_reader()) == len(values)
        assert read(session, "SELECT id FROM tmp_orders") == [(value,) for value in values]


def test_relation_kind(session: Session) -> None:
    """A relation is a table or a view, found by its name regardless of case; other names are None."""
    session.execute('CREATE SCHEMA s; CREATE TABLE s."Orders" AS SELECT 1 AS id; CREATE VIEW s.sales AS FROM s.orders')
    assert session.relation_kind("s.Orders") is session.relation_kind("s.orders") is RelationKind.TABLE
    assert session.relation_kind("s.sales") is RelationKind.VIEW
    assert session.relation_kind("s.nothing") is session.relation_kind("none.orders") is None


def test_relation_kind_of_a_broken_view(session: Session) -> None:
    """A view that can no longer be read is still a view."""
    session.execute(
        "CREATE SCHEMA s; CREATE TABLE s.orders AS SELECT 1 AS id; CREATE VIEW s.sales AS SELECT id FROM s.orders"
    )
    session.execute("DROP TABLE s.orders")
    assert session.relation_kind("s.sales") is RelationKind.VIEW


def test_relations(connect: Open) -> None:
    """All tables and views are listed by schema and name, except the database's own."""
    connection = connect()
    with connection.session() as session:
        session.create_schema("order")
        session.create_schema("order")
        session.execute('CREATE TABLE "order".a AS SELECT 1; CREATE VIEW "order"."B" AS SELECT 1')
    assert connection.relations() == {"order.a": RelationKind.TABLE, "order.B": RelationKind.VIEW}


def test_conflict(connect: Open) -> None:
    """An error from a concurrent change by another session is recognized as a conflict."""
    connection = connect()
    with connection.session() as one, connection.session() as two:
        one.execute("CREATE TABLE t AS SELECT 1 AS id; BEGIN TRANSACTION; DROP TABLE t")
        with pytest.raises(StatementFailed) as conflict:
            two.execute("DROP TABLE t")
        with pytest.raises(StatementFailed) as missing:
            two.execute("DROP TABLE u")
    assert two.is_conflict(conflict.value)
    assert not two.is_conflict(missing.value)


@pytest.mark.parametrize("use", ["execute", "scalar", "read"])
def test_errors_are_dagscopes(session: Session, use: str) -> None:
    """Whatever DuckDB refuses is a StatementFailed with its message, and its own error as the cause."""
    with pytest.raises(StatementFailed) as raised:
        getattr(session, use)("SELECT error('no stock')")
    assert (str(raised.value), raised.value.connection) == ("Invalid Input Error: no stock", "duck")
    assert isinstance(raised.value.__cause__, duckdb.Error)


def test_error_in_a_later_batch(session: Session) -> None:
    """An error while rows are being read is a StatementFailed too."""
    rows = session.read("SELECT CASE WHEN range = 900000 THEN error('late') ELSE range END AS id FROM range(1000000)")
    with pytest.raises(DagscopeError) as raised:
        rows.read_all()
    assert isinstance(raised.value, StatementFailed)
    assert "late" in str(raised.value)


def test_cancelled_session(connect: Open) -> None:
    """After a cancellation request, no statement starts."""
    cancellation = Cancellation()
    with connect().session(cancellation) as session:
        assert session.scalar("SELECT 1") == 1
        cancellation.request()
        with pytest.raises(Cancelled):
            session.scalar("SELECT 1")


def test_names_are_not_python_variables(session: Session) -> None:
    """A missing table is an error, even if dagscope has a Python variable with its name."""
    rows = pa.table({"id": [1]})  # what DuckDB would find if it looked
    with pytest.raises(StatementFailed, match=r"^Catalog Error: Table with name rows does not exist!"):
        session.scalar("SELECT count(*) FROM rows")
    assert rows.num_rows == 1


def test_incremental_names_without_case(session: Session) -> None:
    """Names that differ only in case are the same name."""
    orders = Asset("s.orders", "", "any", "any", Materialization.INCREMENTAL, None)
    session.create_schema("s")
    for sql in ('SELECT 1 AS "Id", 2 AS v', 'SELECT 4 AS "V", 3 AS "iD"'):
        session.materialize(orders, sql, session.relation_kind("s.orders"))
    assert read(session, "FROM s.orders") == [(1, 2), (3, 4)]


def test_incremental_that_begins_with_two_columns_of_one_name(session: Session) -> None:
    """A query with two columns of one name, which DuckDB would rename, is refused at creation too."""
    orders = Asset("s.orders", "", "any", "any", Materialization.INCREMENTAL, None)
    session.create_schema("s")
    with pytest.raises(ColumnsDiffer, match='more than one column "id", "ID"; give each a different name'):
        session.materialize(orders, 'SELECT 1 AS id, 2 AS "ID"', None)
    assert session.relation_kind("s.orders") is None


def test_rows_of_a_pivot(session: Session) -> None:
    """The rows of a table that PIVOT makes are counted, although DuckDB does not say how many it wrote."""
    wide = Asset("s.wide", "", "any", "any", Materialization.TABLE, None)
    sql = "PIVOT (SELECT range % 5 AS a, range % 3 AS b FROM range(100)) ON b USING count(*) GROUP BY a"
    session.create_schema("s")
    assert session.materialize(wide, sql, None) == 5
