"""`GET /api/dag/asset/{name}/plans`: the plans of an asset's statements beside those of its last fast run."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagscope.dag.events.statements import ProfileNode
from dagscope.server.api.merged_plans import merged_plan
from dagscope.server.http.shapes.plans import PlanChange, PlanOperator
from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, on_engine, write_project

FILES = {
    model("s.many"): "SELECT range % 7 AS n, count(*) AS rows FROM range({{ param('rows', 5) }}) GROUP BY n",
    model("s.other"): "SELECT 1 AS one",
}
PATH = "/api/dag/asset/s.many/plans"


class TimedDoor:
    """A door to a project, in whose state durations can be set as if executions had taken so long."""

    def __init__(self, door: AppDoor) -> None:
        self.door = door

    def run(self, task_id: str, took_ms: int, select: str = "s.many", **body: Any) -> None:
        self.door.run(task_id, select=select, **body)
        with self._state() as state, state:
            state.execute("UPDATE node SET execution_time_ms = ? WHERE task_id = ?", (took_ms, task_id))

    def set_operator(self, task_id: str, name: str, took_ms: float) -> None:
        """How long each operator with this name took in the CREATE of s.many; the others took no time."""
        with self._state() as state, state:
            found = "FROM node_statements WHERE task_id = ? AND asset_name = 's.many'"
            ((data,),) = state.execute(f"SELECT data {found}", (task_id,)).fetchall()
            statements = json.loads(data)
            for operator in _operators(_of_kind(statements, "CREATE OR REPLACE TABLE")["profile"]["operator"]):
                operator["timing"] = took_ms / 1000 if operator["type"] == name else 0
            state.execute(
                "UPDATE node_statements SET data = ? WHERE task_id = ? AND asset_name = 's.many'",
                (json.dumps(statements), task_id),
            )

    def plans(self, query: str = "") -> Any:
        answer = self.door.get(PATH + query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _state(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self.door.folder / ".dagscope" / "state.sqlite", timeout=20))


def _operators(operators: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for operator in operators:
        yield operator
        yield from _operators(operator.get("children", []))


def _of_kind(statements: list[dict[str, Any]], words: str) -> dict[str, Any]:
    return next(statement for statement in statements if statement["text"].startswith(words))


@pytest.fixture
def door(tmp_path: Path, opened: OpenDoor) -> TimedDoor:
    return TimedDoor(opened(write_project(tmp_path, FILES)))


def test_the_plan_beside_that_of_the_last_fast_run(door: TimedDoor) -> None:
    """Each operator has its rows and times of both executions, and a sentence names the one that lost the most."""
    door.run("monday", 40, profile=True, data={"rows": 1_000})
    door.run("tuesday", 400, profile=True, data={"rows": 50_000})
    door.set_operator("monday", "HASH_GROUP_BY", 2)
    door.set_operator("tuesday", "HASH_GROUP_BY", 310)
    plans = door.plans()
    assert [plans[key] for key in ("assetName", "change")] == ["s.many", "slower"]
    assert plans["now"] == {
        "taskId": "tuesday",
        "attempt": 1,
        "state": "SUCCESS",
        "durationMs": 400,
        "profile": True,
    }
    assert (plans["before"]["taskId"], plans["before"]["durationMs"], "message" in plans) == ("monday", 40, False)
    created = _of_kind(plans["statements"], "CREATE OR REPLACE TABLE")
    (grouped,) = [each for each in _operators([created["plan"]]) if each["name"] == "HASH GROUP BY"]
    assert [grouped[key] for key in ("change", "rows", "rowsBefore", "durationMs", "durationMsBefore", "share")] == [
        *("slower", 7, 7, 310, 2, 1)
    ]
    (read,) = [each for each in _operators([created["plan"]]) if not each["children"]]
    assert (read["change"], read["rows"], read["rowsBefore"]) == ("more rows", 50_000, 1_000)
    assert (
        created["lostMost"]
        == f"HASH GROUP BY ({grouped['detail']}) read 50,000 rows instead of 1,000 and took 310 ms instead of 2.0 ms"
    )


def test_which_statements_belong_together(tmp_path: Path, opened: OpenDoor) -> None:
    """Statements are matched by their text, then by their place among those of their kind; others are new or gone."""
    sql = block("indexes: [{name: x, fields: [n]}]\ntests: [{name: few}]") + "SELECT {{ param('n', 0) }} AS n"
    test = "SELECT * FROM s.many WHERE n > {{ param('n', 0) }}"
    files = {model("s.many"): sql, "assets/tests/s/few.sql": test}
    door = TimedDoor(opened(write_project(tmp_path, files)))
    door.run("monday", 40, profile=True)
    door.run("tuesday", 400, profile=True, data={"n": 1}, runTests=False)
    found = [
        (each["text"].split(" s.")[0].split("\n")[0], each["change"] in ("new", "gone"), each.get("test"))
        for each in door.plans()["statements"]
    ]
    assert found == [
        ("CREATE SCHEMA IF NOT EXISTS s", False, None),
        ("BEGIN TRANSACTION", False, None),
        ("CREATE OR REPLACE TABLE", False, None),
        ("CREATE INDEX many_x_idx ON", False, None),
        ("COMMIT", False, None),
        ("SELECT count(*) FROM (SELECT * FROM", True, "s.few"),
    ]
    assert door.plans()["statements"][-1]["change"] == "gone"


def test_which_run_is_the_last_fast_one(door: TimedDoor) -> None:
    """It is the newest that succeeded in two thirds of the time and was profiled, else one that was not."""
    door.run("unprofiled", 9)
    door.run("monday", 40, profile=True)
    door.run("tuesday", 40, profile=True)
    door.run("slower", 500, profile=True)
    door.run("failed", 40, profile=True, data={"rows": "x"})
    door.run("newer", 40)
    door.run("now", 61, profile=True)
    assert door.plans()["before"]["taskId"] == "tuesday"
    assert door.plans("?taskId=tuesday")["before"]["taskId"] == "unprofiled"
    assert door.plans("?against=slower")["before"]["durationMs"] == 500
    assert door.plans("?against=slower")["change"] == "faster"
    assert door.plans("?taskId=failed&against=monday")["now"]["state"] == "FAILED"


def test_without_profiles(door: TimedDoor) -> None:
    """The answer says which task was not profiled and how to get plans, and has the durations of the statements."""
    door.run("monday", 40)
    door.run("tuesday", 400, profile=True)
    how = '`dagscope run --profile`, or POST /api/dag/run with "profile": true, keeps the plans of a task'
    plans = door.plans()
    assert plans["message"] == f"there are only times, no plans: monday was not profiled; {how}"
    created = _of_kind(plans["statements"], "CREATE OR REPLACE TABLE")
    assert {"durationMs", "durationMsBefore"} < created.keys()
    assert "plan" not in created
    door.run("wednesday", 4000)
    assert (
        door.plans("?against=monday")["message"]
        == f"there are only times, no plans: wednesday and monday were not profiled; {how}"
    )


def test_an_engine_without_profiles(tmp_path: Path, opened: OpenDoor, postgres: dict[str, str]) -> None:
    """Of PostgreSQL the answer says that there are no profiles, and has the durations of the statements."""
    files = {**on_engine("postgres", postgres), model("s.many"): "SELECT 1 AS n"}
    door = TimedDoor(opened(write_project(tmp_path, files)))
    door.run("monday", 40, profile=True)
    door.run("tuesday", 400, profile=True)
    plans = door.plans()
    assert (
        plans["message"] == "there are only times, no plans: there are no profiles of the statements on db (postgres)"
    )
    assert any("durationMsBefore" in statement for statement in plans["statements"])


def test_nothing_to_compare_with(door: TimedDoor) -> None:
    """Without a fast run the answer says so, without an execution it is 204, and unknown names are 404."""
    assert door.door.get(PATH).status_code == 204
    door.run("monday", 40, profile=True)
    plans = door.plans()
    assert plans["message"] == (
        "none of the 200 tasks before monday executed it with success in clearly less time; name a task with `against`"
    )
    assert (plans["statements"], "before" in plans) == ([], False)
    door.run("other", 40, select="s.other")
    assert door.door.get(f"{PATH}?taskId=other").status_code == 204
    for query, error, details in (
        ("?against=nix", "Task not found", "no task has this id; GET /api/dag/tasks lists all tasks"),
        ("?against=other", "Asset not found in task", "task other did not execute s.many"),
    ):
        answer = door.door.get(PATH + query)
        assert (answer.status_code, answer.json()) == (404, {"error": error, "details": details})
    assert door.door.get("/api/dag/asset/s.nix/plans").status_code == 404
    assert door.door.get(f"{PATH}?against=").status_code == 400


def node(name: str, *children: ProfileNode, detail: str = "", rows: int = 9, ms: float = 1) -> ProfileNode:
    return ProfileNode(name=name, detail=detail, rows=rows, duration_ms=ms, children=children)


A, B, C = (node("SCAN", detail=f"Table: {name}; Filters: x") for name in "abc")


def written(operator: PlanOperator) -> str:
    """Such as `JOIN(SCAN a, new SCAN b)`."""
    change = "" if operator.change is PlanChange.SAME else f"{operator.change} "
    below = f"({', '.join(map(written, operator.children))})" if operator.children else ""
    table = f" {operator.detail[7]}" if operator.detail.startswith("Table: ") else ""
    return f"{change}{operator.name}{table}{below}"


@pytest.mark.parametrize(
    ("now", "before", "merged"),
    [
        (node("JOIN", B, A), node("JOIN", A, B), "JOIN(SCAN b, SCAN a)"),
        (node("TOP", node("FILTER", A)), node("TOP", A), "TOP(new FILTER(SCAN a))"),
        (node("TOP", A), node("TOP", node("FILTER", A)), "TOP(gone FILTER(SCAN a))"),
        (node("LOOP", A, B), node("JOIN", B, A), "gone JOIN(new LOOP(SCAN a, SCAN b))"),
        (node("JOIN", node("JOIN", A, B), C), node("JOIN", B, A), "new JOIN(JOIN(SCAN a, SCAN b), new SCAN c)"),
        (node("JOIN", node("LOOP", C, A), B), A, "new JOIN(new LOOP(new SCAN c, SCAN a), new SCAN b)"),
        (node("JOIN", A, C), node("JOIN", A, B), "JOIN(SCAN a, new SCAN c, gone SCAN b)"),
        (node("P", node("P", A)), node("P", node("P", B)), "P(P(new SCAN a, gone SCAN b))"),
    ],
)
def test_two_plans_as_one(now: ProfileNode, before: ProfileNode, merged: str) -> None:
    """An operator is matched by its name and what it reads, also if others are now above it or beside it."""
    assert written(merged_plan(now, before)) == merged


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        ((10, 15.1), (10, 10), "slower"),
        ((10, 14.9), (10, 10), "same"),
        ((10, 5.5), (900, 1), "fewer rows"),
        ((900, 1), (10, 90), "faster"),
        ((250, 1), (150, 1), "more rows"),
        ((249, 1), (150, 1), "same"),
        ((150, 1), (100, 1), "same"),
    ],
)
def test_what_is_said_to_differ(now: tuple[int, float], before: tuple[int, float], change: str) -> None:
    """A time differs by half and 5 ms, a number of rows by half and 100; the time takes precedence."""
    both = (node("SCAN", rows=rows, ms=ms) for rows, ms in (now, before))
    assert merged_plan(*both).change == change


LEAVES = st.builds(node, st.sampled_from("ab"), detail=st.sampled_from("xyz"))
TREES = st.recursive(
    LEAVES,
    lambda trees: st.builds(
        lambda name, below: node(name, *below), st.sampled_from("abc"), st.lists(trees, max_size=3)
    ),
    max_leaves=12,
)


@given(TREES, TREES)
def test_every_operator_stands_once(now: ProfileNode, before: ProfileNode) -> None:
    """Each operator of both plans stands in the merged tree exactly once, whatever the plans are."""
    merged = list(_shapes(merged_plan(now, before)))
    in_now = Counter(each.name for each in merged if each.duration_ms is not None)
    in_before = Counter(each.name for each in merged if each.duration_ms_before is not None)
    assert (in_now, in_before) == (_names(now), _names(before))


def _shapes(operator: PlanOperator) -> Iterator[PlanOperator]:
    yield operator
    for child in operator.children:
        yield from _shapes(child)


def _names(plan: ProfileNode) -> Counter[str]:
    return Counter([plan.name]) + sum(map(_names, plan.children), Counter())


def test_deep_plans() -> None:
    """Of plans of any depth the topmost 81 operators are shown, so that every parser can read the answer."""
    now, before = A, B
    for _ in range(100):
        now, before = node("NOW", now), node("BEFORE", before)
    merged = merged_plan(now, before)
    assert len(list(_shapes(merged))) == 82
    assert PlanOperator.model_validate_json(merged.to_json()) == merged
