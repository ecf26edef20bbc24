"""Frames that were stored before column types were recorded in the neutral vocabulary."""

from pathlib import Path

import pyarrow as pa
import pytest

from dagscope.dag.connections import Connection
from dagscope.dag.ground.errors import TypeNotKept
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.server.api.row_json import row_chunks
from tests.dag.connections.conftest import Connect

HUGEINT = pa.decimal128(38, 0)
WIDE = "340282366920938463463374607431768211455"
UUID = "00000000-0000-0000-0000-000000000001"

KEPT = pa.table(
    [
        pa.array([UUID]),
        pa.array([WIDE]),
        pa.array([7]).cast(HUGEINT),
        pa.array([[UUID]]),
        pa.array([{"n": WIDE, "l": [UUID]}]),
        pa.array(["1.50"]),
        pa.array([["1.50", "NaN"]]),
        pa.array(['{"a": 1}']),
        pa.array(["10.0.0.1"]),
    ],
    schema=pa.schema(
        [
            pa.field("duck_uuid", pa.string(), metadata={"dagscope:type": "duckdb:UUID"}),
            pa.field("duck_wide", pa.string(), metadata={"dagscope:type": "duckdb:UHUGEINT"}),
            pa.field("duck_huge", HUGEINT, metadata={"dagscope:type": "duckdb:HUGEINT"}),
            pa.field("duck_uuids", pa.list_(pa.string()), metadata={"dagscope:type": "duckdb:UUID[]"}),
            pa.field(
                "duck_nested",
                pa.struct({"n": pa.string(), "l": pa.list_(pa.string())}),
                metadata={"dagscope:type": 'duckdb:STRUCT("n" UHUGEINT, "l" UUID[])'},
            ),
            pa.field("pg_numeric", pa.string(), metadata={"dagscope:type": "postgres:numeric"}),
            pa.field("pg_numerics", pa.list_(pa.string()), metadata={"dagscope:type": "postgres:numeric[]"}),
            pa.field("pg_jsonb", pa.string(), metadata={"dagscope:type": "postgres:jsonb"}),
            pa.field("pg_inet", pa.string(), metadata={"dagscope:type": "postgres:inet"}),
        ]
    ),
)
"""As `session.read` of earlier versions returned it, and as frames store it."""


@pytest.fixture
def stored(tmp_path: Path) -> pa.Table:
    """The rows of a stored frame."""
    frames = FrameFiles(tmp_path)
    return frames.stream(frames.write(KEPT.to_reader()).digest).read_all()


def types_of(written: pa.Table, connection: Connection, type_of: str) -> dict[str, str]:
    """The column types of a table that the rows are written to."""
    with connection.session() as session:
        session.write("earlier", written.to_reader())
        return {name: session.scalar(f"SELECT {type_of.format(name)} FROM earlier") for name in written.schema.names}


def test_in_duckdb(stored: pa.Table, connect: Connect) -> None:
    """DuckDB's own columns are restored exactly, PostgreSQL's become what they always became."""
    rows = stored.select([name for name in stored.schema.names if name not in ("pg_numeric", "pg_numerics", "pg_inet")])
    assert types_of(rows, connect("duckdb"), "typeof({})") == {
        "duck_uuid": "UUID",
        "duck_wide": "UHUGEINT",
        "duck_huge": "HUGEINT",
        "duck_uuids": "UUID[]",
        "duck_nested": "STRUCT(n UHUGEINT, l UUID[])",
        "pg_jsonb": "JSON",
    }


def test_in_postgres(stored: pa.Table, connect: Connect, postgres: dict[str, str]) -> None:
    """PostgreSQL's own columns are restored exactly, DuckDB's become what they always became."""
    rows = stored.drop_columns(["duck_nested"])
    assert types_of(rows, connect("postgres", **postgres), "format_type(pg_typeof({}), NULL)") == {
        "duck_uuid": "uuid",
        "duck_wide": "numeric",
        "duck_huge": "numeric",
        "duck_uuids": "uuid[]",
        "pg_numeric": "numeric",
        "pg_numerics": "numeric[]",
        "pg_jsonb": "jsonb",
        "pg_inet": "inet",
    }


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            "pg_numeric",
            (
                'column "pg_numeric" of type numeric without precision cannot be kept in DuckDB: it has no fixed '
                "precision; cast it, for example pg_numeric::numeric(38, 10)"
            ),
        ),
        (
            "pg_inet",
            (
                'column "pg_inet" of type inet cannot be kept in DuckDB: DuckDB has no such type; cast it, for example '
                "pg_inet::text"
            ),
        ),
    ],
)
def test_refused(stored: pa.Table, connect: Connect, column: str, message: str) -> None:
    """A column without an exact counterpart is still refused."""
    with connect("duckdb").session() as session, pytest.raises(TypeNotKept) as raised:
        session.write("earlier", stored.select([column]).to_reader())
    assert str(raised.value) == message


def test_shown(stored: pa.Table) -> None:
    """Numbers that Arrow cannot hold are shown as numbers, in lists and structs too."""
    text = b"".join(row_chunks(iter(stored.to_batches()), tuple(stored.schema.names))).decode()
    assert text == (
        f'{{"duck_uuid":"{UUID}","duck_wide":{WIDE},"duck_huge":7,"duck_uuids":["{UUID}"],'
        f'"duck_nested":{{"n":{WIDE},"l":["{UUID}"]}},"pg_numeric":1.50,"pg_numerics":[1.50,null],'
        '"pg_jsonb":"{\\"a\\": 1}","pg_inet":"10.0.0.1"}'
    )
