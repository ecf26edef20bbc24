"""Opening state.sqlite: one connection that writes, and others that can only read."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dagscope.storage import log_text

_READERS = 4  # connections; each has a thread of its own
_BUSY_TIMEOUT_MS = 5_000
_OPTIONS: dict[str, Any] = {"hide_parameters": True, "connect_args": {"isolation_level": None}}


def open_writer(database: Path) -> Engine:
    """The engine of the one connection that writes and checkpoints; for one thread.

    SQLite before 3.51.3 can lose commits when two connections write and checkpoint at the same time.
    """
    engine = create_engine(f"sqlite:///{database}", pool_size=1, max_overflow=0, **_OPTIONS)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        _pragmas(connection, "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # a read that turns into a write ignores busy_timeout

    return engine


def open_readers(database: Path) -> AsyncEngine:
    """The engine of the connections that read; each of their transactions sees one moment.

    Every call of the driver is a hop to another thread and back, so needless ones are avoided: a transaction is
    started in one call, and a connection that is returned after its transaction is not rolled back again.
    """
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{database}",
        pool_size=_READERS,
        max_overflow=0,
        pool_reset_on_return=None,
        **_OPTIONS,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        _pragmas(connection, "query_only = ON")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.connection.run_async(lambda driver: driver.execute("BEGIN"))

    return engine


def open_searcher(database: Path, connections: int) -> Engine:
    """The engine of the connections that search the log, each for one thread at a time. Read-only."""
    engine = create_engine(f"sqlite:///{database}", pool_size=connections, max_overflow=0, **_OPTIONS)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        _pragmas(connection, "query_only = ON")
        log_text.add_functions(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {_BUSY_TIMEOUT_MS}", *pragmas):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
