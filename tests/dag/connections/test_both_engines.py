"""What every engine guarantees: the same tests on DuckDB, a real PostgreSQL, and a real Spark with each format."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal

import pyarrow as pa
import pytest

from dagscope.dag.connections import Connection, RelationKind, Session
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, ColumnsDiffer, ConnectionFailed, StatementFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import IndexEntry, Materialization
from tests.dag.connections.conftest import WITH_COUNTS, WITH_KEYS, WITH_TRANSACTIONS, rows

SLOW = "SELECT count(*) FROM {series} AS a, {series} AS b WHERE a.n * b.n % 7 = 3"
SERIES = {
    "duckdb": "(SELECT range AS n FROM range(1000000))",
    "postgres": "(SELECT n FROM generate_series(1, 1000000) n)",
    "spark": "(SELECT id AS n FROM range(1000000))",
}


def asset(materialization: str = "table", name: str = "dds.orders", **keys: object) -> Asset:
    kind = Materialization(materialization)
    return Asset(name, f"{name}.sql", "any", "any", kind, None, **keys)  # type: ignore[arg-type]


def make(session: Session, made: Asset, sql: str) -> int | None:
    session.create_schema(made.stage)
    return session.materialize(made, sql, session.relation_kind(made.name))


@WITH_COUNTS
def test_statements_tell_what_they_wrote(session: Session) -> None:
    """execute returns the number of rows that its last statement wrote, 0 if it wrote no rows."""
    assert session.execute("CREATE TABLE t (id INT)") == 0
    assert session.execute("INSERT INTO t VALUES (1), (2)") == 2
    assert session.execute("UPDATE t SET id = 3 WHERE id = 1; DELETE FROM t") == 2
    assert session.execute("SELECT 1") == 0


def test_scalar(session: Session) -> None:
    """scalar is the first value of the first row, None without rows."""
    assert session.scalar("SELECT 7, 8") == 7
    assert session.scalar("SELECT 7 WHERE false") is None


def test_read_of_nothing_has_columns(session: Session) -> None:
    """A query without rows still returns its columns."""
    table = session.read("SELECT 1 AS id, 'x' AS name WHERE false").read_all()
    assert (table.num_rows, table.schema.names) == (0, ["id", "name"])


def test_columns_of_one_name(session: Session) -> None:
    """Two columns with the same name are both returned, and get different names when written."""
    table = session.read("SELECT 1 AS id, 2 AS id").read_all()
    assert [column.to_pylist() for column in table.columns] == [[1], [2]]
    session.write("twice", table.to_reader())
    assert session.read("SELECT * FROM twice").read_all().to_pylist() == [{"id": 1, "id_1": 2}]


def test_write_replaces(session: Session) -> None:
    """write creates a table, and replaces its rows and columns."""
    for table in ({"id": [1, 2]}, {"id": [3]}, {"name": ["x"]}):
        assert session.write("t", pa.table(table).to_reader()) == len(next(iter(table.values())))
        assert session.read("SELECT * FROM t").read_all().to_pydict() == table


def test_failed_write_leaves_the_old_table(session: Session) -> None:
    """If the rows' source fails, the table stays unchanged and the source's error is raised."""

    def broken() -> object:
        yield pa.record_batch({"id": [2]})
        raise StatementFailed("far", "the other database is gone")

    session.write("t", pa.table({"id": [1]}).to_reader())
    reader = pa.RecordBatchReader.from_batches(pa.schema({"id": pa.int64()}), broken())
    with pytest.raises(StatementFailed, match=r"^the other database is gone$"):
        session.write("t", reader)
    assert rows(session, "SELECT * FROM t") == [(1,)]


@WITH_TRANSACTIONS
def test_snapshot(connection: Connection) -> None:
    """A count and rows that are read together are of the same moment, whatever other sessions write."""
    with connection.session() as reader, connection.session() as writer:
        writer.execute("CREATE TABLE t (id INT); INSERT INTO t VALUES (1)")
        with reader.snapshot():
            assert reader.scalar("SELECT count(*) FROM t") == 1
            writer.execute("INSERT INTO t VALUES (2)")
            assert rows(reader, "SELECT id FROM t") == [(1,)]
        assert reader.scalar("SELECT count(*) FROM t") == 2


def test_relation_kinds(session: Session, connection: Connection) -> None:
    """Tables and views are distinguished, by name and in the list of all."""
    session.execute("CREATE SCHEMA s; CREATE TABLE s.t (id INT); CREATE VIEW s.v AS SELECT * FROM s.t")
    assert [session.relation_kind(f"s.{name}") for name in "tvx"] == [RelationKind.TABLE, RelationKind.VIEW, None]
    assert connection.relations() == {"s.t": RelationKind.TABLE, "s.v": RelationKind.VIEW}


KEYWORDS = {
    "duckdb": "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')",
    "postgres": "SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')",
    "spark": "SELECT lower(keyword) FROM sql_keywords() WHERE reserved",
}


def test_reserved_words(session: Session, connection: Connection) -> None:
    """Every reserved word of the engine can be a name: it is quoted."""
    if connection.engine == "spark":
        session.execute("SET spark.sql.ansi.enforceReservedKeywords = true")
    words = [word for (word,) in rows(session, KEYWORDS[connection.engine] + " ORDER BY 1")]
    assert set(words) <= connection.dialect.reserved
    columns = ", ".join(f"1 AS {connection.dialect.identifier(word)}" for word in words)
    session.execute(f"CREATE TABLE reserved AS SELECT {columns}")
    names = connection.dialect.identifiers(words)
    assert session.read(f"SELECT {names} FROM reserved").read_all().schema.names == words


_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'stage%'"
SCHEMAS = {"spark": "SHOW SCHEMAS LIKE 'stage*'"}


def test_schema_made_by_many_at_once(connection: Connection) -> None:
    """Several threads that need a new schema at the same moment all get it."""

    def create(number: int) -> None:
        with connection.session() as session:
            session.create_schema(f"stage_{number % 3}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(create, range(24)))
    with connection.session() as session:
        found = rows(session, SCHEMAS.get(connection.engine, _SCHEMAS))
    assert sorted(found) == [("stage_0",), ("stage_1",), ("stage_2",)]


@contextmanager
def cancelled_soon(cancellation: Cancellation) -> Iterator[None]:
    """Requests the cancellation repeatedly, as a server does: a statement may just be starting."""
    ended = threading.Event()

    def request() -> None:
        while not ended.wait(0.3):
            cancellation.request()

    requesting = threading.Thread(target=request)
    requesting.start()
    try:
        yield
    finally:
        ended.set()
        requesting.join()


def test_cancel(cancelled_session: tuple[Session, Cancellation], connection: Connection) -> None:
    """A running statement stops when the task is cancelled, and so does reading rows; other sessions continue."""
    session, cancellation = cancelled_session
    started = time.monotonic()
    with cancelled_soon(cancellation), pytest.raises(Cancelled):
        session.execute(SLOW.format(series=SERIES[connection.engine]))
    assert time.monotonic() - started < 5
    with connection.session() as other:
        assert other.scalar("SELECT 1") == 1


def test_cancel_while_reading(connection: Connection) -> None:
    """A read stops too when the task is cancelled."""
    cancellation = Cancellation()
    with connection.session(cancellation) as session, cancelled_soon(cancellation), pytest.raises(Cancelled):
        session.read(SLOW.format(series=SERIES[connection.engine])).read_all()


def test_connection_opens_again(connection: Connection) -> None:
    """A closed connection is opened again by the next session."""
    for _ in range(2):
        with connection.session() as session:
            assert session.scalar("SELECT 1") == 1
        connection.close()


@pytest.mark.parametrize(
    "changes",
    [("table", "view", "table"), ("view", "incremental", "view"), ("incremental", "table"), ("table", "table")],
    ids=" -> ".join,
)
def test_materializations(session: Session, changes: tuple[str, ...]) -> None:
    """Each materialization creates its relation, whatever it replaces; an incremental one appends."""
    for number, materialization in enumerate(changes):
        written = make(session, asset(materialization), f"SELECT {number} AS id")
        assert written == (None if materialization == "view" else 1)
        assert rows(session, "SELECT * FROM dds.orders") == [(number,)]
        kind = RelationKind.VIEW if materialization == "view" else RelationKind.TABLE
        assert session.relation_kind("dds.orders") is kind


def test_incremental_appends(session: Session) -> None:
    """The second run of an incremental asset appends to the result of the first."""
    for number in range(3):
        make(session, asset("incremental"), f"SELECT {number} AS id")
    assert rows(session, "SELECT id FROM dds.orders ORDER BY id") == [(0,), (1,), (2,)]


def test_table_of_other_columns(session: Session) -> None:
    """A table whose query has changed its columns gets the new ones, in their order."""
    for sql in ("SELECT 1 AS a, 2 AS b", "SELECT 'x' AS b, 1 AS c, 2 AS a", "SELECT 1.5 AS c"):
        make(session, asset(), sql)
        expected = session.read(sql).read_all()
        assert session.read("SELECT * FROM dds.orders").read_all().to_pylist() == expected.to_pylist()


def test_view_of_other_columns(session: Session) -> None:
    """A view whose query has changed its columns gets the new ones."""
    for sql in ("SELECT 1 AS a, 2 AS b", "SELECT 'x' AS c", "SELECT 'y' AS c, 1 AS d"):
        make(session, asset("view"), sql)
        assert (
            session.read("SELECT * FROM dds.orders").read_all().to_pylist() == session.read(sql).read_all().to_pylist()
        )


def test_table_that_reads_itself(session: Session) -> None:
    """A table's query may read the table's old rows."""
    make(session, asset(), "SELECT 1 AS id")
    make(session, asset(), "SELECT id + 1 AS id FROM dds.orders")
    assert rows(session, "SELECT * FROM dds.orders") == [(2,)]


@WITH_KEYS
def test_keys(session: Session) -> None:
    """Primary key and unique index hold after the first run and the second, and follow changes in the profile."""
    index = IndexEntry(name="by_day", unique=True, fields=["day"])
    doubled = "SELECT 1 AS id, 1 AS day UNION ALL SELECT {id}, {day}"
    for keys in ({"primary_key_fields": ("id",)}, {"indexes": (index,)}, {"primary_key_fields": ("id", "day")}):
        for _ in range(2):
            make(session, asset(**keys), doubled.format(id=2, day=2))
        broken = {"id": 1, "day": 2} if "primary_key_fields" in keys else {"id": 2, "day": 1}
        broken = {"id": 1, "day": 1} if keys.get("primary_key_fields") == ("id", "day") else broken
        with pytest.raises(StatementFailed):
            make(session, asset(**keys), doubled.format(**broken))
        assert session.scalar("SELECT count(DISTINCT id) FROM dds.orders") == 2
    make(session, asset(), doubled.format(id=1, day=1))
    assert rows(session, "SELECT * FROM dds.orders") == [(1, 1), (1, 1)]


@WITH_KEYS
def test_key_of_null(session: Session) -> None:
    """Rows may have no key, any number of them, and each model of a stage may have an index of the same name."""
    index = IndexEntry(name="ix", fields=["id"])
    for name in ("dds.orders", "dds.sales"):
        keyed = asset(name=name, primary_key_fields=("id",), indexes=(index,))
        for _ in range(2):
            make(session, keyed, "SELECT CAST(NULL AS int) AS id UNION ALL SELECT NULL UNION ALL SELECT 1")
        assert rows(session, f"SELECT count(*) FROM {name}") == [(3,)]


def test_rows_of_the_last_statement(session: Session) -> None:
    """Of several statements the last one's rows are read, once all before it have run; some give none."""
    session.create_schema("dds")
    script = "CREATE TABLE dds.made AS SELECT 1 AS id; SELECT 2 AS id; {} -- the end"
    found = session.execute_and_read(script.format("SELECT id, CAST(1.50 AS numeric(4, 2)) AS price FROM dds.made;"))
    assert found is not None
    assert found.read_all().to_pylist() == [{"id": 1, "price": Decimal("1.50")}]
    assert session.execute_and_read("DROP TABLE dds.made") is None


