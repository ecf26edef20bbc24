"""What only Spark does: on a real Spark Connect server with Delta tables."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from dagscope.dag.connections import Connection, RelationKind, Session
from dagscope.dag.connections.spark import row_files, staging
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.ground.errors import StatementFailed, TooManyRows, TypeNotKept
from dagscope.dag.ground.row_limit import RowLimit
from dagscope.dag.redaction.redaction import Redaction
from tests.dag.connections.conftest import Connect, rows
from tests.dag.connections.test_both_engines import asset, make


@pytest.fixture
def connection(connect: Connect, spark: dict[str, str]) -> Connection:
    """An empty catalog."""
    return connect("spark", **spark)


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    """A session of it."""
    with connection.session() as opened:
        yield opened


def test_rows_in_several_pieces(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are too many for one message arrive in pieces, take effect at once, and leave no table behind."""
    monkeypatch.setattr(staging, "PIECE_BYTES", 1_000)
    batches = [pa.record_batch({"id": list(range(start, start + 200))}) for start in range(0, 600, 200)]
    assert session.write("t", pa.RecordBatchReader.from_batches(batches[0].schema, batches)) == 600
    assert rows(session, "SELECT count(*), count(DISTINCT id), max(id) FROM t") == [(600, 600, 599)]
    assert [row[1] for row in rows(session, "SHOW TABLES")] == ["t"]
    with session.selecting(
        "SELECT max(id) AS id FROM tmp_given", {"tmp_given": pa.Table.from_batches(batches).to_reader()}
    ) as found:
        assert found.read_all().to_pylist() == [{"id": 599}]
    assert [row[1] for row in rows(session, "SHOW TABLES")] == ["t"]


def test_rows_of_one_moment(connection: Connection) -> None:
    """Inside a snapshot, a relation's rows and their number are of one version, whatever other sessions write."""
    with connection.session() as reader, connection.session() as writer:
        make(writer, asset(), "SELECT 1 AS id")
        with reader.snapshot():
            assert reader.count_rows("dds.orders") == 1
            make(writer, asset(), "SELECT 2 AS id UNION ALL SELECT 3")
            assert reader.rows_to_show("dds.orders").read_all().to_pylist() == [{"id": 1}]
        assert reader.count_rows("dds.orders") == 2


def test_snapshot_of_a_view(session: Session) -> None:
    """A view has no versions, and is read as it is."""
    make(session, asset("view"), "SELECT 1 AS id")
    with session.snapshot():
        assert session.count_rows("dds.orders") == 1


def test_row_limit(session: Session) -> None:
    """An asset that writes more rows than it may changes nothing."""
    make(session, asset(), "SELECT 1 AS id")
    session.row_limit = RowLimit(2)
    with pytest.raises(TooManyRows):
        make(session, asset(), "SELECT id FROM range(3)")
    assert rows(session, "SELECT * FROM dds.orders") == [(1,)]
    assert make(session, asset(), "SELECT id FROM range(2)") == 2
    assert [row[1] for row in rows(session, "SHOW TABLES")] == []


def test_view_that_fails_keeps_the_table(session: Session) -> None:
    """A relation of the other kind is dropped only once Spark has understood the query."""
    make(session, asset(), "SELECT 1 AS id")
    with pytest.raises(StatementFailed, match="nope"):
        make(session, asset("view"), "SELECT nope")
    assert session.relation_kind("dds.orders") is RelationKind.TABLE


def test_names_and_strings(session: Session) -> None:
    """Names may be in double quotes, a quote in a string is doubled, and a value of any characters is kept."""
    assert rows(session, """SELECT 'it''s' AS "a b", "a b" FROM (SELECT 1 AS "a b")""") == [("it's", 1)]
    for value in ("\\", "it's \\' here", "\\\\", "a\nb", "\U0001f600"):
        assert session.scalar(f"SELECT {session.dialect.literal(value)}") == value
    assert rows(session, f"SELECT 'a\\\\b' IN {session.dialect.literal(['a', 'a' + chr(92) + 'b'])}") == [(True,)]
    assert session.scalar(f"SELECT {session.dialect.literal({'a': chr(92)})}") == r'{"a": "\\"}'
    name = 'a "b" \\ `c`'
    assert session.read(f"SELECT 1 AS {session.dialect.identifier(name)}").read_all().schema.names == [name]


