"""The statements of DuckDB's materializations."""

from collections.abc import Iterable

from dagscope.dag.connections.duckdb.dialect import DIALECT
from dagscope.dag.connections.materializations import Materializations, TableKeys
from dagscope.dag.connections.relation_kind import RelationKind


class DuckDBMaterializations(Materializations):
    """`OR REPLACE` does everything, except replace a view with a table, or a table with a view."""

    def append(self, name: str, query: str, columns: Iterable[str] = ()) -> str:
        return super().append(name, query, columns) if columns else f"INSERT INTO {name} BY NAME {query}"

    def view(self, name: str, query: str, existing: RelationKind | None) -> list[str]:
        drop = [f"DROP TABLE {name}"] if existing is RelationKind.TABLE else []
        return drop + super().view(name, query, existing)

    def table(self, name: str, query: str, keys: TableKeys, existing: RelationKind | None) -> list[str]:
        drop = [f"DROP VIEW {name}"] if existing is RelationKind.VIEW else []
        return [*drop, f"CREATE OR REPLACE TABLE {name} AS {query}", *self.keys(name, keys)]


MATERIALIZATIONS = DuckDBMaterializations(DIALECT)