def test_failed_table_leaves_the_old_one(session: Session) -> None:
    """A query that fails changes nothing."""
    make(session, asset(), "SELECT 1 AS id")
    with pytest.raises(StatementFailed):
        make(session, asset(), "SELECT id / 0 AS id, nope FROM dds.orders")
    assert rows(session, "SELECT * FROM dds.orders") == [(1,)]


def test_readers_never_miss_a_table(connection: Connection) -> None:
    """While a table is replaced repeatedly, another session always finds it complete, old or new."""
    stop = threading.Event()
    seen: list[object] = []

    def look() -> None:
        with connection.session() as session:
            while not stop.is_set():
                seen.append(tuple(rows(session, "SELECT count(*) AS n, min(id) = max(id) AS one FROM dds.orders")[0]))

    with connection.session() as session:
        make(session, asset(), "SELECT 0 AS id FROM " + _thousand(connection))
        reader = threading.Thread(target=look)
        reader.start()
        for number in range(15):
            column = "id" if number < 10 else f"{number} AS other, id"
            make(session, asset(), f"SELECT {column} FROM (SELECT {number} AS id FROM {_thousand(connection)}) AS rows")
        stop.set()
        reader.join()
    assert set(seen) == {(1000, True)}


def _thousand(connection: Connection) -> str:
    return "generate_series(1, 1000)" if connection.engine == "postgres" else "range(1000)"


