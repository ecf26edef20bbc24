"""The profile of a statement: the stages that it took, and its plan with the metrics of each operator.

Spark Connect sends the metrics of a query's operators, but of a command, such as CREATE TABLE AS, only its stages. Of
those the plan is what EXPLAIN says.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dagscope.dag.events.statements import ProfileNode

_COMMANDS = "CommandResult"
_SHUFFLED, _SPILLED, _ROWS = "shuffleBytesWritten", "spillSize", "numOutputRows"
_DEEPEST = 100  # operators above each other; those below are left out
_LONGEST_DETAIL = 500  # characters
_LINE = re.compile(r"(?P<indent>[ :]*)(?P<branch>[+:]- )?(?:\* ?)?(?:\(\d+\) )?(?P<name>[A-Za-z]\w*)(?P<detail>.*)")
_WRITING = re.compile(
    r"\s*create\s+(?:or\s+replace\s+)?table\s+\S+\s+using\s+\w+\s+as\s(?P<query>.*)", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Operator:
    """An operator that was executed; `parent` is the number of the one that reads from it, its own for the topmost."""

    number: int
    parent: int
    name: str
    metrics: dict[str, int]


@dataclass(frozen=True)
class Stage:
    """What a stage has done so far."""

    tasks: int
    bytes_read: int


@dataclass
class Work:
    """What the server says of one statement."""

    stages: dict[int, Stage] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)

    @property
    def has_plan(self) -> bool:
        """Whether the operators are those that did the work."""
        return any(operator.name != _COMMANDS for operator in self.operators)


def explained(sql: str) -> str:
    """The statement whose plan shows the work: EXPLAIN does not look into a CREATE TABLE AS.

    >>> explained("CREATE OR REPLACE TABLE a.b USING delta AS SELECT 1"), explained("DELETE FROM a.b")
    ('EXPLAIN SELECT 1', 'EXPLAIN DELETE FROM a.b')
    """
    found = _WRITING.match(sql)
    return f"EXPLAIN {found['query'] if found else sql}"


def profile(work: Work, plan: str | None) -> str:
    """The profile as JSON; `plan` is the text of EXPLAIN for a statement without operators."""
    totals = {
        "stages": len(work.stages),
        "tasks": sum(stage.tasks for stage in work.stages.values()),
        "bytesRead": sum(stage.bytes_read for stage in work.stages.values()),
    }
    if plan is not None:
        return json.dumps({**totals, "plan": plan})
    for name, metric in (("bytesShuffled", _SHUFFLED), ("bytesSpilled", _SPILLED)):
        totals[name] = sum(operator.metrics.get(metric, 0) for operator in work.operators)
    return json.dumps({**totals, "operators": [vars(operator) for operator in work.operators]})


def profile_tree(found: Any) -> ProfileNode | None:
    """The totals, above the operators; None if the profile is not Spark's."""
    if not isinstance(found, dict) or "stages" not in found:
        return None
    totals = "; ".join(f"{name}: {value:,}" for name, value in found.items() if isinstance(value, int))
    children = _of_text(found["plan"]) if "plan" in found else _of_operators(found["operators"])
    return ProfileNode(name="Spark", detail=totals, children=children)


def _of_operators(operators: Iterable[dict[str, Any]]) -> tuple[ProfileNode, ...]:
    below: dict[int, list[dict[str, Any]]] = {}
    topmost: list[dict[str, Any]] = []
    for operator in operators:
        siblings = topmost if operator["parent"] == operator["number"] else below.setdefault(operator["parent"], [])
        siblings.append(operator)

    def node(operator: dict[str, Any], depth: int) -> ProfileNode:
        metrics = operator["metrics"]
        told = "; ".join(f"{name}: {value:,}" for name, value in metrics.items() if name != _ROWS)
        children = below.get(operator["number"], ()) if depth else ()
        return ProfileNode(
            name=operator["name"],
            detail=_short(told),
            rows=metrics.get(_ROWS),
            children=tuple(node(child, depth - 1) for child in children),
        )

    return tuple(node(operator, _DEEPEST) for operator in topmost)


def _of_text(plan: str) -> tuple[ProfileNode, ...]:
    """The operators in the text of EXPLAIN, each below the one that reads from it."""
    above: list[tuple[int, str, str, list[ProfileNode]]] = [(-1, "", "", [])]
    for line in plan.splitlines():
        found = _LINE.fullmatch(line)
        if found is None or line.startswith("=="):
            continue
        depth = len(found["indent"]) + len(found["branch"] or "")
        _close(above, depth)
        if len(above) <= _DEEPEST:
            above.append((depth, found["name"], _short(found["detail"].strip()), []))
    _close(above, 0)
    return tuple(above[0][3])


def _close(above: list[tuple[int, str, str, list[ProfileNode]]], depth: int) -> None:
    """Take out what is not above this depth; each goes below the one before it."""
    while above[-1][0] >= depth:
        _, name, detail, children = above.pop()
        above[-1][3].append(ProfileNode(name=name, detail=detail, children=tuple(children)))


def _short(detail: str) -> str:
    return detail if len(detail) <= _LONGEST_DETAIL else f"{detail[:_LONGEST_DETAIL]}…"
