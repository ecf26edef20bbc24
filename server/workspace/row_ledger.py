"""The ledger of a data test: which failing rows are new, which are fixed and which are still there, run by run.

Of many failing rows only the first are kept. A row that is not among them may fail all the same, so nothing is said of
it: a row is fixed only in a run of which all rows are kept, and new only after such a run.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby, pairwise

import duckdb
import pyarrow as pa

from dagscope.dag.connections.arrow_types import unique_names
from dagscope.dag.connections.row_columns import RowColumn, columns_of_frame
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import RowsRefused
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.frames import Frame
from dagscope.server.workspace.frame_queries import FrameQueries
from dagscope.server.workspace.newest import Newest
from dagscope.server.workspace.row_identities import Comparing, Identities, RowIdentities

MOST_ROWS = 5_000_000
"""How many kept rows are compared at once."""

_KEPT_BYTES = 16 * 2**20
_RUN_BYTES = 1_000  # of memory, about: the counts, and what the runs were asked for


class Standing(StrEnum):
    """What became of a row since the run before, in the order in which rows are listed.

    `MAYBE_NEW` rows may have failed before, and `MAYBE_FIXED` rows may still fail: the run that would say so kept only
    a part of its rows, or other columns, or is not one of those that are compared.
    """

    NEW = "new"
    FIXED = "fixed"
    MAYBE_NEW = "maybeNew"
    STILL = "still"
    MAYBE_FIXED = "maybeFixed"


@dataclass(frozen=True)
class Found:
    """What a run of the test found: how many rows, and the first of them; `frame` is None if it found none."""

    rows: int
    frame: Frame | None


@dataclass(frozen=True)
class Counts:
    """The rows of a run by their standing. `kept` rows were compared; `unread` says why kept ones cannot be read."""

    kept: int
    unread: str | None
    columns_changed: bool
    new: int = 0
    fixed: int = 0
    maybe_new: int = 0
    still: int = 0


@dataclass(frozen=True)
class Group:
    """The rows of one standing in the newest run: how many, and the first of them in tables.

    `since` are the runs since which each of them has not been known to be absent. If it is not exact, the row may
    have failed before that run.
    """

    standing: Standing
    count: int
    tables: tuple[pa.Table, ...] = ()
    since: tuple[int, ...] = ()
    since_is_exact: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """The counts of each run, and the rows of the newest one, whose tables have these columns.

    `is_by_key` says that rows were compared by their key.
    """

    counts: tuple[Counts, ...]
    groups: tuple[Group, ...] = ()
    columns: tuple[RowColumn, ...] = ()
    is_by_key: bool = False

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes."""
        rows_bytes: int = sum(table.nbytes for group in self.groups for table in group.tables)
        return _RUN_BYTES * len(self.counts) + rows_bytes


class RowLedgers:
    """Compares the runs of data tests. Safe from any thread."""

    def __init__(self, frames: FrameFiles, queries: FrameQueries) -> None:
        self._queries = queries
        self._identities = RowIdentities(frames, queries)
        self._kept = Newest[Ledger](_KEPT_BYTES)

    def ledger(
        self, runs: Sequence[Found], has_earlier: bool, comparing: Comparing, listed: int, cancellation: Cancellation
    ) -> Ledger:
        """The ledger of these runs, oldest first; `has_earlier` if there may be others before them.

        At most `listed` rows are listed. Raises `RowsRefused`, `RowsNotFound` or `Cancelled`.
        """
        key = (tuple(runs), has_earlier, comparing, listed)
        ledger = self._kept.get(key)
        if ledger is None:
            ledger = self._compared(runs, has_earlier, comparing, listed, cancellation)
            if not any(counts.unread for counts in ledger.counts):
                self._kept.keep(key, ledger, ledger.size_bytes)
        return ledger

    def _compared(
        self, runs: Sequence[Found], has_earlier: bool, comparing: Comparing, listed: int, cancellation: Cancellation
    ) -> Ledger:
        frames = {run.frame.digest: run.frame for run in runs if run.frame is not None}
        _check_size(frames.values())
        identities, unread = self._identities.of(frames.values(), comparing, cancellation)
        kept = [_kept(run, identities) for run in runs]
        counts = list(_counts_before(runs, kept, unread))
        frame = next((run.frame for run, one in zip(runs[::-1], kept[::-1], strict=True) if one.identities), None)
        if frame is None:
            return Ledger(tuple(counts))
        stretches = _stretches(kept)
        with self._queries.cursor(cancellation) as cursor:
            _compare(cursor, [kept[start] for start in stretches], has_earlier)
            _add_counts(counts, cursor, stretches, kept)
            groups = tuple(_groups(cursor, stretches, stretches[-1] == len(runs) - 1, listed))
        schema = self._queries.table(frame).schema
        return Ledger(
            tuple(counts),
            tuple(self._with_rows(group, places, runs, schema) for group, places in groups),
            columns_of_frame(schema),
            identities[frame.digest].is_by_key,
        )

    def _with_rows(
        self, group: Group, places: Sequence[tuple[int, int]], runs: Sequence[Found], to: pa.Schema
    ) -> Group:
        """The group with its rows, which are at these places in the frames of these runs."""
        tables: list[pa.Table] = []
        for run, of_run in groupby(places, key=lambda place: place[0]):
            frame = runs[run].frame
            assert frame is not None
            rows = _aligned(self._queries.table(frame).take([place for _, place in of_run]), to)
            if tables and tables[-1].schema == rows.schema:
                tables[-1] = pa.concat_tables([tables[-1], rows])
            else:
                tables.append(rows)
        return replace(group, tables=tuple(tables))