def test_relations_of_many_stages_at_once(connection: Connection) -> None:
    """Several threads can create new assets of the same stages without conflicts."""

    def create(number: int) -> int | None:
        kind = ("table", "view", "incremental")[number % 3]
        with connection.session() as session:
            return make(session, asset(kind, f"stage_{number % 4}.model_{number}"), "SELECT 1 AS id")

    with ThreadPoolExecutor(4) as pool:
        assert [written is None for written in pool.map(create, range(24))] == [n % 3 == 1 for n in range(24)]
    assert len(connection.relations()) == 24


def test_errors_are_dagscopes(session: Session) -> None:
    """A statement that the database refuses raises StatementFailed, from every method of a session."""
    for use in (session.execute, session.scalar, session.read):
        with pytest.raises(StatementFailed, match="nowhere"):
            use("SELECT * FROM nowhere")


def test_error_in_a_later_row(session: Session, connection: Connection) -> None:
    """An error while rows are being read raises StatementFailed too."""
    series = "generate_series(0, 899999) AS t(n)" if connection.engine == "postgres" else "range(900000) AS t(n)"
    with pytest.raises(StatementFailed):
        session.read(
            f"SELECT CASE WHEN n < 899999 THEN n ELSE CAST('x' || n AS INT) END AS id FROM {series}"
        ).read_all()


