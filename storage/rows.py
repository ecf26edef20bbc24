"""Reading rows: the base of everything that reads a moment of the state."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from dagscope.dag.ground.records import Record

Columns = dict[str, Any]
"""A row by the names of its columns."""

AnyRecord = TypeVar("AnyRecord", bound=Record)


class Rows:
    """Queries one connection, in the transaction that is open on it. Read-only."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rows(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """The rows of a statement."""
        return (await self._connection.execute(statement, values)).all()

    async def columns(self, statement: Executable) -> list[Columns]:
        """The same by name: records are created faster from this than from rows."""
        result = await self._connection.execute(statement)
        names = tuple(result.keys())
        return [dict(zip(names, row, strict=True)) for row in result.all()]


def shaped(shape: type[AnyRecord], row: Columns, **values: Any) -> AnyRecord:
    """A record of the columns that have the names of its fields, and of further values."""
    known = row | values
    names = zip(shape.__struct_fields__, shape.__struct_encode_fields__, strict=True)
    return shape.of_json({key: known[name] for name, key in names if name in known})
