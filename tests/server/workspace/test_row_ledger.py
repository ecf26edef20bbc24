"""Which failing rows are new, fixed and still there, over random runs that kept all of their rows or only a part."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import RowsRefused
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.server.workspace import row_ledger
from dagscope.server.workspace.frame_queries import FrameQueries
from dagscope.server.workspace.row_identities import Comparing
from dagscope.server.workspace.row_ledger import Found, RowLedgers, Standing

KEPT = 3
Row = tuple[int, int]
"""A value, and which of its copies this is."""

RUNS = st.lists(st.lists(st.integers(0, 3), max_size=KEPT + 1), min_size=1, max_size=7)


def found(values: Sequence[int], frames: FrameFiles) -> Found:
    rows = pa.table({"value": pa.array(values[:KEPT], pa.int64())})
    return Found(len(values), frames.write(rows.to_reader()) if values else None)


def kept(values: Sequence[int]) -> set[Row]:
    copies: Counter[int] = Counter()
    rows = set()
    for value in values[:KEPT]:
        copies[value] += 1
        rows.add((value, copies[value]))
    return rows


def expected(runs: Sequence[Sequence[int]], has_earlier: bool) -> tuple[list[Counter[str]], Counter[str]]:
    """The counts of each run and those of the newest one, row by row and run by run."""
    open_rows: set[Row] = set()
    counts, is_known_before = [], not has_earlier
    for values in runs:
        rows, is_known = kept(values), len(values) <= KEPT
        gone = open_rows - rows
        now = Counter({Standing.STILL: len(rows & open_rows)})
        now[Standing.NEW if is_known_before else Standing.MAYBE_NEW] += len(rows - open_rows)
        now[Standing.FIXED] += len(gone) if is_known else 0
        open_rows = rows if is_known else open_rows | rows
        is_known_before = is_known
        counts.append(+now)
    return counts, +Counter({**counts[-1], Standing.MAYBE_FIXED: len(open_rows - rows)})


@given(runs=RUNS, has_earlier=st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_what_a_look_at_each_row_says(tmp_path: Path, runs: list[list[int]], has_earlier: bool) -> None:
    """Copies count, and a row that was merely not kept is neither fixed nor new."""
    frames = FrameFiles(tmp_path)
    queries = FrameQueries(frames)
    try:
        kept_runs = [found(values, frames) for values in runs]
        ledger = RowLedgers(frames, queries).ledger(kept_runs, has_earlier, Comparing(), 100, Cancellation())
    finally:
        queries.close()
    counts, newest = expected(runs, has_earlier)
    names = {"new": Standing.NEW, "fixed": Standing.FIXED, "maybe_new": Standing.MAYBE_NEW, "still": Standing.STILL}
    assert [+Counter({names[key]: getattr(each, key) for key in names}) for each in ledger.counts] == counts
    assert Counter({group.standing: group.count for group in ledger.groups}) == newest
    assert all(group.count == sum(map(len, group.tables)) == len(group.since) for group in ledger.groups)


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More kept rows than can be compared are refused, with what to do instead."""
    monkeypatch.setattr(row_ledger, "MOST_ROWS", 2)
    frames = FrameFiles(tmp_path)
    ledgers = RowLedgers(frames, FrameQueries(frames))
    with pytest.raises(RowsRefused) as raised:
        ledgers.ledger([found([1, 2, 3], frames)], False, Comparing(), 1, Cancellation())
    assert str(raised.value) == (
        "a ledger compares at most 2 kept rows, and these tasks kept 3; ask for fewer tasks with 'limit'"
    )