def _check_size(frames: Collection[Frame]) -> None:
    rows = sum(frame.rows for frame in frames)
    if rows > MOST_ROWS:
        limit = f"a ledger compares at most {MOST_ROWS:,} kept rows, and these tasks kept {rows:,}"
        raise RowsRefused(f"{limit}; ask for fewer tasks with 'limit'")


def _aligned(table: pa.Table, to: pa.Schema) -> pa.Table:
    """The rows with the columns of the schema by name, each with its own type; NULL for one that they lack."""
    places = {name: place for place, name in enumerate(unique_names(table.schema.names))}
    fields, columns = [], []
    for name, wanted in zip(unique_names(to.names), to, strict=True):
        place = places.get(name)
        fields.append(wanted if place is None else table.schema.field(place))
        columns.append(pa.nulls(table.num_rows, wanted.type) if place is None else table.column(place))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


@dataclass(frozen=True)
class _Kept:
    """What is known of a run's rows: `is_whole` if all are kept. `identities` is None if there are none to compare."""

    digest: str | None
    is_whole: bool
    identities: Identities | None = field(compare=False)


def _kept(run: Found, identities: Mapping[str, Identities]) -> _Kept:
    if run.frame is None:
        return _Kept(None, run.rows == 0, None)
    found = identities.get(run.frame.digest)
    return _Kept(run.frame.digest, found is not None and run.frame.rows == run.rows, found)


def _counts_before(runs: Sequence[Found], kept: Sequence[_Kept], unread: Mapping[str, str]) -> Iterator[Counts]:
    """The counts of each run before its rows are compared."""
    columns = None
    for run, one in zip(runs, kept, strict=True):
        found = one.identities
        is_changed = found is not None and columns is not None and found.columns != columns
        columns = found.columns if found is not None else columns
        rows = run.frame.rows if run.frame is not None and found is not None else 0
        yield Counts(rows, unread.get(one.digest or ""), is_changed)


def _stretches(kept: Sequence[_Kept]) -> list[int]:
    """The first run of each stretch of runs that kept the same rows: one comparison is enough for all of them."""
    return [0, *(place for place, (before, one) in enumerate(pairwise(kept), start=1) if before != one)]


def _compare(cursor: duckdb.DuckDBPyConnection, kept: Sequence[_Kept], has_earlier: bool) -> None:
    """Create the table `stood` of all kept rows, each with its standing. Runs count from 0."""
    kinds: dict[tuple[object, ...], int] = {}
    of_runs, first, rows = [], [], 0
    for one in kept:
        found = one.identities
        of_runs.append(kinds.setdefault((found.is_by_key, found.compared), len(kinds)) if found else None)
        first.append(rows)
        rows += len(found.hashes) if found else 0
    columns = {
        "run": pa.array(range(len(kept)), pa.int32()),
        "first": pa.array(first, pa.int32()),
        "kind": pa.array(of_runs, pa.int32()),
        "is_whole": pa.array([one.is_whole for one in kept]),
    }
    cursor.register("runs", pa.table(columns))
    cursor.register("kept", pa.concat_tables(_numbered(kept)))
    cursor.execute(_STOOD.format(first_is_known="false" if has_earlier else "true"))


def _numbered(kept: Iterable[_Kept]) -> Iterator[pa.Table]:
    for run, one in enumerate(kept):
        if one.identities is not None:
            hashes = one.identities.hashes
            yield pa.table([pa.repeat(pa.scalar(run, pa.int32()), len(hashes)), hashes], ["run", "hash"])


