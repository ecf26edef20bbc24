"""The project's connections as the server has them: their databases are open in the process of runs."""

import io
import socket
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import pyarrow as pa

from dagscope.dag.connections import Connection, ConnectionDetails, Queries, RelationKind, Session
from dagscope.dag.connections.materializations import Materializations
from dagscope.dag.events.statements import ProfileNode, StatementLog
from dagscope.dag.ground import errors
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.carried_fault import CarriedFault
from dagscope.dag.ground.errors import ConnectionFailed, DagscopeError
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import Keys
from dagscope.dag.process import messages, packets
from dagscope.dag.process.messages import END_SESSION, Answered, Call, Failed, Faulted, SessionOpened
from dagscope.dag.process.packets import PeerGone

_AT_ONCE_BYTES = 1 << 20


class Channel:
    """One connection's calls, or those of one of its sessions, over a pair of sockets. For one thread at a time."""

    def __init__(self, connection: str, calls: socket.socket, interrupts: socket.socket) -> None:
        self._connection, self._calls, self._interrupts = connection, calls, interrupts
        self._file = calls.makefile("rb")
        self._unread: _RowsFile | None = None

    def call(self, method: str, *args: str | int | None) -> Answered:
        """What the method returned. Raises what it raised, or `ConnectionFailed` if the process has ended."""
        if self._unread is not None:
            self._unread.drain()
            self._unread = None
        with self._alive():
            packets.send(self._calls, messages.encoded(Call(method, args)))
        return self.reply()

    def reply(self) -> Answered:
        """The reply that comes next. Raises as `call`."""
        with self._alive():
            reply = messages.decoded_reply(packets.receive(self._file))
        if not isinstance(reply, Answered):
            raise raised(reply)
        return reply

    def rows(self, method: str, *args: str | int | None) -> pa.RecordBatchReader:
        """The rows that the method returned, read while they come. Raises as `call`, also on the way."""
        self.call(method, *args)
        self._unread = rows = _RowsFile(self)
        with rows.broken_off():
            stream = pa.ipc.open_stream(io.BufferedReader(rows, _AT_ONCE_BYTES))
        return pa.RecordBatchReader.from_batches(stream.schema, rows.batches(stream))

    def end_session(self) -> None:
        """End the session; rows that nobody has read are not read there either."""
        if self._unread is not None and not self._unread.has_ended:
            self.interrupt()
        self.call(END_SESSION)

    def packet(self) -> bytes:
        with self._alive():
            return packets.receive(self._file)

    def interrupt(self) -> None:
        """Interrupt the running call, now or when it starts. Never waits."""
        with suppress(OSError):
            self._interrupts.send(b"!", socket.MSG_DONTWAIT)

    def close(self) -> None:
        self._calls.close()
        self._file.close()
        self._interrupts.close()

    @contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        except PeerGone:
            raise ConnectionFailed(self._connection, "the process of runs has ended; ask again") from None


def raised(failed: Failed | Faulted) -> Exception:
    """The error that was raised there."""
    if isinstance(failed, Faulted):
        return CarriedFault(failed.error_class, failed.shown)
    kind = getattr(errors, failed.error, DagscopeError)
    error: Exception = kind.__new__(kind)
    error.args = (failed.message,)
    vars(error).update(failed.values)
    return error


class _RowsFile(io.RawIOBase):
    """The bytes of an Arrow stream, up to the empty packet; then the reply that says how it ended."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._rest = memoryview(b"")
        self.has_ended = False
        self._failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._rest and not self.has_ended:
            self._take_packet()
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _take_packet(self) -> None:
        self._rest = memoryview(self._channel.packet())
        if not self._rest:
            self.has_ended = True
            try:
                self._channel.reply()
            except Exception as error:  # noqa: BLE001  raised where the rows are read
                self._failure = error

    def batches(self, stream: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        """The batches of the stream that this file holds."""
        with self.broken_off():
            yield from stream
            self.drain()  # what breaks it off can come after its end

    @contextmanager
    def broken_off(self) -> Iterator[None]:
        """Reads the stream inside the block. Raises what it was broken off with there."""
        try:
            yield
        except (pa.ArrowInvalid, OSError):
            self.drain()
            if self._failure is None:
                raise
        if self._failure is not None:
            raise self._failure

    def drain(self) -> None:
        """Read what is left."""
        while not self.has_ended:
            self._take_packet()


class RemoteSession(Queries):
    """A session in the process of runs."""

    def __init__(self, dialect: Dialect, channel: Channel, opened: SessionOpened) -> None:
        self.dialect, self._channel = dialect, channel
        self.summarizes, self.writes_texts = opened.summarizes, opened.writes_texts

    def execute(self, sql: str) -> int:
        return int(self._channel.call("execute", sql).value)

    def scalar(self, sql: str) -> Any:
        return self._channel.call("scalar", sql).value

    def read_to_show(self, sql: str) -> pa.RecordBatchReader:
        return self._channel.rows("read_to_show", sql)

    def read_texts(self, sql: str, batch_rows: int) -> pa.RecordBatchReader:
        return self._channel.rows("read_texts", sql, batch_rows)

    def count_rows(self, asset: str, where: str = "") -> int:
        return int(self._channel.call("count_rows", asset, where).value)

    def columns_to_show(self, asset: str) -> pa.Schema:
        return pa.ipc.read_schema(pa.py_buffer(self._channel.call("columns_to_show", asset).value))

    def rows_to_show(
        self, asset: str, offset: int = 0, limit: int | None = None, clauses: str = ""
    ) -> pa.RecordBatchReader:
        return self._channel.rows("rows_to_show", asset, offset, limit, clauses)

    def relation_kind(self, asset: str) -> RelationKind | None:
        kind = self._channel.call("relation_kind", asset).value
        return None if kind is None else RelationKind(kind)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Lasts until the session ends."""
        self._channel.call("snapshot")
        yield


