"""The statements of Spark's materializations."""

from dataclasses import dataclass

from dagscope.dag.connections.materializations import Materializations, TableKeys
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.connections.spark.dialect import DIALECT


@dataclass(frozen=True)
class SparkMaterializations(Materializations):
    """`OR REPLACE` is one commit of the table's format; a relation of the other kind is dropped before."""

    table_format: str = "delta"

    def view(self, name: str, query: str, existing: RelationKind | None) -> list[str]:
        drop = [f"DROP TABLE {name}"] if existing is RelationKind.TABLE else []
        return drop + super().view(name, query, existing)

    def table(self, name: str, query: str, keys: TableKeys, existing: RelationKind | None) -> list[str]:  # noqa: ARG002
        drop = [f"DROP VIEW {name}"] if existing is RelationKind.VIEW else []
        return [*drop, f"CREATE OR REPLACE TABLE {name} USING {self.table_format} AS {query}"]


MATERIALIZATIONS = SparkMaterializations(DIALECT)
