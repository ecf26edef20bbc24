"""Upgrading state.sqlite to the newest schema."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from alembic import command
from dagscope.storage import tables
from dagscope.storage.migrations import HEAD, migrate, scripts_folder
from dagscope.storage.state_folder import StateFolder, StateUnusable


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    """A state folder without a database."""
    state = StateFolder(tmp_path / ".dagscope")
    state.create()
    return state


def test_migrations_create_the_tables(folder: StateFolder) -> None:
    """The migrations lead to exactly the tables that the code declares."""
    upgrade(folder.database, HEAD)
    engine = create_engine(f"sqlite:///{folder.database}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    engine.dispose()
    assert tables.State.__tablename__ == "state"


def test_a_new_state(folder: StateFolder) -> None:
    """A new state has the tables, indexes and revision that the migrations lead to, without running them."""
    migrate(folder)
    upgrade(folder.path / "migrated.sqlite", HEAD)
    assert schema(folder.database) == schema(folder.path / "migrated.sqlite")


def schema(database: Path) -> tuple[dict[str, list[str]], list[tuple[str]]]:
    """The words of each table's and index's definition, and the revision."""
    connection = sqlite3.connect(database)
    found = connection.execute("SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master").fetchall()
    revision = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
    return {name: definition.split() for name, definition in found}, revision


def test_head() -> None:
    """`HEAD` is the newest revision, and the revisions form one unbroken line."""
    revisions = sorted(script.name.split("_")[0] for script in (scripts_folder() / "versions").glob("*.py"))
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert revisions[-1] == HEAD


def test_an_old_state_keeps_all(folder: StateFolder) -> None:
    """A state of the first revision is upgraded with all of its rows, and can be written to."""
    upgrade(folder.database, "0001")
    connection = sqlite3.connect(folder.database)
    for table, row in OLD_ROWS.items():
        connection.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)
    connection.commit()
    migrate(folder)
    for table, row in OLD_ROWS.items():
        assert connection.execute(f'SELECT * FROM "{table}"').fetchone()[: len(row)] == row, table
    added = (
        "SELECT attempt.profile, waiting_ms, queued_ms, executing_ms, testing_ms FROM attempt JOIN node USING (task_id)"
    )
    assert connection.execute(added).fetchone() == (0, None, None, None, None)
    assert connection.execute("SELECT * FROM log_count").fetchall() == [("t", 1, "info", 1)]
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("INSERT INTO node_statements VALUES ('t', 1, 'a.b', 0, '[]')")
    connection.execute("INSERT INTO code VALUES ('d', 'source', 'sql')")
    connection.execute(
        "INSERT INTO node_record VALUES ('t', 1, 'a.b', 'd', '', '{}', NULL, 3, NULL, '{}', NULL, 0, '')"
    )
    connection.execute("DELETE FROM task")
    for table in ("node_statements", "node_record"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()


def test_an_upgrade_that_fails(folder: StateFolder) -> None:
    """An upgrade that does not finish changes nothing: the next start finds the old state complete."""
    upgrade(folder.database, "0001")
    connection = sqlite3.connect(folder.database)
    connection.execute("ALTER TABLE node ADD COLUMN is_selection BOOLEAN")  # what the upgrade does last

    def tables_and_revision() -> list[tuple[str]]:
        return connection.execute(
            "SELECT sql FROM sqlite_master UNION SELECT version_num FROM alembic_version"
        ).fetchall()

    before = tables_and_revision()
    with pytest.raises(StateUnusable) as raised:
        migrate(folder)
    reason = "duplicate column name: is_selection"
    assert str(raised.value) == f"{folder.database} cannot be upgraded: {reason}; nothing in it was changed"
    assert tables_and_revision() == before
    connection.close()


def test_selections_of_an_old_state(folder: StateFolder) -> None:
    """Nodes whose query was only selected are known as such after the upgrade, whatever the names of their assets."""
    upgrade(folder.database, "0002")
    connection = sqlite3.connect(folder.database)
    for table in ("task", "attempt", "frame"):
        row = OLD_ROWS[table]
        columns = [info[1] for info in connection.execute(f'PRAGMA table_info("{table}")')][: len(row)]
        connection.execute(f'INSERT INTO "{table}" ({", ".join(columns)}) VALUES ({", ".join("?" * len(row))})', row)
    for order, (asset, name) in enumerate(OLD_NAMES, 1):
        node = OLD_ROWS["node"]
        values = (*node[:2], asset, name, node[4], order, *node[6:])
        connection.execute(f"INSERT INTO node VALUES ({', '.join('?' * len(values))}, NULL, NULL, NULL, NULL)", values)
    connection.commit()
    migrate(folder)
    found = connection.execute('SELECT asset_name, is_selection FROM node ORDER BY "order"').fetchall()
    assert found == [("a.b", 0), ("a.c", 1), ("Selecting .d", 0)]
    connection.close()


OLD_NAMES = (("a.b", "Executing a.b"), ("a.c", "Selecting a.c"), ("Selecting .d", "Executing Selecting .d"))

OLD_ROWS: dict[str, tuple[object, ...]] = {
    "state": (1, "uuid", 4096, 4096),
    "task": ("SUCCESS", 1, 2, 1, 1, 0, 0, "t", "uuid", 1),
    "attempt": ("SUCCESS", 1, 2, 1, 1, 0, 0, "t", 1, "{}", "Executing a.b"),
    "frame": ("abc", "dataframe", 3, '["n"]'),
    "node": ("t", 1, "a.b", "Executing a.b", "SUCCESS", 1, 1, 2, 1, "", 0, 0, 0, 0, 3, 1, 0, "abc"),
    "asset_state": ("a.b", "SUCCESS", "t", 1, "t", 1, 0, 1, 0),
    "log_entry": (4097, "t", 1, "{}", "info", "a.b", "hello"),
}


def upgrade(database: Path, revision: str) -> None:
    """Upgrade a database to an old revision."""
    config = Config()
    config.set_main_option("script_location", str(scripts_folder()))
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_a_second_time(folder: StateFolder) -> None:
    """Migrating again changes nothing, not a byte."""
    migrate(folder)
    before = folder.database.read_bytes()
    migrate(folder)
    assert folder.database.read_bytes() == before


def test_the_first_position(folder: StateFolder) -> None:
    """A new state's sequence starts at a multiple of 2^32, below 2^53."""
    migrate(folder)
    connection = sqlite3.connect(folder.database)
    last, pruned = connection.execute("SELECT last_position, pruned_through FROM state").fetchone()
    connection.close()
    assert (last % 2**32, last == pruned, 0 < last < 2**53) == (0, True, True)