_STOOD = """
CREATE TEMPORARY TABLE stood AS
WITH comparable AS (
    SELECT kinds.kind, run, is_whole AND (runs.kind IS NULL OR runs.kind = kinds.kind) AS is_whole
    FROM runs CROSS JOIN (SELECT DISTINCT kind FROM runs WHERE kind IS NOT NULL) AS kinds
),
known AS MATERIALIZED (
    SELECT kind, run,
        CASE WHEN run = 0 THEN {first_is_known} ELSE lag(is_whole) OVER (PARTITION BY kind ORDER BY run) END AS is_sure,
        min(run) FILTER (is_whole) OVER (
            PARTITION BY kind ORDER BY run ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS next_whole
    FROM comparable
),
placed AS (SELECT run, hash, row_number() OVER () - 1 AS nth FROM kept),
counted AS (SELECT *, row_number() OVER (PARTITION BY run, hash ORDER BY nth) AS copy FROM placed),
linked AS (
    SELECT counted.run, nth - first AS place, kind, hash, copy, is_sure, next_whole,
        lag(counted.run) OVER same AS before, lead(counted.run) OVER same AS after, lag(next_whole) OVER same AS gone
    FROM counted JOIN runs USING (run) JOIN known USING (kind, run)
    WINDOW same AS (PARTITION BY kind, hash, copy ORDER BY counted.run)
)
SELECT run, place, kind, hash, copy, is_sure, before IS NULL OR coalesce(gone < run, false) AS starts,
    CASE WHEN after IS NULL OR after > next_whole THEN next_whole END AS fixed_in,
    after IS NULL AND next_whole IS NULL AS is_open
FROM linked
"""
"""Rows that are the same in all that is compared are told apart by `copy`: of three, where there were two, one is new.

`is_sure` says of a run that all rows of the run before it are known. `next_whole` is the next run of which all rows
are known: a row that is not in it is fixed. `starts` is true in the first run that has a row since it was last fixed.
"""


def _add_counts(
    counts: list[Counts], cursor: duckdb.DuckDBPyConnection, stretches: Sequence[int], kept: Sequence[_Kept]
) -> None:
    """Add what the comparison found. In a stretch, all rows of all runs but the first are there still."""
    found = {stretch: rest for stretch, *rest in cursor.sql(_COUNTS).fetchall()}
    fixed = dict(cursor.sql(_FIXED).fetchall())
    for stretch, start in enumerate(stretches):
        new, maybe_new, still = found.get(stretch, (0, 0, 0))
        counts[start] = replace(counts[start], new=new, maybe_new=maybe_new, still=still, fixed=fixed.get(stretch, 0))
    for place in set(range(len(kept))).difference(stretches):
        counts[place] = replace(counts[place], still=counts[place].kept)


_COUNTS = """
SELECT run, count(*) FILTER (starts AND is_sure), count(*) FILTER (starts AND NOT is_sure), count(*) FILTER (NOT starts)
FROM stood GROUP BY run
"""

_FIXED = "SELECT fixed_in, count(*) FROM stood WHERE fixed_in IS NOT NULL GROUP BY fixed_in"


def _groups(
    cursor: duckdb.DuckDBPyConnection, stretches: Sequence[int], is_start: bool, listed: int
) -> Iterator[tuple[Group, list[tuple[int, int]]]]:
    """The groups of the newest run, without their rows, and where these are: the run and the place in its frame.

    `is_start` says that the newest run kept other rows than the one before.
    """
    last = len(stretches) - 1
    cursor.execute(_STANDING.format(last=last, is_start="true" if is_start else "false"))
    totals = dict(cursor.sql("SELECT standing, count(*) FROM standing GROUP BY standing").fetchall())
    rows = cursor.sql(_LISTED.format(listed=listed)).fetchall()
    for standing, name in enumerate(Standing):
        if standing in totals:
            own = [row for row in rows if row[0] == standing]
            since = tuple(stretches[row[3]] for row in own)
            group = Group(name, totals[standing], since=since, since_is_exact=tuple(row[4] for row in own))
            yield group, [(stretches[row[1]], row[2]) for row in own]


_STANDING = """
CREATE TEMPORARY TABLE standing AS
SELECT * FROM (
    SELECT run, place, kind, hash, copy, CASE
        WHEN run = {last} AND starts AND {is_start} THEN CASE WHEN is_sure THEN 0 ELSE 2 END
        WHEN run = {last} THEN 3
        WHEN fixed_in = {last} AND {is_start} THEN 1
        WHEN run < {last} AND is_open THEN 4
    END AS standing
    FROM stood
)
WHERE standing IS NOT NULL
"""
"""`standing` is the place in `Standing`."""

_LISTED = """
SELECT standing, listed.run, listed.place, max(starts.run) AS since, arg_max(starts.is_sure, starts.run)
FROM (SELECT * FROM standing ORDER BY standing, run DESC, place LIMIT {listed}) AS listed
JOIN (FROM stood WHERE starts) AS starts USING (kind, hash, copy)
WHERE starts.run <= listed.run
GROUP BY standing, listed.run, listed.place
ORDER BY standing, listed.run DESC, listed.place
"""
