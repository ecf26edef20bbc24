"""The statements of PostgreSQL's materializations; `relations` does the work around them."""

from dagscope.dag.connections.materializations import Materializations, TableKeys
from dagscope.dag.connections.postgres.dialect import DIALECT
from dagscope.dag.connections.relation_kind import RelationKind

_NEW_TABLE = "dagscope_new"

NEW_ROWS = f"pg_temp.{_NEW_TABLE}"
"""The table that collects the rows that replace others."""

GATHERED_ROWS = f"SELECT * FROM {NEW_ROWS}"


class PostgresMaterializations(Materializations):
    """If a table's columns stay the same, the table stays and only its rows are replaced."""

    def table(self, name: str, query: str, keys: TableKeys, existing: RelationKind | None) -> list[str]:
        if existing is RelationKind.TABLE:
            return [self.gather(query), self.empty(name), self.append(name, GATHERED_ROWS)]
        return super().table(name, query, keys, existing)

    def gather(self, query: str) -> str:
        """Create the new rows without touching the old ones."""
        return f"CREATE TEMPORARY TABLE {_NEW_TABLE} ON COMMIT DROP AS {query}"

    def empty(self, name: str) -> str:
        """DELETE, because after TRUNCATE a reader with an older snapshot would see an empty table."""
        return f"DELETE FROM {name}"


MATERIALIZATIONS = PostgresMaterializations(DIALECT)
