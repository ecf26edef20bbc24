"""The plans of an asset's statements in two tasks."""

from enum import StrEnum

from dagscope.dag.events.status import NodeState
from dagscope.dag.ground.shapes import Shape


class PlanChange(StrEnum):
    """What differs between two executions of a statement or an operator (docs/http-api/statements.md, Plan change)."""

    SAME = "same"
    NEW = "new"
    GONE = "gone"
    SLOWER = "slower"
    FASTER = "faster"
    MORE_ROWS = "more rows"
    FEWER_ROWS = "fewer rows"


class PlanOperator(Shape):
    """An operator of the plan now, of the one before, or of both, above those that it reads from.

    `share` is its part of the time of all operators now, from 0 to 1.
    """

    name: str
    detail: str
    change: PlanChange
    rows: int | None = None
    rows_before: int | None = None
    duration_ms: float | None = None
    duration_ms_before: float | None = None
    share: float | None = None
    children: tuple["PlanOperator", ...] = ()


class PlannedStatement(Shape):
    """A statement of the asset, in one or both of its executions; `plan` if both were profiled.

    `lost_most` says in a sentence which operator takes more time than before, if one does.
    """

    number: int | None = None
    number_before: int | None = None
    text: str
    connection: str
    test: str | None = None
    change: PlanChange
    rows: int | None = None
    rows_before: int | None = None
    duration_ms: int | None = None
    duration_ms_before: int | None = None
    plan: PlanOperator | None = None
    lost_most: str | None = None


class PlannedExecution(Shape):
    """An execution of the asset; `profile` says if its task was to be profiled."""

    task_id: str
    attempt: int
    state: NodeState
    duration_ms: int
    profile: bool


class AssetPlans(Shape):
    """`GET /api/dag/asset/:name/plans`. `message` says what is missing, and how to get it."""

    asset_name: str
    now: PlannedExecution
    before: PlannedExecution | None = None
    change: PlanChange | None = None
    message: str | None = None
    statements: tuple[PlannedStatement, ...] = ()
