"""Searching a task's log: the entries that filters show, in pages, with the number of entries of each level.

Filters by level and attempt are answered from an index and from kept counts. For all others, the log is read once:
the positions of the entries that match are kept in memory, and a later request reads only what was added since. Used
in threads, several at a time.
"""

import json
import sqlite3
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import compress, islice
from threading import Lock

from sqlalchemy import ColumnElement, Connection, Engine, and_, case, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from dagscope.dag.events.status import LOG_LEVELS
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError
from dagscope.storage import log_text, tables
from dagscope.storage.reader import StateUnreadable

_KEPT_ENTRIES = 4_000_000  # of all searches, in nine bytes each
_KEPT_SEARCHES = 32
_FETCHED = 10_000
_LOOK_S = 0.05  # how soon a request that waits for another's search notices that its client has gone
_NO_LEVEL = len(LOG_LEVELS)

_ENTRY = tables.LogEntry


@dataclass(frozen=True)
class Search:
    """What entries of a task have in common, whatever their levels. None and "" compare nothing.

    An `asset` or `test` of "" means an entry without one.
    """

    task_id: str
    attempt: int | None = None
    asset: str | None = None
    test: str | None = None
    text: str = ""

    @property
    def is_indexed(self) -> bool:
        """Whether the index and the kept counts are enough."""
        return self.asset is None and self.test is None and not self.text

    def condition(self) -> ColumnElement[bool]:
        parts: list[ColumnElement[bool]] = [_in_attempt(self)]
        if self.asset is not None:
            parts.append(func.coalesce(col(_ENTRY.asset), "") == self.asset)
        if self.test is not None:
            test = func.json_extract(col(_ENTRY.data), "$.test")
            likely = func.instr(col(_ENTRY.data), f'"test":{json.dumps(self.test, ensure_ascii=False)}') > 0
            parts.append(and_(likely, test == self.test) if self.test else test.is_(None))
        if self.text:
            parts.append(log_text.contains(self.text))
        return and_(*parts)


@dataclass(frozen=True)
class Window:
    """Which of the shown entries are wanted: at most `limit`, after or before a position.

    `offset` skips entries from the start, or after `after`. With `before` alone, they are the last ones before it.
    """

    limit: int
    after: int | None = None
    before: int | None = None
    offset: int = 0

    @property
    def is_backwards(self) -> bool:
        return self.before is not None and self.after is None and not self.offset


@dataclass(frozen=True)
class FoundEntry:
    """A log entry as JSON text, and its position."""

    position: int
    data: str


@dataclass(frozen=True)
class Found:
    """A page of a search. `counts` are by level, whatever levels are shown; `matching` are shown, on all pages.

    `offset` is the number of shown entries before the page; `total` counts all entries of the task, or the attempt.
    """

    entries: tuple[FoundEntry, ...]
    offset: int
    counts: Mapping[str, int]
    matching: int
    total: int


def _shown_table(levels: frozenset[str]) -> bytes:
    """For `bytes.translate`: 1 for the numbers of these levels, 0 for all others."""
    return bytes(number < _NO_LEVEL and LOG_LEVELS[number] in levels for number in range(256))


@dataclass
class _Matches:
    """The entries that a search has found up to a position, of the `total` that were there."""

    positions: "array[int]" = field(default_factory=lambda: array("q"))
    levels: bytearray = field(default_factory=bytearray)
    through: int = 0
    total: int = 0
    busy: Lock = field(default_factory=Lock)

    def clear(self) -> None:
        self.positions, self.levels, self.through, self.total = array("q"), bytearray(), 0, 0

    def counts(self) -> Mapping[str, int]:
        return {level: self.levels.count(number) for number, level in enumerate(LOG_LEVELS)}

    def shown(self, levels: frozenset[str] | None) -> "array[int]":
        """The positions of the entries of some levels."""
        if levels is None:
            return self.positions
        return array("q", compress(self.positions, self.levels.translate(_shown_table(levels))))

    def first_shown(self, levels: frozenset[str] | None, window: Window) -> "array[int]":
        """The positions on the page of a window that starts after a position; those before it are not looked at."""
        assert window.after is not None
        low = bisect_right(self.positions, window.after)
        high = len(self.positions) if window.before is None else bisect_left(self.positions, window.before, low)
        if levels is None:
            return self.positions[low : min(high, low + window.limit)]
        found = compress(memoryview(self.positions)[low:high], self.levels[low:high].translate(_shown_table(levels)))
        return array("q", islice(found, window.limit))


