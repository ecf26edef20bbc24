"""Recording a DuckDB relation: its columns, its rows, and a fingerprint of them."""

import duckdb
import pyarrow as pa

from dagscope.dag.connections.duckdb import types as duckdb_types
from dagscope.dag.connections.duckdb.types import Type, is_nested
from dagscope.dag.connections.relation_records import RelationRecord, Wanted
from dagscope.dag.events.node_records import RecordedColumn, engine_fingerprint
from dagscope.dag.model.dialect import quoted

_BATCH_ROWS = 2_048  # one vector: the bytes of captured rows are looked at between two batches
ENGINE = f"duckdb {duckdb.__version__}"


def recorded(cursor: duckdb.DuckDBPyConnection, relation: str, wanted: Wanted | None) -> RelationRecord:
    """The record of a relation; without `wanted` nothing is executed. The cursor's later queries are not optimized."""
    described = cursor.sql(f"FROM {relation}")
    names, types = described.columns, described.types
    columns = tuple(RecordedColumn(name, str(type_)) for name, type_ in zip(names, types, strict=True))
    if wanted is None:
        return RelationRecord(columns)
    if not wanted.is_view:
        cursor.execute("PRAGMA disable_optimizer")  # looking for what there is to optimize takes longer than 1,000 rows
    if wanted.captured_rows != 0:
        is_cut = wanted.rows is None or (wanted.captured_rows or wanted.rows) < wanted.rows
        wanted.keep(_exported(cursor.sql(f"FROM {relation}{wanted.limit()}") if is_cut else described))
    rows = _value(cursor, f"SELECT count(*) FROM {relation}") if wanted.rows is None else wanted.rows
    if rows > wanted.fingerprint_rows:
        return RelationRecord(columns, rows)
    total = _value(cursor, f"SELECT sum({_hash(names, types)}) FROM {relation}")
    return RelationRecord(columns, rows, engine_fingerprint(ENGINE, rows, total))


def _exported(rows: duckdb.DuckDBPyRelation) -> pa.RecordBatchReader:
    """The rows as Arrow's, with the types that Arrow lacks recorded."""
    types = rows.types
    projection = duckdb_types.export_projection(rows.columns, types)
    reader = (rows.project(projection) if projection else rows).to_arrow_reader(_BATCH_ROWS)
    schema = duckdb_types.described(reader.schema, types)
    return pa.RecordBatchReader.from_batches(
        schema, (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in reader)
    )


def _value(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    ((value,),) = cursor.execute(sql).fetchall()
    return value or 0


def _hash(names: list[str], types: list[Type]) -> str:
    """A row's hash. DuckDB hashes NULL, [] and [NULL] alike, so nested values are hashed as text."""
    values = (
        f"CAST({quoted(name)} AS VARCHAR)" if is_nested(type_) else quoted(name)
        for name, type_ in zip(names, types, strict=True)
    )
    return f"hash({', '.join(values)})"
