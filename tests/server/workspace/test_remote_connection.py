"""A connection whose database is open at the other end of sockets is used like one that is open here."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagscope.dag.connections import ENGINES, Connection, RelationKind
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.carried_fault import CarriedFault
from dagscope.dag.ground.errors import Cancelled, ConnectionFailed, StatementFailed
from dagscope.dag.process import messages
from dagscope.dag.process.channels import Channels
from dagscope.dag.process.messages import Open
from dagscope.server.workspace.remote_connection import Channel, RemoteConnection
from tests.doors import wait_until
from tests.random_cells import DUCKDB, Row, tables

MANY = "SELECT range AS id, repeat('x', 1000) AS text FROM range(2_000_000)"
"""About 2 GB."""


class OtherEnd:
    """Serves channels in this process, and counts what is sent back."""

    def __init__(self, local: Connection) -> None:
        self.local = local
        self.opens, its_opens = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.last_opened: list[socket.socket] = []
        self.noted = 0
        self._thread = threading.Thread(target=self._listen, args=(its_opens,))
        self._thread.start()

    def _listen(self, opens: socket.socket) -> None:
        with opens:
            Channels(lambda _: self.local, self._note).listen(opens)

    def _note(self) -> None:
        self.noted += 1

    def open_channel(self, connection: RemoteConnection, in_session: bool, _: Cancellation) -> Channel:
        (calls, its_calls), (interrupts, its_interrupts) = socket.socketpair(), socket.socketpair()
        self.last_opened = [calls, interrupts]
        with its_calls, its_interrupts:
            content = messages.encoded(Open(1, connection.number, in_session))
            socket.send_fds(self.opens, [content], [its_calls.fileno(), its_interrupts.fileno()])
        return Channel(connection.name, calls, interrupts)

    def has_loaded(self, _: RemoteConnection) -> bool:
        return True

    def close(self) -> None:
        self.opens.shutdown(socket.SHUT_RDWR)
        self.opens.close()
        self._thread.join()


@contextmanager
def opened(folder: Path) -> Iterator[RemoteConnection]:
    """A DuckDB at the other end."""
    duckdb = ENGINES["duckdb"]
    local = duckdb.from_config("duck", duckdb.Config.model_validate({"path": "remote.duckdb"}), folder)
    other_end = OtherEnd(local)
    with ExitStack() as stack:
        stack.callback(local.close)
        stack.callback(other_end.close)
        yield RemoteConnection(local, 1, other_end)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[RemoteConnection]:
    with opened(tmp_path) as connection:
        yield connection


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteConnection]:
    with opened(tmp_path_factory.mktemp("remote")) as connection:
        yield connection


def texts(rows: pa.Table) -> list[str]:
    """The columns, to compare them: NaN equals nothing."""
    return [column.combine_chunks().to_string(window=100) for column in rows.columns]


@given(tables(DUCKDB))
def test_rows_of_all_types(shared: RemoteConnection, rows: list[Row]) -> None:
    """Rows of every type are the same as those that are read beside the database."""
    columns = ", ".join(f"c{number} {kind.type}" for number, kind in enumerate(DUCKDB))
    cells = [
        ", ".join("NULL" if cell is None else "'" + cell.replace("'", "''") + "'" for cell in cells) for cells in rows
    ]
    with shared.local.session() as here:
        here.execute(f"CREATE OR REPLACE TABLE t ({columns})")
        here.execute(f"INSERT INTO t VALUES {', '.join(f'({row})' for row in cells)}")
        expected = here.read_to_show("SELECT * FROM t").read_all()
    with shared.queries() as session:
        found = session.read_to_show("SELECT * FROM t").read_all()
    assert found.schema.equals(expected.schema, check_metadata=True)
    assert texts(found) == texts(expected)


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=4), st.integers(0, 3))
def test_any_order_of_calls(shared: RemoteConnection, counts: list[int], read: int) -> None:
    """After rows that were read whole, in part or not at all, the next call has its own answer."""
    with shared.queries() as session:
        for count in counts:
            rows = session.read_texts(f"SELECT range::VARCHAR FROM range({count})", 100)
            taken = [batch.num_rows for batch, _ in zip(rows, range(read), strict=False)]
            assert sum(taken) == min(count, read * 100)
            assert session.scalar(f"SELECT {count}") == count


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 2 ** 70 :: HUGEINT", 2.0**70),
        ("SELECT NULL", None),
        ("SELECT 'ä'", "ä"),
        ("SELECT 1 WHERE false", None),
        ("SELECT true", True),
    ],
)
def test_values(shared: RemoteConnection, sql: str, expected: Any) -> None:
    """A single value arrives as it is."""
    with shared.queries() as session:
        assert session.scalar(sql) == expected


def test_what_answers_need(remote: RemoteConnection) -> None:
    """Relations, their columns, their kinds and their numbers of rows are found, at one moment."""
    with remote.queries() as session:
        session.execute("CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS id, 'x' AS name; CREATE VIEW s.v AS FROM s.t")
        with session.snapshot():
            assert session.count_rows("s.t") == 1
            with remote.local.session() as other:
                other.execute("INSERT INTO s.t VALUES (2, 'y')")
            assert session.count_rows("s.t") == 1
            assert session.rows_to_show("s.t", limit=5).read_all().to_pylist() == [{"id": 1, "name": "x"}]
        assert session.columns_to_show("s.t").names == ["id", "name"]
        assert session.relation_kind("s.v") is RelationKind.VIEW
        assert session.relation_kind("s.none") is None
    assert remote.relations() == {"s.t": RelationKind.TABLE, "s.v": RelationKind.VIEW}
    assert remote.sessions == 0


def test_a_refused_statement(remote: RemoteConnection) -> None:
    """An error of the database arrives with its class, its text and its facts, and the session goes on."""
    with remote.queries() as session:
        with pytest.raises(StatementFailed, match="nowhere does not exist") as raised:
            session.read_to_show("SELECT * FROM nowhere")
        assert raised.value.connection == "duck"
        assert session.scalar("SELECT 1") == 1


def test_an_error_in_the_middle_of_rows(remote: RemoteConnection) -> None:
    """An error after the first rows is raised where the rows are read, and never taken for their end."""
    sql = "SELECT if(range = 1_000_000, error('too far'), range::VARCHAR) FROM range(2_000_000)"
    with remote.queries() as session:
        rows = session.read_texts(sql, 1000)
        assert rows.read_next_batch().num_rows == 1000
        with pytest.raises(StatementFailed, match="too far"):
            rows.read_all()
        assert session.scalar("SELECT 1") == 1


def test_an_interrupt(remote: RemoteConnection) -> None:
    """A request to cancel interrupts the statement that runs there."""
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.request).start()
    with pytest.raises(Cancelled), remote.queries(cancellation) as session:
        session.scalar("SELECT count(*) FROM range(1_000_000_000_000) a, range(1_000_000) b")
    wait_until(lambda: remote.local.sessions == 0)


def test_rows_that_nobody_reads(remote: RemoteConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the first of many rows and ends the session does not wait until the rest has been sent."""
    received = 0
    packet = Channel.packet

    def counted(channel: Channel) -> bytes:
        nonlocal received
        content = packet(channel)
        received += len(content)
        return content

    monkeypatch.setattr(Channel, "packet", counted)
    with remote.queries() as session:
        assert session.read_to_show(MANY).read_next_batch().num_rows > 0
    assert received < 200_000_000
    wait_until(lambda: remote.local.sessions == 0)


