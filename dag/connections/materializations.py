"""The statements of each materialization, for executing and for displaying them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.ground.errors import ColumnsDiffer
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import IndexEntry, Materialization


@dataclass(frozen=True)
class TableKeys:
    """The indexes that a table is to have, by their names in the database. The primary key, if any, is the first."""

    indexes: tuple[IndexEntry, ...] = ()
    primary_key: IndexEntry | None = None

    @classmethod
    def of(cls, asset: Asset) -> Self:
        """Named as Teal names them, so that two models of a stage may each have an index `ix`.

        The primary key is a unique index and no constraint: rows without a key may be several.
        """
        model = asset.name.split(".", 1)[1]
        indexes = tuple(index.model_copy(update={"name": f"{model}_{index.name}_idx"}) for index in asset.indexes)
        if not asset.primary_key_fields:
            return cls(indexes)
        primary_key = IndexEntry(name=f"{model}_pkey", unique=True, fields=list(asset.primary_key_fields))
        return cls((primary_key, *indexes), primary_key)


def appended_columns(
    asset: str, query: Sequence[str], table: Sequence[str], same: Callable[[str], str] = str
) -> list[str]:
    """The table's columns in the order of the query's, matched by name; `same` maps equal names to the same value.

    Raises `ColumnsDiffer` unless both have the same columns.
    """
    check_names(asset, query, same)
    of_table = {same(name): name for name in table}
    of_query = {same(name): name for name in query}
    differences = [
        f"only the {where} has {_quoted(only)}"
        for where, only in (
            ("query", [name for key, name in of_query.items() if key not in of_table]),
            ("table", [name for key, name in of_table.items() if key not in of_query]),
        )
        if only
    ]
    if differences:
        raise ColumnsDiffer(
            f'"{asset}" is incremental and appends by name, but {" and ".join(differences)}; '
            "make the query return the table's columns, or drop the table"
        )
    return [of_table[same(name)] for name in query]


def check_names(asset: str, query: Sequence[str], same: Callable[[str], str] = str) -> None:
    """Raises `ColumnsDiffer` if two columns of the query have the same name, which cannot be appended by name."""
    counts = Counter(map(same, query))
    twice = dict.fromkeys(name for name in query if counts[same(name)] > 1)
    if twice:
        raise ColumnsDiffer(
            f'"{asset}" is incremental and appends by name, but its query has more than one column '
            f"{_quoted(twice)}; give each a different name"
        )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


@dataclass(frozen=True)
class Materializations:
    """The statements of one engine. An engine overrides those that differ.

    A query follows its keyword on the same line, so that the line numbers in a database's errors are the query's own.
    """

    dialect: Dialect

    def statements(self, asset: Asset, query: str, existing: RelationKind | None) -> list[str]:
        """The statements that materialize the asset over `existing`, to run in one transaction."""
        name = self.dialect.relation(asset.name)
        match asset.materialization:
            case Materialization.VIEW:
                return self.view(name, query, existing)
            case Materialization.INCREMENTAL if existing is RelationKind.TABLE:
                return [self.append(name, query)]
            case Materialization.TABLE | Materialization.INCREMENTAL:
                return self.table(name, query, TableKeys.of(asset), existing)
            case _:
                return [query]

    def view(self, name: str, query: str, existing: RelationKind | None) -> list[str]:  # noqa: ARG002  for engines
        return [f"CREATE OR REPLACE VIEW {name} AS {query}"]

    def append(self, name: str, query: str, columns: Iterable[str] = ()) -> str:
        """`columns` are the table's, in the query's order; empty if the statement is only shown."""
        into = f" ({self.dialect.identifiers(columns)})" if columns else ""
        return f"INSERT INTO {name}{into} {query}"

    def table(
        self,
        name: str,
        query: str,
        keys: TableKeys,
        existing: RelationKind | None,  # noqa: ARG002  for engines
    ) -> list[str]:
        return [f"CREATE TABLE {name} AS {query}", *self.keys(name, keys)]

    def keys(self, name: str, keys: TableKeys) -> list[str]:
        return [self._index(name, index) for index in keys.indexes]

    def _index(self, name: str, index: IndexEntry) -> str:
        unique = "UNIQUE " if index.unique else ""
        fields = self.dialect.identifiers(index.fields)
        return f"CREATE {unique}INDEX {self.dialect.identifier(index.name)} ON {name} ({fields})"
