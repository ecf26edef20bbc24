"""Rows that a DuckDB writes as text have the bytes of rows that are read and then converted (contract, Data)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from dagscope.dag.connections import ENGINES, Session
from dagscope.dag.ground.errors import StatementFailed
from dagscope.server.api.row_json import array_chunks, line_chunks, row_chunks
from dagscope.server.api.row_query import MANY_ROWS, RowQuery
from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, write_project
from tests.random_cells import DUCKDB, Row, tables

SHADOWS = [
    f"CREATE MACRO {name} AS 'shadow'"
    for name in ("concat(a, b)", "replace(a, b, c)", "to_json(a)", "isfinite(a)", "epoch_us(a)", "list_transform(a, b)")
]
NESTED = [
    (
        "STRUCT(a UUID, \"b c\" ENUM('x', 'y\"'), z TIMESTAMPTZ[])",
        "{'a': uuid(), 'b c': 'y\"', 'z': ['infinity', NULL]}",
    ),
    ("MAP(TIMESTAMPTZ, DOUBLE)", "MAP {TIMESTAMPTZ '2020-01-01 00:00:00+00': 'nan'}"),
    ("MAP(TIMESTAMPTZ[], INTEGER)", "MAP {[TIMESTAMPTZ '2020-01-01 00:00:00+00']: 1}"),
    ("MAP(UHUGEINT, BIT)", "MAP {3: '101'}"),
    ("UNION(a INTEGER, b TIMESTAMPTZ)", "TIMESTAMPTZ '2020-01-01 00:00:00+00'"),
    ("STRUCT(a STRUCT(b DECIMAL(3, 3)[]))", "{'a': {'b': [0.5, NULL]}}"),
    ("HUGEINT[]", "[170141183460469231731687303715884105727]"),
    ("JSON[]", "['{\"a\": 1}', '\"x\"', NULL]"),
    ("VARIANT", "42::VARIANT"),
    ("VARCHAR COLLATE NOCASE", "'Ä\"'"),
    ("VARCHAR COLLATE NOACCENT", "'é\\'"),
]


@pytest.fixture(scope="module", params=["UTC", "America/New_York"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session of a DuckDB that shows times in this zone, and whose macros have the names of functions."""
    duckdb = ENGINES["duckdb"]
    config = {"path": ":memory:", "extraParams": [{"name": "TimeZone", "value": request.param}]}
    connection = duckdb.from_config("duck", duckdb.Config.model_validate(config), tmp_path_factory.mktemp("duck"))
    with connection.session() as session:
        session.execute(";".join(SHADOWS))
        yield session
    connection.close()


def texts(session: Session, relation: str) -> list[tuple[bytes, bytes]]:
    """The rows in each style, as the database writes them and as they are converted."""
    schema = session.read(f"SELECT * FROM {relation} LIMIT 0").schema
    columns, query = tuple(schema.names), RowQuery(session, schema, f"SELECT * FROM {relation}")
    return [
        (b"".join(chunks(query)), b"".join(chunks(iter(query))))
        for chunks in (lambda rows: row_chunks(rows, columns), lambda rows: line_chunks(rows, columns), array_chunks)
    ]


def assert_same(session: Session, relation: str) -> None:
    for written, converted in texts(session, relation):
        assert written == converted


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=tables(DUCKDB))
def test_the_same_bytes(session: Session, rows: list[Row]) -> None:
    """Random rows of all types have the same bytes in every style, in a table and in a view."""
    columns = ", ".join(f"c{place} {kind.type}" for place, kind in enumerate(DUCKDB))
    cells = ", ".join(
        "(" + ", ".join("NULL" if cell is None else "'" + cell.replace("'", "''") + "'" for cell in row) + ")"
        for row in rows
    )
    session.execute(f"CREATE OR REPLACE TABLE cells({columns}); INSERT INTO cells VALUES {cells}")
    session.execute("CREATE OR REPLACE VIEW seen AS SELECT *, c0 AS again FROM cells")
    assert_same(session, "cells")
    assert_same(session, "seen")


