"""Highlighted code, and the statements that were sent."""

from typing import Annotated, Literal

from pydantic import JsonValue, WithJsonSchema

from dagscope.dag.events.statements import ProfileNode, Statement
from dagscope.dag.events.status import NodeState
from dagscope.dag.ground.shapes import Shape

_TOKEN_SCHEMA: dict[str, JsonValue] = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3}

CodeToken = Annotated[tuple[str, str] | tuple[Literal["r"], str, str], WithJsonSchema(_TOKEN_SCHEMA)]
"""`[class, text]`, or `["r", text, asset]` for a reference to an asset (docs/http-api/assets.md, Lines of code)."""


CodeLine = tuple[CodeToken, ...]


class AssetSql(Shape):
    """`GET /api/dag/asset/:name/sql`. `select` is the template, from `first_line` of the file; or the Python code."""

    path: str
    first_line: int
    select: tuple[CodeLine, ...]
    compiled: tuple[CodeLine, ...]


class DataTestSql(Shape):
    """`GET /api/tests/:name/sql`. `sql` is what the next run sends."""

    path: str
    first_line: int
    select: tuple[CodeLine, ...]
    sql: tuple[CodeLine, ...]


class ShownStatement(Statement):
    """With `tokens`, `lines` are added, and `profile_tree` takes the place of `profile`."""

    lines: tuple[CodeLine, ...] | None = None
    profile_tree: ProfileNode | None = None


class SentStatements(Shape):
    """The statements of one attempt, in order; `total` counts all of them, `statements` has those that are kept."""

    task_id: str
    attempt: int
    statements: tuple[ShownStatement, ...]
    total: int


class AssetStatements(SentStatements):
    """`GET /api/dag/asset/:name/statements`; `state` is that of the node in that attempt."""

    asset_name: str
    state: NodeState


class DataTestStatements(SentStatements):
    """`GET /api/tests/:name/statements`."""

    test_name: str
