"""A project's connections as a raw asset sees them."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakSet

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


@dataclass(frozen=True)
class _Kept:
    """A session between two calls of its thread."""

    opened: _Opened
    is_idle: bool
    """Not the owner's, and without a transaction."""


class _ThreadSessions:
    """The sessions of one connection that the threads of one raw asset use.

    The asset's own thread has one session for all its calls, and so has a thread that asked for the connection itself.
    Any other thread gets a new session for each call, and keeps it for the next call only while it has a transaction
    open. Of the threads' sessions without a transaction, at most `most_idle` are kept, those that were used last.
    """

    def __init__(
        self,
        name: str,
        open_session: Callable[[], AbstractContextManager[Session]],
        most_idle: int | None,
        owner: threading.Thread,
    ) -> None:
        self._name, self._open_session, self._most_idle, self._owner = name, open_session, most_idle, owner
        self._lock, self._has_ended = threading.Lock(), False
        self._keeping: WeakSet[threading.Thread] = WeakSet()
        self._kept: dict[threading.Thread, _Kept] = {}  # the one that was used last is the last

    def keep_for_this_thread(self) -> None:
        """From now on, the current thread has one session for all its calls."""
        with self._lock:
            self._keeping.add(threading.current_thread())

    @contextmanager
    def session(self) -> Iterator[Session]:
        thread = threading.current_thread()
        with self._lock:
            if self._has_ended:
                raise RawAssetFailed(f'connection "{self._name}": the raw asset that it was opened for has ended')
            kept = self._kept.pop(thread, None)
        opened = kept.opened if kept is not None else self._open()
        try:
            yield opened.session
        finally:
            self._keep_or_close(thread, opened)

    def _open(self) -> _Opened:
        stack = ExitStack()
        return _Opened(stack.enter_context(self._open_session()), stack.close)

    def _keep_or_close(self, thread: threading.Thread, opened: _Opened) -> None:
        is_idle = thread is not self._owner and not opened.session.in_transaction
        with self._lock:
            is_kept = not self._has_ended and (not is_idle or thread in self._keeping)
            if is_kept:
                self._kept[thread] = _Kept(opened, is_idle)
            closing = [*self._taken_from_idle(), *(() if is_kept else (opened,))]
        _close_all(closing)

    def _taken_from_idle(self) -> list[_Opened]:
        """The sessions to close: those of threads that have ended, and the ones above `most_idle`. Call it locked."""
        idle = [thread for thread, kept in self._kept.items() if kept.is_idle]
        alive = [thread for thread in idle if thread.is_alive()]
        surplus = 0 if self._most_idle is None else max(0, len(alive) - self._most_idle)
        staying = set(alive[surplus:])
        return [self._kept.pop(thread).opened for thread in idle if thread not in staying]

    def refuse_open_transactions(self) -> None:
        """Raises `TransactionLeftOpen` if any thread left a transaction open."""
        with self._lock:
            kept_sessions = [kept.opened.session for kept in self._kept.values()]
        for session in kept_sessions:
            session.refuse_open_transaction()

    def end(self) -> None:
        """Close all sessions; a session that a thread is using is closed when its call ends."""
        with self._lock:
            self._has_ended, kept, self._kept = True, self._kept, {}
        _close_all(each.opened for each in kept.values())


def _close_all(sessions: Iterable[_Opened]) -> None:
    with ExitStack() as closing:  # all of them, also after one that fails
        for opened in sessions:
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
        self._sessions: dict[str, _ThreadSessions] = {}

    def __call__(self, name: str) -> RawConnection:
        if name not in self._connections:
            known = ", ".join(sorted(self._connections))
            raise RawAssetFailed(f'unknown connection "{name}"; known: {known}')
        with self._lock:
            if name not in self._opened:
                connection = self._connections[name]
                open_session = partial(connection.session, self._cancellation, self._statements)
                self._sessions[name] = _ThreadSessions(name, open_session, connection.most_idle_sessions, self._owner)
                self._opened[name] = RawConnection(self._sessions[name], partial(self._prepare, name), self._limit)
            opened = self._opened[name]
        self._sessions[name].keep_for_this_thread()
        return opened

    def refuse_open_transactions(self) -> None:
        """Raises `TransactionLeftOpen` if the asset left a transaction open."""
        for sessions in self._of_all():
            sessions.refuse_open_transactions()

    def _of_all(self) -> list[_ThreadSessions]:
        with self._lock:  # a thread of the asset may still be opening another one
            return list(self._sessions.values())

    def end(self) -> None:
        """Close every session."""
        with ExitStack() as ending:
            for sessions in self._of_all():
                ending.callback(sessions.end)