def test_the_ends_of_all_types(session: Session) -> None:
    """The least and the greatest value of each type have the same bytes, alone and beside others."""
    session.execute("CREATE OR REPLACE TABLE ends AS SELECT * FROM test_all_types()")
    for name in session.read("SELECT * FROM ends LIMIT 0").schema.names:
        session.execute(f'CREATE OR REPLACE TABLE one AS SELECT "{name}", 1 AS "quo""te" FROM ends')
        assert_same(session, "one")


@pytest.mark.parametrize(("type_", "value"), NESTED, ids=[type_ for type_, _ in NESTED])
def test_nested_and_rare_types(session: Session, type_: str, value: str) -> None:
    """Types in types, and those that only the conversion knows, have the same bytes."""
    session.execute(
        f"CREATE OR REPLACE TABLE rare(x {type_}, y VARCHAR); INSERT INTO rare VALUES ({value}, ''), (NULL, NULL)"
    )
    assert_same(session, "rare")


def test_an_error_has_no_place_in_sql_that_nobody_wrote(session: Session) -> None:
    """A row that cannot be computed is reported without the SQL that writes rows."""
    bad = f"SELECT (CASE range WHEN {MANY_ROWS} THEN 'x' ELSE '1' END)::INTEGER AS a FROM range({MANY_ROWS + 1})"
    session.execute(f"CREATE OR REPLACE VIEW bad AS {bad}")
    query = RowQuery(session, session.read("SELECT * FROM bad LIMIT 0").schema, "SELECT * FROM bad")
    with pytest.raises(StatementFailed) as raised:
        list(row_chunks(query, ("a",)))
    assert raised.value.reason == "Conversion Error: Could not convert string 'x' to INT32"


ROWS = f"""\
SELECT range AS id, CASE WHEN range % 7 = 0 THEN NULL ELSE 'a"\\' || chr((range % 100 + 1)::INTEGER) END AS text,
  CASE WHEN range % 9 = 0 THEN 'nan' WHEN range % 9 = 1 THEN '-inf' ELSE range / 8 END::DOUBLE AS number,
  DATE '0001-01-01' - (range % 3)::INTEGER AS day, TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_seconds(range) AS moment,
  range % 3 AS id
FROM range({3 * MANY_ROWS})
"""


@pytest.fixture
def door(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    """A run of a table and a view of many rows with special values, and with two columns of one name."""
    view = block("materialization: view") + 'SELECT *, id AS "ID" FROM {{ Ref("s.table") }}'
    files = {model("s.table"): ROWS, model("s.view"): view}
    door = opened(write_project(tmp_path, files), post_wait_ms=60_000)
    door.run("t")
    return door


def rows_text(door: AppDoor, asset: str, **query: str | int) -> str:
    answer = door.get(f"/api/dag/asset/{asset}/data", params=query)
    assert answer.status_code == 200
    return answer.text.partition('"rows":[' if "format" in query else '"data":[')[2].partition('],"rowCount"')[0]


@pytest.mark.slow
@pytest.mark.parametrize("asset", ["s.table", "s.view"])
def test_all_rows_are_those_of_a_page(door: AppDoor, asset: str) -> None:
    """Many rows, also sorted, filtered, from an offset or as arrays, are those that an answer with a limit has."""
    queries: list[dict[str, str | int]]
    queries = [{}, {"sort": "-text,id"}, {"filter": "id:ge:1000"}, {"format": "arrays"}, {"offset": 9}]
    for query in queries:
        whole = rows_text(door, asset, **query)
        assert len(whole) > MANY_ROWS
        assert whole == rows_text(door, asset, **{"offset": 0, **query, "limit": 4 * MANY_ROWS})


def test_a_download_has_the_same_rows(door: AppDoor) -> None:
    """JSON Lines of many rows are the objects of the answer with a limit."""
    lines = door.get("/api/dag/asset/s.table/data/download", params={"as": "jsonl"}).text.splitlines()
    assert ",".join(lines) == rows_text(door, "s.table", limit=4 * MANY_ROWS)