def test_a_newer_state(folder: StateFolder) -> None:
    """The state of a newer dagscope is refused by name, and not changed."""
    migrate(folder)
    connection = sqlite3.connect(folder.database)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = folder.database.read_bytes()
    with pytest.raises(StateUnusable) as raised:
        migrate(folder)
    assert str(raised.value) == (
        f"{folder.database} was written by a newer dagscope (revision 9999); "
        "update dagscope, or move the file away to start over"
    )
    assert folder.database.read_bytes() == before


@pytest.mark.parametrize("table", ["task", "node", "log_entry", "state"])
def test_a_broken_page(folder: StateFolder, table: str) -> None:
    """A state with one broken page is refused at once, not when the page is read; no byte of it changes."""
    migrate(folder)
    connection = sqlite3.connect(folder.database)
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content = bytearray(folder.database.read_bytes())
    content[(root - 1) * size : root * size] = b"\xa5" * size
    folder.database.write_bytes(content)
    with pytest.raises(StateUnusable) as raised:
        migrate(folder)
    assert str(raised.value).startswith(f"{folder.database} cannot be read as dagscope's state: ")
    assert sorted(file.name for file in folder.path.iterdir()) == ["frames", "state.sqlite"]
    assert folder.database.read_bytes() == content


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_state(folder: StateFolder, content: bytes) -> None:
    """A file that is not a state is refused by name, and not changed."""
    folder.database.write_bytes(content)
    with pytest.raises(StateUnusable) as raised:
        migrate(folder)
    assert str(raised.value).startswith(f"{folder.database} cannot be read as dagscope's state: ")
    assert str(raised.value).endswith("; restore it, or move it away to start over")
    assert folder.database.read_bytes() == content
