"""Which changes are named as causes: a pure function, on small made-up tasks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dagscope.dag.events.node_records import Code, RecordedColumn
from dagscope.dag.events.status import DataTestStatus, NodeState
from dagscope.server.workspace.compare.causes import Red, RedRootTest, causes_of_red
from dagscope.server.workspace.compare.changes import asset_changes
from dagscope.server.workspace.compare.executions import Execution, RanTest, Side

COLUMNS = (RecordedColumn("id", "BIGINT"), RecordedColumn("value", "BIGINT"))
PASSED = RanTest("c.t", DataTestStatus.SUCCESS, Code("t", "SELECT value FROM c", ""))
FAILED = RanTest("c.t", DataTestStatus.FAILED, Code("t", "SELECT value FROM c", ""), "1 row violates this test", 1)


def execution(asset: str, rows: str = "1", sql: str = "SELECT 1", **values: Any) -> Execution:
    """One whose fingerprint is `rows`."""
    known = {"columns": COLUMNS, "rows": 10, "engine": "duckdb 1", "digest": f"digest of {sql}"}
    fingerprint = f"duckdb 1 10:{rows}" if rows else None
    return Execution(asset, NodeState.SUCCESS, code=Code("", sql, sql), fingerprint=fingerprint, **{**known, **values})


def red(before: Sequence[Execution], after: Sequence[Execution], reads: dict[str, list[str]]) -> Red:
    """The only red node of the two tasks."""
    old, new = (Side({}, {each.asset: each for each in side}) for side in (before, after))
    changes = {each.asset: asset_changes(each.asset, old, new) for each in after}
    (found,) = causes_of_red(changes, reads)
    return found


CHAIN = {"s.a": [], "s.b": ["s.a"], "s.c": ["s.b"]}
GREEN = [execution("s.a"), execution("s.b"), execution("s.c", tests=(PASSED,))]


def failed(rows: str = "2", **values: Any) -> Execution:
    return replace(execution("s.c", rows, tests=(FAILED,), **values), state=NodeState.FAILED)


def test_the_earliest_change() -> None:
    """A change of SQL two assets up is the cause; tables that differ because of it are not."""
    found = red(GREEN, [execution("s.a", "2", "SELECT 2"), execution("s.b", "2"), failed()], CHAIN)
    assert [(cause.kind, cause.asset) for cause in found.causes] == [("sql", "s.a")]
    assert found.sentence == "s.a: its SQL changed (+1 -1)"


def test_a_change_of_a_view() -> None:
    """A view has no rows of its own to compare: what speaks for its change are the other rows of what reads it."""
    view = {"rows": None, "fingerprint": None}
    before = [replace(execution("s.a"), **view), *GREEN[1:]]
    found = red(before, [replace(execution("s.a", sql="SELECT 2"), **view), execution("s.b", "2"), failed()], CHAIN)
    assert found.causes[0].evidence == (
        "s.b, which reads it, has other rows",
        "nothing else that it reads has changed by itself",
    )


def test_a_change_without_effect() -> None:
    """A change of SQL after which the table has the same rows is no cause."""
    found = red(GREEN, [execution("s.a", "1", "SELECT 1 + 0"), execution("s.b"), failed("1")], CHAIN)
    assert found.causes == ()
    assert found.sentence == "nothing changed: the test depends on time, order or chance"


def test_an_effect_that_does_not_arrive() -> None:
    """A change that reaches an asset in between, but not the red one, is no cause."""
    found = red(GREEN, [execution("s.a", "2", "SELECT 2"), execution("s.b"), failed("1")], CHAIN)
    assert found.causes == ()


def test_two_changes() -> None:
    """Of two changes, the earlier one in the DAG is first, unless the other one names a column of the failing test."""
    after = [execution("s.a", "2", "SELECT 2"), execution("s.b", "3", "SELECT 3"), failed()]
    assert [cause.asset for cause in red(GREEN, after, CHAIN).causes] == ["s.a", "s.b"]
    after = [execution("s.a", "2", "SELECT 2"), execution("s.b", "3", "SELECT value + 1"), failed()]
    found = red(GREEN, after, CHAIN)
    assert [cause.asset for cause in found.causes] == ["s.b", "s.a"]
    assert "what changed and what failed both name value" in found.causes[0].evidence


def test_a_view_in_between() -> None:
    """What is known of a view is only its SQL: a change goes through it if it reaches what it reads."""
    before = [execution("s.a"), execution("s.b", ""), execution("s.c", tests=(PASSED,))]
    after = [execution("s.a", "2", "SELECT 2"), execution("s.b", ""), failed()]
    assert [cause.asset for cause in red(before, after, CHAIN).causes] == ["s.a"]


@pytest.mark.parametrize(
    ("sql", "kind", "sentence"),
    [
        ("SELECT * FROM read_csv('x')", "data", "what it reads from outside the DAG has other rows"),
        (
            "SELECT now() AS at",
            "clock",
            "the same code made other rows of the same input, and it depends on time",
        ),
        (
            "SELECT RANDOM() AS at",
            "chance",
            "the same code made other rows of the same input, and it depends on chance",
        ),
        ("SELECT 'now()' AS at", "data", "what it reads from outside the DAG has other rows"),
    ],
)
def test_rows_that_differ_by_themselves(sql: str, kind: str, sentence: str) -> None:
    """An asset whose code and upstreams are the same, and whose rows are not, depends on something else."""
    before = [execution("s.a", "1", sql), execution("s.b"), execution("s.c", tests=(PASSED,))]
    after = [execution("s.a", "2", sql), execution("s.b", "2"), failed()]
    (cause,) = red(before, after, CHAIN).causes
    assert (cause.kind, cause.sentence) == (kind, f"s.a: {sentence}")


def test_a_test_that_changed() -> None:
    """The data test itself is the cause if its SQL changed and nothing else did."""
    other = RanTest("c.t", DataTestStatus.FAILED, Code("t2", "SELECT value FROM c WHERE id > 1", ""), "", 1)
    after = [execution("s.a"), execution("s.b"), failed("1")]
    after[2] = replace(after[2], tests=(other,))
    (cause,) = red(GREEN, after, CHAIN).causes
    assert (cause.kind, cause.test, cause.sentence) == ("test", "c.t", "data test c.t: its SQL changed (+1 -1)")


def test_a_root_test() -> None:
    """A red root test has the causes of what it refers to."""
    old, new = (Side({}, {"s.a": execution("s.a", name, f"SELECT {name}")}) for name in ("1", "2"))
    changes = {"s.a": asset_changes("s.a", old, new)}
    test = RanTest("root.t", DataTestStatus.FAILED, None, "1 row violates this test", 1)
    (found,) = causes_of_red(changes, {"s.a": []}, [RedRootTest(test, None)], {"root.t": ["s.a"]})
    assert (found.asset, found.tests, found.message) == ("", ("root.t",), "1 row violates this test")
    assert [(cause.kind, cause.asset) for cause in found.causes] == [("sql", "s.a")]


def test_what_is_not_recorded() -> None:
    """A node of which the earlier task recorded nothing is not said to depend on chance."""
    before = [*GREEN[:2], Execution("s.c", NodeState.SUCCESS, tests=(PASSED,))]
    found = red(before, [execution("s.a"), execution("s.b"), failed("1")], CHAIN)
    assert found.sentence == "the cause is not known: too little is recorded of s.c"
