"""Tables of the format Iceberg: on the same Spark server, in a catalog of their own."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
import pytest

from dagscope.dag.connections import Connection, RelationKind, Session
from dagscope.dag.connections.spark import staging
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.ground.errors import StatementFailed
from dagscope.dag.redaction.redaction import Redaction
from tests.dag.connections.conftest import rows
from tests.dag.connections.spark.test_spark import KEPT
from tests.dag.connections.test_both_engines import asset, make


@pytest.fixture
def connection(iceberg: Connection) -> Connection:
    return iceberg


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    with connection.session() as opened:
        yield opened


def test_materializations(session: Session) -> None:
    """Each materialization replaces what is there, an incremental one appends, and each says how many rows it wrote."""
    for number, how in enumerate(("table", "view", "table")):
        assert make(session, asset(how), f"SELECT {number} AS id") == (None if how == "view" else 1)
        assert rows(session, "SELECT * FROM dds.orders") == [(number,)]
        assert session.relation_kind("dds.orders") is (RelationKind.VIEW if how == "view" else RelationKind.TABLE)
    for _ in range(2):
        assert make(session, asset("incremental", "dds.log"), "SELECT id FROM range(3)") == 3
    assert rows(session, "SELECT count(*) FROM dds.log") == [(6,)]
    assert make(session, asset("table", "dds.log"), "SELECT id FROM range(0)") == 0


def test_failure_keeps_the_old_rows(session: Session) -> None:
    """A query that fails half way changes nothing, whatever kind of relation there was."""
    make(session, asset(), "SELECT 1 AS id")
    for how in ("table", "view", "incremental"):
        with pytest.raises(StatementFailed):
            make(session, asset(how), "SELECT CAST(if(id < 900, id, 'x' || id) AS int) AS id, nope FROM range(1000)")
        assert rows(session, "SELECT * FROM dds.orders") == [(1,)]
    with pytest.raises(StatementFailed):
        make(session, asset(), "SELECT CAST(if(id < 900, '1', 'x' || id) AS int) AS id FROM range(1000)")
    assert rows(session, "SELECT * FROM dds.orders") == [(1,)]


def test_rows_of_one_moment(connection: Connection) -> None:
    """Inside a snapshot, a relation's rows are of one version; outside, a reader sees old rows or new ones."""
    ended = threading.Event()

    def look(reader: Session) -> set[tuple[Any, ...]]:
        seen = set()
        while not ended.is_set():
            seen.update(rows(reader, "SELECT count(*), min(id) = max(id) FROM dds.orders"))
        return seen

    with ExitStack() as opened, ThreadPoolExecutor(1) as pool:
        writer, reader, pinned = (opened.enter_context(connection.session()) for _ in range(3))
        make(writer, asset(), "SELECT 0 AS id FROM range(100)")
        looking = pool.submit(look, reader)
        try:
            with pinned.snapshot():
                assert pinned.count_rows("dds.orders") == 100
                for number in (1, 2):
                    make(writer, asset(), f"SELECT {number} AS id FROM range(100)")
                assert pinned.rows_to_show("dds.orders", limit=1).read_all().to_pylist() == [{"id": 0}]
        finally:
            ended.set()
        assert looking.result() == {(100, True)}


def test_rows_in_several_pieces(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows arrive in pieces, with their values, and leave no table behind."""
    monkeypatch.setattr(staging, "PIECE_BYTES", 100)
    kept = pa.concat_tables([KEPT.drop_columns("nothing")] * 2)
    assert session.write("t", kept.to_reader(1)) == 4
    found = session.read("SELECT * FROM t").read_all()
    found, expected = (sorted(table.to_pylist(), key=lambda row: row["bool"] is None) for table in (found, kept))
    assert found == expected
    assert [row[1] for row in rows(session, "SHOW TABLES IN default")] == ["t"]


def test_rows_are_counted(connection: Connection) -> None:
    """A statement has the rows that it wrote."""
    log = StatementLog(Redaction())
    with connection.session(statements=log) as session:
        session.execute("CREATE TABLE t AS SELECT id FROM range(3)")
        assert session.execute("INSERT INTO t SELECT id FROM range(7)") == 7
    assert [part for part in ('"rows":3', '"rows":7') if part not in log.kept().json] == []
