"""Executing, previewing, dropping and truncating one asset."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StrictInt

from dagscope.dag.events.status import NodeState
from dagscope.dag.ground.shapes import Shape

PREVIEW_ROWS = 10_000  # of one page, which is built in memory
PREVIEW_OFFSET = 10**18


def _whole(value: object) -> object:
    """241.0 is a whole number in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
"""Of a whole number in a body, which may be written as 241.0."""


class ExecuteResult(Shape):
    """The result of an execution: the number of rows written, and the first 100 rows (or the value)."""

    model_config = ConfigDict(alias_generator=None)

    rows_affected: int
    data: Any = None


class AssetExecuted(Shape):
    """The answer to an execute or a select that has ended, is still running, or failed. Times are epoch milliseconds.

    `total_records` is the number of rows of a select; `result` has the first of them.
    """

    task_id: str
    asset_name: str
    status: NodeState
    start_time: int | None = None
    end_time: int | None = None
    execution_time_ms: int | None = None
    result: ExecuteResult | None = None
    error: str | None = None
    upstreams_used: tuple[str, ...] = ()
    total_records: int | None = None


class PreviewRequest(Shape):
    """The optional body of `POST /api/dag/asset/:name/preview`. Other keys are ignored."""

    offset: Annotated[StrictInt, Field(ge=0, le=PREVIEW_OFFSET), Whole] = 0
    limit: Annotated[StrictInt, Field(ge=0, le=PREVIEW_ROWS), Whole] = 100


class UpkeepRequest(Shape):
    """`POST /api/dag/asset/:name/drop` and `truncate`: the asset's name again, to prevent mistakes."""

    confirm: str


class RelationChanged(Shape):
    """The result of a drop or a truncate: what was done, or why nothing was done."""

    asset_name: str
    status: Literal["SUCCESS", "FAILED"]
    message: str = ""
    error: str = ""
