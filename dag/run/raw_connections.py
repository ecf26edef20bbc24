"""A project's connections as a raw asset sees them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from dagscope.dag.connections import Connection, Session
from dagscope.dag.connections.arrow_types import from_python
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import RawAssetFailed
from dagscope.dag.ground.row_limit import RowLimit


@dataclass(frozen=True)
class _Opened:
    session: Session
    close: Callable[[], None]


class _ThreadSessions:
    """The sessions of one connection that the threads of one raw asset use.

    The asset's own thread has one session for all its calls. Any other thread gets a new session for each call, and
    keeps it for the next call only while it has a transaction open.
    """

    def __init__(self, name: str, open_session: Callable[[], AbstractContextManager[Session]], owner: object) -> None:
        self._name, self._open_session, self._owner = name, open_session, owner
        self._lock, self._has_ended = threading.Lock(), False
        self._kept: dict[object, _Opened] = {}

    @contextmanager
    def session(self) -> Iterator[Session]:
        thread = threading.current_thread()
        with self._lock:
            if self._has_ended:
                raise RawAssetFailed(f'connection "{self._name}": the raw asset that it was opened for has ended')
            opened = self._kept.pop(thread, None)
        opened = opened or self._open()
        try:
            yield opened.session
        finally:
            self._keep_or_close(thread, opened)

    def _open(self) -> _Opened:
        stack = ExitStack()
        return _Opened(stack.enter_context(self._open_session()), stack.close)

    def _keep_or_close(self, thread: object, opened: _Opened) -> None:
        is_needed = thread is self._owner or opened.session.in_transaction
        with self._lock:
            is_kept = is_needed and not self._has_ended
            if is_kept:
                self._kept[thread] = opened
        if not is_kept:
            opened.close()

    def refuse_open_transactions(self) -> None:
        """Raises `TransactionLeftOpen` if any thread left a transaction open."""
        with self._lock:
            kept = list(self._kept.values())
        for opened in kept:
            opened.session.refuse_open_transaction()

    def end(self) -> None:
        """Close all sessions; a session that a thread is using is closed when its call ends."""
        with self._lock:
            self._has_ended, kept, self._kept = True, self._kept, {}
        with ExitStack() as closing:  # all of them, also after one that fails
            for opened in kept.values():
                closing.callback(opened.close)


class RawConnection:
    """A project's connection as a raw asset sees it; valid until the asset ends, and safe from any thread."""

    def __init__(self, sessions: _ThreadSessions, prepare: Callable[[Session, str], None], limit: RowLimit) -> None:
        self._sessions, self._prepare, self._limit = sessions, prepare, limit

    def execute(self, sql: str) -> int:
        """Run one or several statements; returns the number of rows that the last one wrote."""
        with self._sessions.session() as session:
            return self._limit.count(session.execute(sql))

    def query(self, sql: str) -> pa.Table:
        """The rows of a query."""
        with self._sessions.session() as session:
            return session.read(sql).read_all()

    def write(self, table: str, data: Any) -> int:
        """Create or replace a table with a pyarrow Table or anything with `__arrow_c_stream__`.

        If the project's stages include its schema, the schema is created too, except inside a transaction.
        """
        with self._sessions.session() as session:
            self._prepare(session, table)
            return self._limit.count(session.write(table, self._limit.watched(from_python(data))))


class RawConnections:
    """The `connection` of a raw asset's context. Create it in the asset's own thread; `end` closes everything.

    `prepare` is called with a connection's name and session before the session writes a table.
    """

    def __init__(
        self,
        connections: Mapping[str, Connection],
        cancellation: Cancellation,
        statements: StatementLog,
        prepare: Callable[[str, Session, str], None],
        limit: RowLimit,
    ) -> None:
        self._connections, self._cancellation, self._statements = connections, cancellation, statements
        self._prepare, self._limit = prepare, limit
        self._owner, self._lock = threading.current_thread(), threading.Lock()
        self._opened: dict[str, RawConnection] = {}
        self._sessions: list[_ThreadSessions] = []

    def __call__(self, name: str) -> RawConnection:
        if name not in self._connections:
            known = ", ".join(sorted(self._connections))
            raise RawAssetFailed(f'unknown connection "{name}"; known: {known}')
        with self._lock:
            if name not in self._opened:
                open_session = partial(self._connections[name].session, self._cancellation, self._statements)
                self._sessions.append(_ThreadSessions(name, open_session, self._owner))
                self._opened[name] = RawConnection(self._sessions[-1], partial(self._prepare, name), self._limit)
            return self._opened[name]

    def refuse_open_transactions(self) -> None:
        """Raises `TransactionLeftOpen` if the asset left a transaction open."""
        for sessions in self._sessions:
            sessions.refuse_open_transactions()

    def end(self) -> None:
        """Close every session."""
        with ExitStack() as ending:
            for sessions in self._sessions:
                ending.callback(sessions.end)