def test_columns_of_any_names(session: Session) -> None:
    """Columns may have names that Delta refuses by default, at any replacement of the table and in rows that arrive."""
    for name in ("a b", "id", "x=(1)"):
        make(session, asset(), f"SELECT 1 AS {session.dialect.identifier(name)}")
        assert session.read("SELECT * FROM dds.orders").read_all().to_pylist() == [{name: 1}]
    session.write("t", pa.table({"a, b": [1], "c": [{"d e": 2}]}).to_reader())
    assert session.read("SELECT * FROM t").read_all().to_pylist() == [{"a, b": 1, "c": {"d e": 2}}]


def test_place_after_a_wide_character(session: Session) -> None:
    """The place of an error counts characters, also those beyond 16 bits."""
    with pytest.raises(StatementFailed) as raised:
        session.read("SELECT '\U0001f600', nope")
    assert str(raised.value).splitlines()[-2:] == ["LINE 1: SELECT '\U0001f600', nope", " " * 20 + "^"]


def test_statements_are_recorded(connection: Connection) -> None:
    """A statement has the rows that it wrote, and its error the place, without the JVM's stack trace."""
    log = StatementLog(Redaction())
    with connection.session(statements=log) as session:
        session.execute("CREATE TABLE t AS SELECT id FROM range(3)")
        with pytest.raises(StatementFailed):
            session.execute("SELECT 1,\n  1 / (SELECT 0)\n")
    kept = log.kept().json
    assert '"rows":3' in kept
    assert '"line":2,"column":3' in kept
    assert "stacktrace" not in kept


def test_writers_of_one_table(connection: Connection) -> None:
    """Sessions that change one table at the same time repeat what Spark refuses because of the others."""
    update = asset("custom")
    with connection.session() as session:
        make(session, asset(), "SELECT 0 AS id")

    def add_one() -> None:
        with connection.session() as session:
            session.materialize(update, "UPDATE dds.orders SET id = id + 1", None)

    def replace() -> None:
        with connection.session() as session:
            make(session, asset(name="dds.sales"), "SELECT 1 AS id")

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(change) for change in 3 * (replace,) + 3 * (add_one,)]:
            done.result()
    with connection.session() as session:
        assert rows(session, "SELECT id, (SELECT count(*) FROM dds.sales) FROM dds.orders") == [(3, 1)]


def test_tables_left_behind(connect: Connect, connection: Connection, spark: dict[str, str]) -> None:
    """A table of a process that was killed long ago is dropped at the next connect, and a recent one is kept."""
    old, recent = f"{staging.PREFIX}1_ab", staging.staging_table()
    with connection.session() as session:
        for table in (old, recent):
            session.execute(f"CREATE TABLE {table} AS SELECT 1 AS id")
    with connect("spark", **spark).session() as session:
        assert [row[1] for row in rows(session, "SHOW TABLES")] == [recent]


