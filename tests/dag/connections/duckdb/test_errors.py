"""The place of a DuckDB error in its statement."""

import duckdb
import pytest

from dagscope.dag.connections.duckdb.errors import error_offset


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT «nix» FROM range(3)",
        "SELECT 1,\n\n  «nix»\nFROM range(3)",
        "«selec» 1",
        "SELECT 'äöü', '漢字', «nix» FROM range(3)",
        "SELECT 'שָׁלוֹם', 'a\u200bb', 'कुंज', «nix» FROM range(3)",
        f"SELECT '{'x' * 300}', «nix», '{'y' * 300}' FROM range(3)",
        f"SELECT '{'x' * 300}', «nix»",
        f"SELECT «nix», '{'y' * 300}' FROM range(3)",
        "SELECT 1\n\t, «nix» FROM range(3)",
        "CREATE TABLE t AS\r\nSELECT «nix» FROM range(3)",
    ],
)
def test_error_offset(sql: str) -> None:
    """The offset is where the wrong word starts, in long lines, after wide characters, on any line."""
    sent = sql.replace("«", "").replace("»", "")
    with duckdb.connect() as database, pytest.raises(duckdb.Error) as raised:
        database.execute(sent)
    assert error_offset(sent, str(raised.value)) == sql.index("«")


@pytest.mark.parametrize(
    "message",
    [
        "Constraint Error: Duplicate key",
        f"LINE {'9' * 5_000}: SELECT nix\n               ^",
        "LINE 9: SELECT nix\n               ^",
        "LINE 1: ...x x x...\n           ^",
        "LINE 1: SELECT\n                                ^",
    ],
)
def test_no_offset(message: str) -> None:
    """If the text names no place, or more than one, the offset is None."""
    assert error_offset("SELECT x x x x x x x x x x x x x x x x x x x x x", message) is None
