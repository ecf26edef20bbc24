"""The formats that can replace a table in one step, and how the tables of each say what was written to them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from dagscope.dag.connections.spark.dialect import DIALECT

_NEWEST = 20  # commits of a table: those of other sessions may follow
_NOTE = "dagscope"
_MAPPING = "spark.databricks.delta.properties.defaults.columnMapping.mode"


class TableFormat(ABC):
    """A format of tables; each commit keeps a note, by which it is found again among those of other sessions."""

    name: ClassVar[str]
    settings: ClassVar[Mapping[str, str]]
    """Of each session."""
    note_setting: ClassVar[str]
    """The setting whose value is the note."""
    has_current_schema: ClassVar[bool]
    """Whether a session begins in the default schema."""
    any_names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Settings with which a new table's columns may have any names."""

    @abstractmethod
    def commits(self, relation: str) -> str:
        """A query of the table's newest commits."""

    @abstractmethod
    def noted_rows(self, commits: Iterable[Mapping[str, Any]], note: str) -> int | None:
        """The rows that the commit with this note added; None if there is no such commit, or it has no count."""

    @abstractmethod
    def newest_version(self, relation: str) -> str:
        """A query of the version that readers see; the first column of the first row."""


class _Delta(TableFormat):
    name = "delta"
    settings = MappingProxyType(
        {
            "spark.sql.sources.default": "delta",
            _MAPPING: "none",
            "spark.databricks.delta.properties.defaults.feature.timestampNtz": "supported",
        }
    )
    note_setting = "spark.databricks.delta.commitInfo.userMetadata"
    has_current_schema = True
    # Not of all tables: each replacement would give all columns new names in its files, and a query that was analyzed
    # just before would fail.
    any_names = MappingProxyType({_MAPPING: "name"})

    def commits(self, relation: str) -> str:
        return f"DESCRIBE HISTORY {relation} LIMIT {_NEWEST}"

    def noted_rows(self, commits: Iterable[Mapping[str, Any]], note: str) -> int | None:
        for commit in commits:
            if commit.get("userMetadata") == note:
                counted = dict(commit.get("operationMetrics") or ()).get("numOutputRows")
                return int(counted) if counted is not None else None
        return None

    def newest_version(self, relation: str) -> str:
        return f"DESCRIBE HISTORY {relation} LIMIT 1"


class _Iceberg(TableFormat):
    name = "iceberg"
    settings = MappingProxyType({"spark.sql.sources.default": "iceberg"})
    note_setting = f"spark.sql.iceberg.snapshot-property.{_NOTE}"
    has_current_schema = False

    def commits(self, relation: str) -> str:
        return f"SELECT summary FROM {_in_schema(relation)}.snapshots ORDER BY committed_at DESC LIMIT {_NEWEST}"

    def noted_rows(self, commits: Iterable[Mapping[str, Any]], note: str) -> int | None:
        for summary in (dict(commit["summary"]) for commit in commits):
            if summary.get(_NOTE) == note:
                return int(summary.get("added-records", 0))
        return None

    def newest_version(self, relation: str) -> str:
        return f"SELECT snapshot_id FROM {_in_schema(relation)}.refs WHERE name = {DIALECT.literal('main')}"


def _in_schema(relation: str) -> str:
    """Iceberg looks for what it knows about a table only under the table's whole name."""
    return relation if "." in relation else f"{DIALECT.default_schema}.{relation}"


FORMATS: Mapping[str, TableFormat] = MappingProxyType({made.name: made for made in (_Delta(), _Iceberg())})
"""The formats by their names in SQL and in config.yaml."""
