"""DuckDB's `enable_view_dependencies`: relations that views read can still be replaced."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from dagscope.dag.connections import Connection, Session
from dagscope.dag.ground.errors import StatementFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import IndexEntry, Materialization
from tests.dag.connections.conftest import rows

SETTING = [{"name": "enable_view_dependencies", "value": "true"}]
INDEX = (IndexEntry(name="ix", unique=True, fields=["id"]),)


@pytest.fixture
def opened(connect: Callable[..., Connection]) -> Connection:
    """A database with the table s.a, a view on it, and a view on that in another schema."""
    connection = connect("duckdb", path="here.duckdb", extraParams=SETTING)
    with connection.session() as session:
        make(session, "s.a", "SELECT 0 AS id, 'x' AS v", indexes=INDEX)
        make(session, "s.b", "SELECT id, v FROM s.a", "view")
        make(session, "t.Odd", "SELECT id FROM s.b", "view")
    return connection


def make(session: Session, name: str, sql: str, kind: str = "table", remade: Any = (), **keys: Any) -> None:
    made = Asset(name, "", "any", "any", Materialization(kind), None, **keys)
    session.create_schema(made.stage)
    session.materialize(made, sql, None, remade)


def test_replaced_under_views(opened: Connection) -> None:
    """Tables and views are replaced, also with keys and other columns; the views on them stay, and see the new rows."""
    with opened.session() as session:
        for number, keys in enumerate(({}, {"indexes": INDEX}, {"primary_key_fields": ("id",)}), 1):
            make(session, "s.a", f"SELECT {number} AS id, 'x' AS v, {number} AS added_{number}", **keys)
            assert rows(session, 'SELECT * FROM t."Odd"') == [(number,)]
        make(session, "s.b", "SELECT id + 10 AS id FROM s.a", "view")
        assert rows(session, 'SELECT * FROM t."Odd"') == [(13,)]
        make(session, "s.a", "SELECT 5 AS id", "view")
        assert rows(session, 'SELECT * FROM t."Odd"') == [(15,)]


def test_setting_that_was_turned_off(opened: Connection, connect: Callable[..., Connection]) -> None:
    """The file keeps the dependencies when it is opened without the setting."""
    opened.close()
    with connect("duckdb", path="here.duckdb").session() as session:
        make(session, "s.a", "SELECT 7 AS id, 'x' AS v")
        assert rows(session, 'SELECT * FROM t."Odd"') == [(7,)]


def test_view_that_does_not_fit(opened: Connection) -> None:
    """A view that no longer fits is named and nothing changes; one that is created later in the run is dropped."""
    with opened.session() as session:
        with pytest.raises(StatementFailed) as raised:
            make(session, "s.a", "SELECT 1 AS other", remade={"t.Odd"})
        assert str(raised.value).startswith(
            "view s.b reads s.a and does not fit its new columns; change or drop the view: Binder Error: "
            'Referenced column "id" not found in FROM clause!'
        )
        assert rows(session, 'SELECT * FROM t."Odd"') == [(0,)]
        make(session, "s.a", "SELECT 1 AS other", remade={"t.Odd", "s.b"})
        assert rows(session, "SELECT * FROM s.a") == [(1,)]
        assert session.relation_kind("s.b") is session.relation_kind("t.Odd") is None


@pytest.mark.parametrize("table", ["tmp_s_a", '"Tmp x"', "s.given"])
def test_written_under_views(opened: Connection, table: str) -> None:
    """Rows that are written for a view, as with `persist_inputs`, are replaced by the next ones."""
    with opened.session() as session:
        session.write(table, pa.table({"id": [1]}).to_reader())
        make(session, "s.reader", f"SELECT id FROM {table}", "view")
        session.write(table, pa.table({"id": [2], "more": [3]}).to_reader())
        assert rows(session, "SELECT * FROM s.reader") == [(2,)]
        with pytest.raises(
            StatementFailed, match=r"view s.reader reads .* and does not fit its new columns; change or"
        ):
            session.write(table, pa.table({"other": [2]}).to_reader())
        assert rows(session, "SELECT * FROM s.reader") == [(2,)]
