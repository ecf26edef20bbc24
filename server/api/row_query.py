"""Rows of a relation that a DuckDB of the project can itself write as text, in the query that reads them.

That takes less than half the time of reading rows and then converting them. Types whose values change on the way to
Arrow in a way that SQL has no words for are left to the conversion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from duckdb import sqltypes

from dagscope.dag.connections.arrow_types import noted_type
from dagscope.dag.connections.base import Queries
from dagscope.dag.connections.neutral_types import SIGNED_128, NeutralType

MANY_ROWS = 32_768
"""Fewer are read and converted as fast: the query takes longer to plan."""

_BATCH_ROWS, _BATCH_CELLS = 16_384, 200_000
_LEAST_BATCH_ROWS = 2_048  # DuckDB's own batch size

OWN = "system.main."
"""In front of functions: DuckDB's own, whatever macros a project has."""

_EXACT = {
    "boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "decimal",
    "float", "double", "varchar", "blob", "interval", "date", "time", "time_ns", "timestamp", "timestamp_s",
    "timestamp_ms", "timestamp_us", "timestamp_ns", "timestamp with time zone",
}  # fmt: skip
"""Kinds of types, as DuckDB reads them from Arrow, to which a cast of DuckDB's own type gives the same values."""
_NESTED = {"list", "array", "struct", "map"}

Type = sqltypes.DuckDBPyType


@dataclass(frozen=True)
class RowQuery:
    """Rows that are not read yet: `sql` reads them, with the columns of `schema`."""

    session: Queries
    schema: pa.Schema
    sql: str

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self.session.read_to_show(self.sql))

    def can_write(self, types: Sequence[Type]) -> bool:
        """Whether it has exact texts of the columns, whose types are those that DuckDB reads from Arrow."""
        return bool(types) and all(
            _is_exact(type_, noted.neutral if (noted := noted_type(field)) else None)
            for field, type_ in zip(self.schema, types, strict=True)
        )

    def texts(self, types: Sequence[Type], expression: str) -> Iterator[pa.Array]:
        """The expression for each row, in arrays; its columns are c0, c1, ... and have the types."""
        columns = ", ".join(
            f"{_cast(name, field, type_)} AS {name}"
            for name, field, type_ in zip(self._names, self.schema, types, strict=True)
        )
        rows = f"(SELECT {columns} FROM {self._named(self.sql)}) AS rows_of_types"
        most = max(_LEAST_BATCH_ROWS, min(_BATCH_ROWS, _BATCH_CELLS // len(types)))
        for batch in self.session.read_texts(f"SELECT {expression} AS text FROM {rows}", most):
            yield batch.column(0)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"c{place}" for place in range(len(self.schema)))

    def _named(self, sql: str) -> str:
        return f"({sql}) AS read_rows({', '.join(self._names)})"


def _is_exact(type_: Type, noted: NeutralType | None) -> bool:
    kind = str(type_.id)
    if kind not in _NESTED:
        return kind in _EXACT
    if noted is not None and _contains_wide(noted):  # the type that it has in Arrow holds no 39 digits in a cast
        return False
    parts = {name: child for name, child in type_.children if isinstance(child, sqltypes.DuckDBPyType)}
    if kind == "map" and str(parts["key"].id) in _NESTED:  # its text has times in the zone that the database shows
        return False
    return bool(parts) and all(_is_exact(part, None) for part in parts.values())


def _contains_wide(noted: NeutralType) -> bool:
    return noted.name == SIGNED_128 or any(map(_contains_wide, noted.parts))


def _cast(name: str, field: pa.Field, type_: Type) -> str:
    noted = noted_type(field)
    is_wide = noted is not None and noted.neutral.name == SIGNED_128
    return name if is_wide else f"CAST({name} AS {type_})"