class OtherEnd(Protocol):
    """What has the databases open."""

    def open_channel(self, connection: "RemoteConnection", in_session: bool, cancellation: Cancellation) -> Channel:
        """A channel for calls on the connection, or on a session of it. Raises `ConnectionFailed` or `Cancelled`."""

    def has_loaded(self, connection: "RemoteConnection") -> bool:
        """Whether the connection may be open there."""


class RemoteConnection(Connection):
    """A connection whose database is open in the process of runs; `local` knows all that needs no database."""

    engine: ClassVar[str] = ""
    Config: ClassVar[type[Keys]] = Keys

    def __init__(self, local: Connection, number: int, there: OtherEnd) -> None:
        super().__init__(local.name)
        self.local, self.number, self._there = local, number, there
        self.engine = local.engine  # type: ignore[misc]  # that of its engine's class
        self.has_profiles = local.has_profiles  # type: ignore[misc]  # as well
        self.is_open_there = False
        """Whether the database is open, as the process of runs has said last."""

    @classmethod
    def from_config(cls, name: str, config: Keys, folder: Path) -> Self:
        raise NotImplementedError("made from a connection")

    @property
    def materializations(self) -> Materializations:  # type: ignore[override]  # those of its engine
        return self.local.materializations

    @property
    def is_open(self) -> bool:
        return self.is_open_there

    @property
    def details(self) -> ConnectionDetails:
        return self.local.details

    @property
    def outlives_closing(self) -> bool:
        return self.local.outlives_closing

    @property
    def identity(self) -> Hashable:
        return self.local.identity

    @property
    def secrets(self) -> frozenset[str]:
        return self.local.secrets

    @property
    def taken_schemas(self) -> frozenset[str]:
        return self.local.taken_schemas

    def compiled(self, asset: Asset, sql: str, existing: RelationKind | None) -> str:
        return self.local.compiled(asset, sql, existing)

    def profile_tree(self, profile: Any) -> ProfileNode | None:
        return self.local.profile_tree(profile)

    def connect(self) -> None:
        self._call("connect")
        self.is_open_there = True

    def close(self) -> None:
        if self._there.has_loaded(self):  # that it is open may not have been reported yet
            with suppress(ConnectionFailed):  # the process has ended, and the database is closed with it
                self._call("close")
            self.is_open_there = False

    def relations(self, cancellation: Cancellation | None = None) -> dict[str, RelationKind]:
        found = self._call("relations", cancellation).value
        return {name: RelationKind(kind) for name, kind in found.items()}

    def session(
        self, cancellation: Cancellation | None = None, statements: StatementLog | None = None
    ) -> AbstractContextManager[Session]:
        raise NotImplementedError("only the process of runs has whole sessions")

    @contextmanager
    def queries(self, cancellation: Cancellation | None = None) -> Iterator[Queries]:
        with self._in_use(), self._channel(True, cancellation) as channel:
            opened = SessionOpened(*channel.reply().value)
            self.is_open_there = True
            yield RemoteSession(self.dialect, channel, opened)
            channel.end_session()

    def _call(self, method: str, cancellation: Cancellation | None = None) -> Answered:
        with self._channel(False, cancellation) as channel:
            return channel.call(method)

    @contextmanager
    def _channel(self, in_session: bool, cancellation: Cancellation | None) -> Iterator[Channel]:
        cancellation = cancellation or Cancellation()
        channel = self._there.open_channel(self, in_session, cancellation)
        try:
            with cancellation.interrupting(channel.interrupt):
                yield channel
        finally:
            channel.close()