def test_a_fault_there(remote: RemoteConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody expected keeps its traceback for the console; its text is only the name of its class."""

    def relations(_: Cancellation | None = None) -> dict[str, RelationKind]:
        raise KeyError("secret place")

    monkeypatch.setattr(remote.local, "relations", relations)
    with pytest.raises(CarriedFault) as raised:
        remote.relations()
    assert str(raised.value) == "KeyError"
    assert raised.value.shown.endswith("KeyError: 'secret place'")


def test_the_end_of_the_process(remote: RemoteConnection) -> None:
    """If the other end is gone, a call says so and does not wait."""
    other_end: Any = remote._there
    with ExitStack() as stack:
        session = stack.enter_context(remote.queries())
        for each in other_end.last_opened:
            each.shutdown(socket.SHUT_RDWR)
        with pytest.raises(ConnectionFailed) as raised:
            session.scalar("SELECT 1")
        with pytest.raises(ConnectionFailed):
            stack.close()
    assert str(raised.value) == 'connection "duck": the process of runs has ended; ask again'


def test_closing(remote: RemoteConnection) -> None:
    """A database is closed even if it was not yet reported as open."""
    with remote.local.session():
        pass
    assert (remote.is_open, remote.local.is_open) == (False, True)
    remote.close()
    assert not remote.local.is_open


def test_holding_off(remote: RemoteConnection) -> None:
    """A connection that is held off opens no session at the other end."""
    remote.hold_off()
    with pytest.raises(ConnectionFailed), remote.queries():
        raise AssertionError("it was opened")
    assert not remote.local.is_open