KEPT = pa.table(
    {
        "bool": pa.array([True, None]),
        "i8": pa.array([-128, None], pa.int8()),
        "i64": pa.array([2**63 - 1, None], pa.int64()),
        "u8": pa.array([255, None], pa.uint8()),
        "u64": pa.array([2**64 - 1, None], pa.uint64()),
        "f32": pa.array([1.5, None], pa.float32()),
        "f64": pa.array([float("inf"), None], pa.float64()),
        "dec": pa.array([Decimal("-1.234"), None], pa.decimal128(38, 3)),
        "text": pa.array(["a\0\U0001f600", None]),
        "bytes": pa.array([b"\0\xff", None]),
        "date": pa.array([date(1, 1, 1), None]),
        "ntz": pa.array([253402300799999999, None], pa.int64()).cast(pa.timestamp("us")),
        "ltz": pa.array([datetime(1, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "nothing": pa.nulls(2),
        "items": pa.array([[1, None], None], pa.list_(pa.int32())),
        "parts": pa.array([{"a": 1, "b": ["x"]}, None], pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])),
        "pairs": pa.array([[("k", 1.5)], None], pa.map_(pa.string(), pa.float64())),
        "coded": pa.array(["x", None]).dictionary_encode(),
    }
)


@pytest.mark.parametrize("piece_bytes", [staging.PIECE_BYTES, 1], ids=["one message", "several"])
def test_types(session: Session, monkeypatch: pytest.MonkeyPatch, piece_bytes: int) -> None:
    """Each value comes back as it was."""
    monkeypatch.setattr(staging, "PIECE_BYTES", piece_bytes)
    session.write("t", KEPT.to_reader(max_chunksize=1))
    found = session.read("SELECT * FROM t ORDER BY i64 NULLS LAST").read_all()
    assert found.to_pylist() == KEPT.to_pylist()
    assert found.schema.field("ntz").type == pa.timestamp("us")
    assert found.schema.field("ltz").type == pa.timestamp("us", "UTC")
    assert found.schema.field("u64").type == pa.decimal128(20, 0)


@pytest.mark.parametrize("copies", [True, False], ids=["copies files", "copies none"])
@pytest.mark.parametrize("file_bytes", [row_files.FILE_BYTES, 1], ids=["one file", "several"])
def test_types_in_files(connection: Connection, monkeypatch: pytest.MonkeyPatch, file_bytes: int, copies: bool) -> None:
    """The same of rows that travel as files, and of those that cannot, because the server copies none."""
    monkeypatch.setattr(staging, "PIECE_BYTES", 1)
    monkeypatch.setattr(row_files, "FILE_BYTES", file_bytes)
    flat = KEPT.drop_columns(["items", "parts", "pairs"])
    log = StatementLog(Redaction())
    with connection.session(statements=log) as session:
        session.execute(f"SET spark.sql.artifact.copyFromLocalToFs.allowDestLocal = {copies}")
        session.write("t", flat.to_reader(max_chunksize=1))
        found = session.read("SELECT * FROM t ORDER BY i64 NULLS LAST").read_all()
    assert found.to_pylist() == flat.to_pylist()
    assert ("INSERT INTO" in str(log.kept())) != copies


_REFUSED = 'column "x" of type {} cannot be kept in Spark: {}'


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            pa.array([1], pa.timestamp("ns")),
            _REFUSED.format("timestamp[ns]", "Casting from timestamp[ns] to timestamp[us] would lose data: 1"),
        ),
        (
            pa.array([2**63 - 1], pa.timestamp("us")),
            _REFUSED.format("timestamp[us]", "it holds an infinite date or time"),
        ),
        (
            pa.array([1], pa.time64("us")),
            _REFUSED.format("time64[us]", "Spark has no such type; cast it to text"),
        ),
    ],
)
def test_refused_types(session: Session, values: pa.Array, said: str) -> None:
    """A value that Spark cannot hold exactly is refused, and nothing is written."""
    with pytest.raises(TypeNotKept) as raised:
        session.write("t", pa.table({"x": values}).to_reader())
    assert str(raised.value) == said
    assert rows(session, "SHOW TABLES") == []


@pytest.mark.parametrize(
    ("sql", "type_"),
    [("parse_json('1')", "variant"), ("INTERVAL 1 MONTH", "interval month")],
    ids=["variant", "months"],
)
def test_types_only_spark_has(session: Session, sql: str, type_: str) -> None:
    """A column that Arrow cannot hold is refused, instead of read as something else."""
    with pytest.raises(TypeNotKept) as raised:
        session.read(f"SELECT {sql} AS x")
    assert str(raised.value) == f'column "x" of type {type_} cannot be kept in Arrow: cast it to string'
