"""Recording a PostgreSQL relation: its rows, and a fingerprint of them."""

from typing import Any, Protocol

from dagscope.dag.connections.postgres.dialect import DIALECT
from dagscope.dag.connections.relation_records import RelationRecord, Wanted
from dagscope.dag.events.node_records import RecordedColumn, engine_fingerprint
from dagscope.dag.ground.errors import DagscopeError, StatementFailed

_UNDEFINED_FUNCTION = "42883"  # of a column whose type has no hash, such as json, or before PostgreSQL 14
_ROW = "dagscope_row"


class Asks(Protocol):
    """A session, as far as it is needed here."""

    def unlogged_rows(self, sql: str) -> list[tuple[Any, ...]]: ...

    def sql_state(self, error: DagscopeError) -> str | None: ...


def engine(server_version: int) -> str:
    """The engine's name and version, from 160003 for 16.3."""
    return f"postgres {server_version // 10_000}.{server_version % 10_000}"


def columns(session: Asks, relation: str) -> tuple[RecordedColumn, ...]:
    """The columns of a relation, with their types."""
    found = session.unlogged_rows(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        f"WHERE attrelid = {DIALECT.literal(relation)}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return tuple(RecordedColumn(*column) for column in found)


def recorded(
    session: Asks, engine: str, relation: str, described: tuple[RecordedColumn, ...], wanted: Wanted
) -> RelationRecord:
    """The record of a relation with these columns."""
    rows = wanted.rows
    if rows is None:
        ((rows,),) = session.unlogged_rows(f"SELECT count(*) FROM {relation}")
    if rows > wanted.fingerprint_rows:
        return RelationRecord(described, rows)
    row = f"ROW({_ROW}.*)"
    try:
        rows, total = _hashed(session, relation, f"hash_record_extended({row}, 0)")
    except StatementFailed as error:
        if session.sql_state(error) != _UNDEFINED_FUNCTION:
            raise
        engine = f"{engine} by text"  # which depends on settings, so it is not compared with the other
        rows, total = _hashed(session, relation, f"hashtextextended({row}::text, 0)")
    return RelationRecord(described, rows, engine_fingerprint(engine, rows, total))


def _hashed(session: Asks, relation: str, row_hash: str) -> tuple[int, int]:
    ((rows, total),) = session.unlogged_rows(
        f"SELECT count(*), coalesce(sum({row_hash}::numeric), 0) FROM {relation} AS {_ROW}"
    )
    return rows, int(total)
