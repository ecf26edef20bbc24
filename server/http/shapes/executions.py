"""What one execution of an asset has left."""

from collections.abc import Mapping

from pydantic import JsonValue

from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.shapes.code import CodeLine


class ExecutionColumn(Shape):
    """A column, with its type as the engine names it; "" if there is none."""

    name: str
    type: str


class ExecutionInput(Shape):
    """An upstream as it was read; `is_of_task` if the same task has left it so, absent if that is not known."""

    asset: str
    fingerprint: str | None = None
    is_of_task: bool | None = None


class AssetExecution(Shape):
    """`GET /api/dag/asset/:name/execution`. `sql` is what was sent, `code` what it was made of, or the Python code."""

    asset_name: str
    task_id: str
    attempt: int
    engine: str
    settings: Mapping[str, JsonValue]
    rows: int | None = None
    fingerprint: str | None = None
    captured_rows: int | None = None
    note: str = ""
    columns: tuple[ExecutionColumn, ...]
    inputs: tuple[ExecutionInput, ...]
    is_code_of_now: bool | None = None
    code: tuple[CodeLine, ...] = ()
    sql: tuple[CodeLine, ...] = ()
