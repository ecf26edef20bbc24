"""Calls that the server makes on connections: opened by a packet with two sockets, each channel in its own thread.

One socket carries calls and replies (`dag/process/messages.py`); on the other, each byte interrupts the running call.
"""

import io
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import Any

import pyarrow as pa

from dagscope.dag.connections import Connection
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.carried_fault import CarriedFault
from dagscope.dag.ground.error_text import error_text
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.process import messages, packets
from dagscope.dag.process.messages import END_SESSION, Answered, Call, Failed, Faulted, Open, SessionOpened
from dagscope.dag.process.packets import PacketWriter, PeerGone

CHANNEL_THREAD = "read for the server"

_OF_CONNECTION = frozenset({"connect", "close", "relations"})
_OF_SESSION = frozenset(
    {
        "execute",
        "scalar",
        "read_to_show",
        "read_texts",
        "count_rows",
        "columns_to_show",
        "rows_to_show",
        "relation_kind",
        "snapshot",
    }
)
_AT_ONCE_BYTES = 1 << 20


class Channels:
    """Serves them on the connections that `connection_of` finds; `noted` is called after each call."""

    def __init__(self, connection_of: Callable[[Open], Connection], noted: Callable[[], None]) -> None:
        self._connection_of, self._noted = connection_of, noted

    def listen(self, opens: socket.socket) -> None:
        """Serve until the server ends; in a thread of its own."""
        while True:
            try:
                content, descriptors, _, _ = socket.recv_fds(opens, 4096, 2)
            except OSError:
                return
            if not content:
                return
            sockets = [socket.socket(fileno=number) for number in descriptors]
            try:
                calls, interrupts = sockets  # fewer if the process has no free descriptors
                _start(self._serve, messages.decoded_open(content), calls, interrupts)
            except (ValueError, RuntimeError):  # it can have no more threads
                for each in sockets:
                    each.close()  # which the server takes for the end of the channel

    def _serve(self, opened: Open, calls: socket.socket, interrupts: socket.socket) -> None:
        cancellation = Cancellation()
        with calls, interrupts, calls.makefile("rb") as file, suppress(PeerGone):
            _start(_interrupt, interrupts, cancellation)
            channel = _Channel(calls, file, cancellation, self._noted)
            try:
                connection = self._connection_of(opened)
                if opened.in_session:
                    channel.serve_session(connection)
                else:
                    channel.serve_connection(connection)
            except PeerGone:
                raise
            except BaseException as error:  # noqa: BLE001  an engine of another package may raise anything
                channel.reply(_failure(error))
            finally:
                self._noted()


def _start(work: Callable[..., None], *args: Any) -> None:
    threading.Thread(target=work, args=args, name=CHANNEL_THREAD, daemon=True).start()


def _interrupt(interrupts: socket.socket, cancellation: Cancellation) -> None:
    with suppress(OSError):
        while interrupts.recv(1):
            cancellation.request()
    cancellation.request()  # nobody waits for it any more


class _Channel:
    def __init__(
        self, calls: socket.socket, file: io.BufferedReader, cancellation: Cancellation, noted: Callable[[], None]
    ) -> None:
        self._calls, self._file = calls, file
        self._cancellation, self._noted = cancellation, noted

    def reply(self, reply: messages.Reply) -> None:
        packets.send(self._calls, messages.encoded(reply))

    def serve_connection(self, connection: Connection) -> None:
        """One call on the connection itself."""
        call = self._next_call(_OF_CONNECTION)
        if call.method == "relations":
            self._answer(lambda: connection.relations(self._cancellation))
        else:
            self._answer(getattr(connection, call.method))

    def serve_session(self, connection: Connection) -> None:
        """Calls on a session, until the server ends it."""
        with ExitStack() as stack:
            session = stack.enter_context(connection.queries(self._cancellation))
            self.reply(Answered(SessionOpened(session.summarizes, session.writes_texts)))
            while (call := self._next_call(_OF_SESSION | {END_SESSION})).method != END_SESSION:
                if call.method == "snapshot":
                    self._answer(lambda: stack.enter_context(session.snapshot()))
                else:
                    self._answer(lambda call=call: getattr(session, call.method)(*call.args))  # type: ignore[misc]  # mypy cannot infer it
        self.reply(Answered())

    def _next_call(self, known: frozenset[str]) -> Call:
        call = messages.decoded_call(packets.receive(self._file))
        if call.method not in known:
            raise ValueError(f"{call.method} cannot be called")
        return call

    def _answer(self, act: Callable[[], Any]) -> None:
        try:
            value = act()
        except BaseException as error:  # noqa: BLE001  an engine of another package may raise anything
            self.reply(_failure(error))
            return
        self._noted()
        match value:
            case pa.RecordBatchReader():
                self.reply(Answered())
                self._send_rows(value)
            case pa.Schema():
                self.reply(Answered(value.serialize().to_pybytes()))
            case _:
                self.reply(Answered(value))

    def _send_rows(self, rows: pa.RecordBatchReader) -> None:
        end: messages.Reply = Answered()
        sink = io.BufferedWriter(PacketWriter(self._calls), _AT_ONCE_BYTES)
        try:
            with pa.ipc.new_stream(sink, rows.schema) as writer:
                sink.flush()
                for batch in rows:
                    writer.write_batch(batch)
                    sink.flush()
            sink.flush()
        except PeerGone:
            raise
        except BaseException as error:  # noqa: BLE001  as above
            with suppress(PeerGone):
                sink.flush()
            end = _failure(error)
        packets.send(self._calls, b"")
        self.reply(end)


def _failure(error: BaseException) -> Failed | Faulted:
    if not isinstance(error, DagscopeError):
        fault = CarriedFault.of(error)
        return Faulted(fault.error_class, fault.shown)
    values: Mapping[str, str] = {name: value for name, value in vars(error).items() if isinstance(value, str)}
    return Failed(type(error).__name__, error_text(error), values)
