"""Views that prevent DuckDB from replacing what they read: those created with `enable_view_dependencies`.

DuckDB stores the dependency in the database file, whatever the setting is later.
"""

import re
from dataclasses import dataclass

import duckdb

from dagscope.dag.connections.duckdb.dialect import DIALECT

_PART = re.compile(r'"((?:[^"]|"")*)"|([^."\s]+)')


@dataclass(frozen=True)
class Dependent:
    """A view on a relation; `name` is `schema.view`."""

    name: str
    create: str

    @property
    def drop(self) -> str:
        return f"DROP VIEW {DIALECT.relation(self.name)}"


def dependents(cursor: duckdb.DuckDBPyConnection, relation: str) -> list[Dependent]:
    """The views on a relation, which is written as SQL, direct and indirect, each after those that it reads."""
    if cursor.execute("SELECT 1 FROM duckdb_dependencies() WHERE deptype = 'n' LIMIT 1").fetchone() is None:
        return []
    *schemas, name = (quoted.replace('""', '"') or bare for quoted, bare in _PART.findall(relation))
    schema = DIALECT.literal(schemas[-1]) if schemas else "current_schema()"

    def named(kind: str) -> str:
        return (
            f"SELECT {kind}_oid FROM duckdb_{kind}s() WHERE database_name = current_database() "
            f"AND lower(schema_name) = lower({schema}) AND lower({kind}_name) = lower({DIALECT.literal(name)})"
        )

    found = cursor.execute(
        "WITH RECURSIVE reader(oid, depth) AS ("
        f"SELECT oid, 0 FROM ({named('table')} UNION ALL {named('view')}) AS relation(oid) "
        "UNION SELECT d.refobjid, reader.depth + 1 FROM reader JOIN duckdb_dependencies() d ON d.objid = reader.oid) "
        "SELECT v.schema_name || '.' || v.view_name, v.sql "
        "FROM reader JOIN duckdb_views() v ON v.view_oid = reader.oid "
        "WHERE depth > 0 AND v.database_name = current_database() GROUP BY ALL ORDER BY max(depth), 1"
    )
    return [Dependent(view, create.rstrip().rstrip(";")) for view, create in found.fetchall()]