def test_wide_table(session: Session) -> None:
    """A thousand columns can be read and written."""
    sql = "SELECT " + ", ".join(f"{n} AS c{n}" for n in range(1_000))
    session.write("wide", session.read(sql).read_all().to_reader())
    assert rows(session, "SELECT * FROM wide") == [tuple(range(1_000))]


def test_decimals_keep_their_scale(session: Session) -> None:
    """A decimal comes back with all its digits and its scale."""
    values = ["1.10", "-0.01", "99999999999999999999999999999999.999999"]
    table = pa.table({"d": pa.array(map(Decimal, values), pa.decimal128(38, 6))})
    session.write("t", table.to_reader())
    found = session.read("SELECT d FROM t").read_all().column(0)
    assert (found.type, [str(value) for value in found.to_pylist()]) == (
        pa.decimal128(38, 6),
        ["1.100000", "-0.010000", values[2]],
    )


def test_closed_connection_is_told(connection: Connection) -> None:
    """A session of a closed connection raises an error that names the connection."""
    with connection.session() as session:
        connection.close()
        with pytest.raises((StatementFailed, ConnectionFailed)):
            session.execute("SELECT * FROM nowhere")


SEVERAL = """\
CREATE TABLE t (id INT);
-- two
INSERT INTO t VALUES (1);

  INSERT INTO t
    {failing};
SELECT ';';
SELECT 5"""


@pytest.mark.parametrize(
    "failing",
    [
        "SELECT nope FROM t",
        "SELECT id / 0 FROM t WHERE 'x' = CAST(id AS varchar(9)) || CAST('y' AS int)",
        "SELECT 1 2 3",
    ],
)
def test_which_statement_failed(session: Session, failing: str) -> None:
    """The error of several statements says which one failed, and where it starts."""
    with pytest.raises(StatementFailed) as raised:
        session.execute(SEVERAL.format(failing=failing))
    assert str(raised.value).splitlines()[-1] == "in statement 3 of 5, which starts at line 5: INSERT INTO t"


def test_line_of_the_statement_that_failed(session: Session) -> None:
    """The line is counted in the whole text."""
    with pytest.raises(StatementFailed) as raised:
        session.execute(SEVERAL.format(failing="SELECT nope FROM t"))
    shown = next(line for line in str(raised.value).splitlines() if line.startswith("LINE "))
    assert (shown, str(raised.value).splitlines()[-2].index("^")) == ("LINE 6:     SELECT nope FROM t;", 19)
    with pytest.raises(StatementFailed) as raised:
        session.execute("SELECT 1; SELECT nope")
    assert str(raised.value).splitlines()[-1] == "in statement 2 of 2, which starts at line 1: SELECT nope"


def test_secrets_of_a_statement_that_failed(session: Session) -> None:
    """A long line is not cut inside a string, where a secret would no longer be recognized."""
    with pytest.raises(StatementFailed) as raised:
        session.execute(f"SELECT 1; SELECT CAST(id AS date) AS d, 'hunter2{'x' * 300}' FROM (SELECT 'x' AS id) AS q")
    assert "starts at line 1: SELECT CAST(id AS date) AS d, ..." in str(raised.value)


