"""The operators in DuckDB's own profile of a statement."""

from typing import Any

from dagscope.dag.events.statements import ProfileNode

_LONGEST_DETAIL = 500  # characters
_DEEPEST = 100  # operators above each other; those below are left out
_UNTOLD = frozenset({"Estimated Cardinality", "Type"})


def profile_tree(profile: Any) -> ProfileNode | None:
    """The topmost operator with those below it; None if the profile has no operators."""
    operators = profile.get("operator") if isinstance(profile, dict) else None
    return _node(operators[0], _DEEPEST) if operators else None


def _node(operator: dict[str, Any], depth: int) -> ProfileNode:
    below = operator.get("children", ()) if depth else ()
    return ProfileNode(
        name=str(operator.get("type", "")).replace("_", " ").strip(),
        detail=_detail(operator.get("extra_info", {})),
        rows=operator.get("intermediate_rows"),
        duration_ms=round(operator.get("timing", 0.0) * 1000, 3),
        children=tuple(_node(child, depth - 1) for child in below),
    )


def _detail(facts: dict[str, Any]) -> str:
    told = (f"{name}: {_fact(value)}" for name, value in facts.items() if name not in _UNTOLD)
    detail = "; ".join(told)
    return detail if len(detail) <= _LONGEST_DETAIL else f"{detail[:_LONGEST_DETAIL]}…"


def _fact(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
