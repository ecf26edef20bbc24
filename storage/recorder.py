"""The recorder: the only writer. It commits events in batches, one transaction each, and publishes them afterwards.

A lone event is committed at once; those that arrive during a commit, or within `GATHER_S` after it, share the next
one. A flush does not wait for more events. Commits run in a thread of their own: through aiosqlite, every statement of
one would go back and forth between the event loop and a thread several times.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, col

from dagscope.dag.events.events import Event, NodeRecorded
from dagscope.dag.events.status import NodeState
from dagscope.dag.ground.errors import DagscopeError
from dagscope.storage import tables
from dagscope.storage.database_files import DatabaseFiles, DatabaseGone
from dagscope.storage.projection import Projection, Recorded
from dagscope.storage.unstorable import OF_VALUES, is_of_the_event, replacements

BATCH_EVENTS = 2_000  # at most, in one transaction: keeps each commit short enough to wait for
QUEUED_EVENTS = 20_000  # threads that emit faster than the disk can write wait here
GATHER_S = 0.05  # how long events gather for the next commit: fifty cost little more than one

Publish = Callable[[Sequence[Recorded]], None]
"""Called with each batch once it is committed, in order, in the event loop; must not block."""

Change = Callable[[Connection], None]
"""A change of the state, made in the writer's thread."""


class RecorderFailed(DagscopeError):
    """The state cannot be written; what was not committed was not published."""


@dataclass(frozen=True)
class _Marker:
    """A place in the queue: done once everything before it is committed, with its own change."""

    done: "asyncio.Future[None]"
    change: Change | None = None