FIRST = "SELECT 1 AS id, 'Ada' AS given, 'Lovelace' AS family"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 2 AS id, 'Hopper' AS family, 'Grace' AS given",
        "SELECT 2 AS ID, 'Hopper' AS Family, 'Grace' AS GIVEN",
        "WITH q AS (SELECT 'Grace' AS given) SELECT 'Hopper' AS family, 2 AS id, given FROM q -- the end",
        "SELECT max(id) + 1 AS id, 'Hopper' AS family, 'Grace' AS given FROM dds.orders",
    ],
)
def test_incremental_appends_by_name(session: Session, sql: str) -> None:
    """The columns of an incremental asset may change their order: each value goes to the column with its name."""
    make(session, asset("incremental"), FIRST)
    assert make(session, asset("incremental"), sql) == 1
    assert rows(session, "SELECT given, family FROM dds.orders ORDER BY id") == [
        ("Ada", "Lovelace"),
        ("Grace", "Hopper"),
    ]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 2 AS id, 'Grace' AS given", 'only the table has "family"'),
        (f"{FIRST}, 1 AS age, 2 AS size", 'only the query has "age", "size"'),
        (
            "SELECT 2 AS id, 'G' AS given, 'H' AS surname",
            'only the query has "surname" and only the table has "family"',
        ),
    ],
    ids=["fewer", "more", "others"],
)
def test_incremental_of_other_columns(session: Session, sql: str, said: str) -> None:
    """If the names differ, nothing is appended, and the error says which ones."""
    make(session, asset("incremental"), FIRST)
    with pytest.raises(ColumnsDiffer) as raised:
        make(session, asset("incremental"), sql)
    advice = "make the query return the table's columns, or drop the table"
    assert str(raised.value) == f'"dds.orders" is incremental and appends by name, but {said}; {advice}'
    assert session.count_rows("dds.orders") == 1


def test_incremental_of_two_columns_of_one_name(session: Session) -> None:
    """Two columns with the same name are refused, because they could be swapped silently."""
    make(session, asset("incremental"), FIRST)
    with pytest.raises(ColumnsDiffer) as raised:
        make(session, asset("incremental"), "SELECT 1 AS id, 'x' AS given, 'y' AS given, 'z' AS family")
    advice = "give each a different name"
    said = f'"dds.orders" is incremental and appends by name, but its query has more than one column "given"; {advice}'
    assert str(raised.value) == said


@WITH_KEYS
def test_incremental_leaves_out_what_the_table_computes(session: Session) -> None:
    """The query may lack a column that the table computes itself."""
    stored = " STORED" if "Postgres" in type(session).__name__ else ""
    session.create_schema("dds")
    session.execute(f"CREATE TABLE dds.orders (id INT, twice INT GENERATED ALWAYS AS (id * 2){stored}, v INT)")
    make(session, asset("incremental"), "SELECT 3 AS v, 2 AS id")
    assert rows(session, "SELECT id, twice, v FROM dds.orders") == [(2, 4, 3)]


def select(session: Session, sql: str, *inputs: str) -> None:
    """Select with one row in each of the inputs."""
    with session.selecting(sql, {name: pa.table({"id": [1]}).to_reader() for name in inputs}) as found:
        found.read_all()


USES = {
    "execute": lambda session, sql: session.execute(sql),
    "read": lambda session, sql: session.read(sql),
    "select": select,
    "select with inputs": lambda session, sql: select(session, sql, "tmp_given"),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("SELECT 1,\n  nope FROM (SELECT 2 AS id) AS q", "LINE 2:   nope FROM (SELECT 2 AS id) AS q"),
        ("SELECT *\n\n FROM nowhere", "LINE 3:  FROM nowhere"),
        ("SELECT 1\n  2 3", "LINE 2:   2 3"),
    ],
    ids=["column", "table", "syntax"],
)
def test_line_of_an_error(session: Session, use: str, sql: str, line: str) -> None:
    """The line of an error is shown, whatever the statement is for."""
    with pytest.raises(StatementFailed) as raised:
        USES[use](session, sql)
    assert line in str(raised.value).splitlines()


def test_failed_read_executes_nothing_twice(session: Session) -> None:
    """Finding the line of an error does not execute earlier statements again."""
    session.execute("CREATE TABLE t (id INT)")
    with pytest.raises(StatementFailed):
        session.read("SELECT 1; INSERT INTO t VALUES (1); SELECT nope").read_all()
    assert session.count_rows(f"{session.dialect.default_schema}.t") < 2
