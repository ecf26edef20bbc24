"""The statements of two executions of an asset side by side, each with its two plans as one."""

import json
import re
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import Any

from dagscope.dag.events.statements import KeptStatements
from dagscope.dag.project.project import Project
from dagscope.server.api.merged_plans import LEAST_MS, change_of, merged_plan
from dagscope.server.http.shapes.plans import PlanChange, PlannedExecution, PlannedStatement, PlanOperator

_LONGEST_TEXT = 200  # characters of a statement
_LONGEST_LABEL = 100  # characters of an operator in a sentence
_KIND = re.compile(
    r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*+"
    r"(?:(?P<making>create|drop|alter)\s+(?:(?:or|replace|unique|temporary|temp|external|materialized)\s+)*+)?"
    r"(?P<word>\w*)",
    re.IGNORECASE | re.DOTALL,
)

_Sent = dict[str, Any]
"""A statement as it is kept (`dag/events/statements.py:Statement`)."""


def compared_statements(now: KeptStatements, before: KeptStatements, project: Project) -> tuple[PlannedStatement, ...]:
    """Those of now in order, and then those that are gone. Takes long for many statements: call it in a thread."""
    return tuple(_compared(*pair, project) for pair in _pairs(json.loads(now.json), json.loads(before.json)))


def what_is_missing(
    executions: Collection[PlannedExecution], connections: Iterable[str], project: Project
) -> str | None:
    """Why there are no plans, and how to get them; None if nothing is missing."""
    used = [project.connections[name] for name in dict.fromkeys(connections) if name in project.connections]
    if used and not any(connection.has_profiles for connection in used):
        names = " and ".join(f"{connection.name} ({connection.engine})" for connection in used)
        return f"there are only times, no plans: there are no profiles of the statements on {names}"
    without = [execution.task_id for execution in executions if not execution.profile]
    if not without:
        return None
    verb = "was" if len(without) == 1 else "were"
    how = '`dagscope run --profile`, or POST /api/dag/run with "profile": true, keeps the plans of a task'
    return f"there are only times, no plans: {' and '.join(without)} {verb} not profiled; {how}"


def _pairs(now: Sequence[_Sent], before: Sequence[_Sent]) -> list[tuple[_Sent | None, _Sent | None]]:
    """Statements of the same text belong together, and then the first, second, ... of each kind."""
    partners: dict[int, _Sent] = {}
    left = dict(enumerate(before))
    keys: tuple[Callable[[_Sent], Hashable], ...] = (lambda sent: sent["text"], lambda sent: _kind(sent["text"]))
    for key in keys:
        places: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for place, sent in left.items():
            places[_sender(sent), key(sent)].append(place)
        for place, sent in enumerate(now):
            if place not in partners and (found := places.get((_sender(sent), key(sent)))):
                partners[place] = left.pop(found.popleft())
    return [(sent, partners.get(place)) for place, sent in enumerate(now)] + [(None, sent) for sent in left.values()]


def _sender(sent: _Sent) -> tuple[str, str | None]:
    return sent["connection"], sent.get("test")


def _kind(text: str) -> tuple[str, str]:
    """Such as INSERT, or CREATE and INDEX."""
    found = _KIND.match(text)
    return ((found["making"] or "").lower(), found["word"].lower()) if found else ("", "")


def _compared(now: _Sent | None, before: _Sent | None, project: Project) -> PlannedStatement:
    new, old = now or {}, before or {}
    shown = now or before
    assert shown is not None
    rows, rows_before, ms, ms_before = new.get("rows"), old.get("rows"), new.get("durationMs"), old.get("durationMs")
    plan = None
    if now is None or before is None:
        change = PlanChange.GONE if now is None else PlanChange.NEW
    else:
        change, plan = change_of(rows, rows_before, ms, ms_before), _plan(now, before, project)
    text = shown["text"]
    return PlannedStatement(
        number=new.get("number"),
        number_before=old.get("number"),
        text=text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…",
        connection=shown["connection"],
        test=shown.get("test"),
        change=change,
        rows=rows,
        rows_before=rows_before,
        duration_ms=ms,
        duration_ms_before=ms_before,
        plan=plan,
        lost_most=_lost_most(plan) if plan is not None else None,
    )


def _plan(now: _Sent, before: _Sent, project: Project) -> PlanOperator | None:
    connection = project.connections.get(now["connection"])  # a task may have used one that was removed
    if connection is None or "profile" not in now or "profile" not in before:
        return None
    new, old = (connection.profile_tree(sent["profile"]) for sent in (now, before))
    return merged_plan(new, old) if new is not None and old is not None else None


def _lost_most(plan: PlanOperator) -> str | None:
    """The operator that takes most time more than before, in a sentence."""
    operator = max(_operators(plan), key=_lost_ms)
    if _lost_ms(operator) < LEAST_MS:
        return None
    label = f"{operator.name} ({operator.detail})" if operator.detail else operator.name
    label = label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL]}…)"
    rows, took = operator.rows, f"took {_ms(operator.duration_ms)}"
    if operator.change is PlanChange.NEW:
        return (
            f"{label} is new, passed on {rows:,} rows and {took}" if rows is not None else f"{label} is new and {took}"
        )
    took += f" instead of {_ms(operator.duration_ms_before)}"
    read, read_before = _rows_read(operator, _now), _rows_read(operator, _before)
    if rows is not None and operator.rows_before not in (None, rows):
        return f"{label} passed on {rows:,} rows instead of {operator.rows_before:,} and {took}"
    if read != read_before:
        return f"{label} read {read:,} rows instead of {read_before:,} and {took}"
    return f"{label} {took}"


def _now(operator: PlanOperator) -> int | None:
    return operator.rows


def _before(operator: PlanOperator) -> int | None:
    return operator.rows_before


def _rows_read(operator: PlanOperator, rows_of: Callable[[PlanOperator], int | None]) -> int:
    """What those directly below it passed on; below one that is not in that plan, those that stand there."""
    found = ((child, rows_of(child)) for child in operator.children)
    return sum(rows if rows is not None else _rows_read(child, rows_of) for child, rows in found)


def _lost_ms(operator: PlanOperator) -> float:
    return (operator.duration_ms or 0) - (operator.duration_ms_before or 0)


def _ms(duration_ms: float | None) -> str:
    return f"{duration_ms or 0:,.0f} ms" if (duration_ms or 0) >= 10 else f"{duration_ms or 0:.1f} ms"


def _operators(operator: PlanOperator) -> Iterator[PlanOperator]:
    yield operator
    for child in operator.children:
        yield from _operators(child)