class LogSearch:
    """Searches the log. Read-only; safe from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: OrderedDict[Search, _Matches] = OrderedDict()
        self._keeping = Lock()

    def page(self, search: Search, levels: frozenset[str] | None, window: Window, cancellation: Cancellation) -> Found:
        """A page of the entries. Raises `StateUnreadable`, or `Cancelled` once cancellation is requested."""
        with self._moment(search, cancellation) as (connection, matches):
            of_all = _counts(connection, search)
            total = sum(of_all.values())
            if matches is None:
                shown, counts = _indexed(connection, search, levels, window, of_all), of_all
            else:
                _update(connection, search, matches, total)
                shown, counts = _within(matches.shown(levels), window), matches.counts()
            entries = _entries(connection, shown.positions)
        return Found(
            entries, shown.offset, {level: counts.get(level, 0) for level in LOG_LEVELS}, shown.matching, total
        )

    def newest(self, task_id: str, cancellation: Cancellation) -> int:
        """The position of the newest entry of a task, 0 without entries. Raises as `page` does."""
        with self._moment(Search(task_id), cancellation) as (connection, _):
            return _newest(connection, task_id)

    def entries(
        self, search: Search, levels: frozenset[str] | None, window: Window, cancellation: Cancellation
    ) -> tuple[FoundEntry, ...]:
        """The entries of a page that starts after a position, without the numbers of `page`. Raises as `page` does."""
        with self._moment(search, cancellation) as (connection, matches):
            if matches is None:
                return _entries(connection, _positions(connection, search, levels, window))
            _update(connection, search, matches, sum(_counts(connection, search).values()))
            return _entries(connection, matches.first_shown(levels, window))

    @contextmanager
    def _moment(self, search: Search, cancellation: Cancellation) -> Iterator[tuple[Connection, _Matches | None]]:
        """The state at this moment, and what was found before, unless the index answers the search."""
        with ExitStack() as stack:
            # first, so that this moment is no older than what is found
            matches = None if search.is_indexed else stack.enter_context(self._matches(search, cancellation))
            try:
                connection = stack.enter_context(self._engine.begin())
                driver = connection.connection.driver_connection
                assert driver is not None
                with cancellation.interrupting(driver.interrupt):
                    yield connection, matches
            except (SQLAlchemyError, sqlite3.Error) as error:  # the latter from rows fetched without SQLAlchemy
                raise _failure(error, cancellation) from error

    @contextmanager
    def _matches(self, search: Search, cancellation: Cancellation) -> Iterator[_Matches]:
        """What the search has found before, for this thread alone."""
        with self._keeping:
            matches = self._kept.setdefault(search, _Matches())
            self._kept.move_to_end(search)
        while not matches.busy.acquire(timeout=_LOOK_S):
            cancellation.check()
        try:
            yield matches
        finally:
            matches.busy.release()
            self._keep_few()

    def _keep_few(self) -> None:
        with self._keeping:
            while len(self._kept) > 1 and (
                len(self._kept) > _KEPT_SEARCHES
                or sum(len(matches.positions) for matches in self._kept.values()) > _KEPT_ENTRIES
            ):
                self._kept.popitem(last=False)


@dataclass(frozen=True)
class _Shown:
    """The positions on a page, how many shown entries are before it, and how many are shown in total."""

    positions: Sequence[int]
    offset: int
    matching: int


def _failure(error: Exception, cancellation: Cancellation) -> DagscopeError:
    if cancellation.is_requested:
        return Cancelled()
    return StateUnreadable(f"the state cannot be read: {getattr(error, 'orig', None) or error}")


def _in_attempt(search: Search) -> ColumnElement[bool]:
    of_task = col(_ENTRY.task_id) == search.task_id
    return of_task if search.attempt is None else and_(of_task, col(_ENTRY.attempt) == search.attempt)


def _counts(connection: Connection, search: Search) -> Mapping[str, int]:
    """The number of entries by level of the task, or of the attempt."""
    count = tables.LogCount
    statement = select(col(count.level), func.sum(col(count.entries))).where(col(count.task_id) == search.task_id)
    if search.attempt is not None:
        statement = statement.where(col(count.attempt) == search.attempt)
    return dict(connection.execute(statement.group_by(col(count.level))).all())


def _newest(connection: Connection, task_id: str) -> int:
    newest = select(func.max(col(_ENTRY.position))).where(col(_ENTRY.task_id) == task_id)
    return connection.execute(newest).scalar_one() or 0


def _indexed(
    connection: Connection,
    search: Search,
    levels: frozenset[str] | None,
    window: Window,
    counts: Mapping[str, int],
) -> _Shown:
    """A page of the task's entries of some levels, whose counts are known."""
    matching = sum(entries for level, entries in counts.items() if levels is None or level in levels)
    if window.after is None and window.before is None:
        wanted = max(0, min(window.limit, matching - window.offset))
        if not wanted:
            return _Shown((), min(window.offset, matching), matching)
        after_it = matching - window.offset - wanted
        if after_it < window.offset:  # nearer to the end: fewer entries to step over
            positions = _positions(connection, search, levels, Window(wanted, offset=after_it), backwards=True)
        else:
            positions = _positions(connection, search, levels, Window(wanted, offset=window.offset))
        return _Shown(positions, window.offset, matching)
    positions = _positions(connection, search, levels, window)
    first = positions[0] if positions else (window.before if window.after is None else window.after + 1)
    from_first = _of_levels(search, levels, col(_ENTRY.position) >= first)
    left = connection.execute(select(func.count()).select_from(_ENTRY).where(from_first)).scalar_one()
    return _Shown(positions, matching - left, matching)