class Recorder:
    """Writes state.sqlite. Use as an async context manager, in the loop that all its async methods are called in."""

    def __init__(
        self,
        writer: Engine,
        publish: Publish,
        on_failure: Callable[[], None] = lambda: None,
        sync_frames: Callable[[Collection[str]], None] = lambda _: None,
    ) -> None:
        """`on_failure` is called once, in the loop, when the state could not be written.

        `sync_frames` makes frames durable, before the rows of a batch that refer to them are committed.
        """
        self._sync_frames = sync_frames
        self._writer, self._publish, self._on_failure = writer, publish, on_failure
        self._database = Path(str(writer.url.database))
        self._files = DatabaseFiles(self._database)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._queue: deque[Event | _Marker] = deque()
        self._room = threading.Condition()
        self._wake = asyncio.Event()
        self._awaited = asyncio.Event()
        self._is_idle = True  # waits for `_wake`
        self._closing = False
        self._failure: Exception | None = None
        self._position = 0
        self._changes = 0

    async def __aenter__(self) -> "Recorder":
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        try:
            self._position = await self._loop.run_in_executor(self._thread, self._first_position)
        except DBAPIError as error:
            raise RecorderFailed(_cannot_write(error)) from error
        self._writing = asyncio.create_task(self._write_batches(), name="recorder")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._awaited.set()
        self._wake.set()
        await self._writing
        self._thread.shutdown()

    def _first_position(self) -> int:
        with self._writer.begin() as connection:  # a transaction that writes creates the -wal file
            connection.execute(update(tables.State).values(last_position=col(tables.State.last_position)))
            self._files.check()
            return connection.execute(select(col(tables.State.last_position))).scalar_one()

    @property
    def last_position(self) -> int:
        """The position of the newest committed entry."""
        return self._position

    @property
    def changes(self) -> int:
        """How often anything but adding entries was committed: if it is the same, none was deleted in between."""
        return self._changes

    @property
    def has_failed(self) -> bool:
        """Whether writing the state has failed: nothing is recorded any more."""
        return self._failure is not None

    def emit(self, event: Event) -> None:
        """Queue an event for recording. From any thread; waits while the queue is full, but never in the event loop."""
        in_loop = threading.get_ident() == self._loop_thread
        with self._room:
            if not in_loop:
                self._room.wait_for(lambda: len(self._queue) < QUEUED_EVENTS or self._failure is not None)
            self._queue.append(event)
            is_idle, self._is_idle = self._is_idle, False
        if not is_idle:  # what is queued during a commit is taken after it
            return
        if in_loop:
            self._wake.set()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is recorded any more
                self._loop.call_soon_threadsafe(self._wake.set)

    async def flush(self) -> None:
        """Wait until everything emitted so far is committed. Raises `RecorderFailed`."""
        await self._mark(None)

    async def clear(self) -> None:
        """Delete all tasks, frames and entries; positions continue from where they were. Raises `RecorderFailed`."""
        await self._mark(self._clear)

    async def delete_logs(self, task_id: str | None) -> None:
        """Delete the log entries of a task, or of all. Raises `RecorderFailed`."""

        def change(connection: Connection) -> None:
            for table in (tables.LogEntry, tables.LogCount):
                statement = delete(table)
                if task_id is not None:
                    statement = statement.where(col(table.task_id) == task_id)
                connection.execute(statement)

        await self._mark(change)

    async def forget_relation(self, asset: str) -> None:
        """From now on, no task counts as the last to have written the asset's relation. Raises `RecorderFailed`."""

        def change(connection: Connection) -> None:
            state = tables.AssetState
            changed = update(state).where(col(state.asset_name) == asset)
            connection.execute(changed.values(relation_task_id=None, relation_attempt=None))

        await self._mark(change)

    async def begin(self, task_id: str, attempt: int) -> None:
        """Set all that an attempt is about to execute to INITIAL. Raises `RecorderFailed`."""

        def change(connection: Connection) -> None:
            node, now = tables.Node, tables.AssetState
            to_execute = select(col(node.asset_name)).where(
                col(node.task_id) == task_id,
                col(node.attempt) == attempt,
                col(node.carried).is_(False),
                col(node.is_selection).is_(False),
            )
            initial = update(now).where(col(now.asset_name).in_(to_execute))
            connection.execute(initial.values(state=NodeState.INITIAL, successful_tests=0))

        await self._mark(change)

    async def change(self, change: Change) -> None:
        """Make a change in a transaction of the writer, after everything that was emitted before.

        Raises `RecorderFailed`.
        """
        await self._mark(change)

    async def _mark(self, change: Change | None) -> None:
        if self._failure is not None:
            raise RecorderFailed(_cannot_write(self._failure)) from self._failure
        marker = _Marker(self._loop.create_future(), change)
        with self._room:
            self._queue.append(marker)
        self._awaited.set()
        self._wake.set()
        await asyncio.shield(marker.done)  # a caller that is cancelled changes nothing for the batch

    async def _write_batches(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._next_batch():
                await self._write(batch)
                await self._gather()
            if self._closing:
                return

    async def _gather(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                await self._awaited.wait()

    def _next_batch(self) -> list[Event | _Marker]:
        """The head of the queue. A change is the last in its batch, so that order is kept."""
        batch: list[Event | _Marker] = []
        with self._room:
            while self._queue and len(batch) < BATCH_EVENTS:
                batch.append(self._queue.popleft())
                if isinstance(batch[-1], _Marker) and batch[-1].change is not None:
                    break
            if not self._queue and not self._closing:
                self._awaited.clear()
            self._is_idle = not batch
            self._room.notify_all()
        return batch

    async def _write(self, batch: list[Event | _Marker]) -> None:
        events = [item for item in batch if isinstance(item, Event)]
        markers = [item for item in batch if isinstance(item, _Marker)]
        changes = [marker.change for marker in markers if marker.change]
        try:
            if self._failure is not None:
                raise self._failure
            self._position, recorded = await self._loop.run_in_executor(self._thread, self._commit, events, changes)
        except Exception as error:  # noqa: BLE001  a full disk, a bad one, or a state that something else changed
            is_first, self._failure = self._failure is None, error
            if is_first:
                self._on_failure()
            for marker in markers:
                if not marker.done.cancelled():
                    marker.done.set_exception(RecorderFailed(_cannot_write(error)))
            return
        self._changes += len(changes)
        self._publish(recorded)
        for marker in markers:
            if not marker.done.cancelled():
                marker.done.set_result(None)

    def _commit(self, events: Sequence[Event], changes: Iterable[Change]) -> tuple[int, Sequence[Recorded]]:
        """The position reached, and what was recorded. In the writer's thread.

        An event that cannot be stored is replaced by one that says so; then each event is written separately.
        """
        try:
            return self._commit_all(self._position, events, changes)
        except Exception as error:
            if not events or not is_of_the_event(error):
                raise
        position, recorded = self._position, list[Recorded]()
        for event in events:
            position, one = self._commit_or_replace(position, event)
            recorded += one
        return self._commit_all(position, (), changes)[0], recorded

    def _commit_or_replace(self, position: int, event: Event) -> tuple[int, Sequence[Recorded]]:
        try:
            return self._commit_all(position, (event,), ())
        except Exception as error:
            if not is_of_the_event(error):
                raise
            *alike, entry = replacements(event, error)
        for other in alike:
            with contextlib.suppress(*OF_VALUES):
                return self._commit_all(position, (other,), ())
        return self._commit_all(position, (entry,), ())

    def _commit_all(
        self, last_position: int, events: Sequence[Event], changes: Iterable[Change]
    ) -> tuple[int, Sequence[Recorded]]:
        """The same for events that can all be stored, in one transaction."""
        projection, position = Projection(), last_position
        for event in events:
            if isinstance(event, NodeRecorded):  # it has no place in the log
                projection.record(event)
            else:
                position += 1
                projection.add(event, position)
        if projection.unsynced:
            self._sync_frames(projection.unsynced)
        with self._writer.begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            for text, rows in projection.statements():
                driver.executemany(text, rows)
            if driver.execute(_MOVE_ON, (position, last_position)).rowcount != 1:
                raise DatabaseGone(self._database)
            for change in changes:
                change(connection)
            (position,) = driver.execute(_LAST_POSITION).fetchone()
        self._files.check()  # after the commit: what is published is in the file with the database's name
        return position, projection.recorded

    @staticmethod
    def _clear(connection: Connection) -> None:
        for table in _CLEARED:
            connection.execute(delete(table))
        # One position is skipped, so that a reader that had seen everything notices the change too.
        connection.execute(update(tables.State).values(last_position=col(tables.State.last_position) + 1))
        connection.execute(update(tables.State).values(pruned_through=col(tables.State.last_position)))


_LAST_POSITION = "SELECT last_position FROM state"
_MOVE_ON = "UPDATE state SET last_position = ? WHERE last_position = ?"

_CLEARED: tuple[type[SQLModel], ...] = (
    tables.StatusEvent,
    tables.LogEntry,
    tables.LogCount,
    tables.RunEvent,
    tables.DataTestResult,
    tables.NodeStatements,
    tables.NodeRecord,
    tables.Node,
    tables.Attempt,
    tables.Task,
    tables.AssetState,
    tables.DataTestState,
    tables.Frame,
    tables.Code,
)


def _cannot_write(error: Exception) -> str:
    reason = getattr(error, "orig", None) or error
    return f"the state cannot be written: {reason}"