def _of_levels(search: Search, levels: frozenset[str] | None, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    by_level = () if levels is None else (col(_ENTRY.level).in_(sorted(levels)),)
    return and_(_in_attempt(search), *by_level, *more)


def _positions(
    connection: Connection,
    search: Search,
    levels: frozenset[str] | None,
    window: Window,
    backwards: bool = False,
) -> Sequence[int]:
    position = col(_ENTRY.position)
    limits = [position > window.after] if window.after is not None else []
    limits += [position < window.before] if window.before is not None else []
    backwards = backwards or window.is_backwards
    statement = select(position).where(_of_levels(search, levels, *limits)).limit(window.limit).offset(window.offset)
    positions = connection.execute(statement.order_by(position.desc() if backwards else position)).scalars().all()
    return positions[::-1] if backwards else positions


def _within(shown: "array[int]", window: Window) -> _Shown:
    low = bisect_right(shown, window.after) if window.after is not None else 0
    high = bisect_left(shown, window.before) if window.before is not None else len(shown)
    low = max(low, high - window.limit) if window.is_backwards else min(low + window.offset, high)
    return _Shown(shown[low : min(high, low + window.limit)], low, len(shown))


def _entries(connection: Connection, positions: Sequence[int]) -> tuple[FoundEntry, ...]:
    position = col(_ENTRY.position)
    statement = select(position, col(_ENTRY.data)).where(position.in_(positions)).order_by(position)
    return tuple(FoundEntry(*row) for row in connection.execute(statement)) if positions else ()


def _update(connection: Connection, search: Search, matches: _Matches, total: int) -> None:
    """Search what was added to the task's log. If entries were deleted meanwhile, search all of it again."""
    position = col(_ENTRY.position)
    added = select(func.count()).select_from(_ENTRY).where(_in_attempt(search), position > matches.through)
    if matches.through and matches.total + connection.execute(added).scalar_one() != total:
        matches.clear()
    through = _newest(connection, search.task_id)
    level = case(*((col(_ENTRY.level) == level, number) for number, level in enumerate(LOG_LEVELS)), else_=_NO_LEVEL)
    statement = select(position, level).where(search.condition(), position > matches.through).order_by(position)
    found: _Matches = _Matches()
    cursor = connection.execute(statement).cursor  # its rows are plain tuples, of which there can be a million
    while rows := cursor.fetchmany(_FETCHED):
        positions, levels = zip(*rows, strict=True)
        found.positions.extend(positions)
        found.levels.extend(levels)
    matches.positions.extend(found.positions)
    matches.levels.extend(found.levels)
    matches.through, matches.total = through, total
