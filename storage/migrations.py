"""Bringing state.sqlite to the newest shape, before anything else opens it."""

import secrets
import sqlite3
import uuid
from pathlib import Path

from storage.state_folder import StateFolder, StateUnusable

HEAD = "0002"
"""The newest revision in alembic/versions; a test holds it to that."""

_FIRST_POSITIONS = 1 << 20  # random multiples of 2^32, so that positions stay below 2^53


def migrate(folder: StateFolder) -> None:
    """Create or upgrade the state's database. Raises `StateUnusable` and changes nothing if that cannot be done."""
    revision = _revision(folder.database)
    if revision != HEAD:
        if revision is not None and revision not in _known_revisions():
            raise StateUnusable(
                f"{folder.database} was written by a newer dagscope (revision {revision}); "
                "update dagscope, or move the file away to start anew"
            )
        _upgrade(folder.database)
    _describe(folder.database)


def _revision(database: Path) -> str | None:
    """The revision that the database is at, None for one that is new. Importing Alembic for this would be slow."""
    if not database.exists() or database.stat().st_size == 0:
        return None
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StateUnusable(
            f"{database} cannot be read as dagscope's state: {error}; restore it, or move it away to start anew"
        ) from error
    return str(row[0]) if row else None


def scripts_folder() -> Path:
    """The migrations: inside this package where it was installed, beside it in a checkout."""
    packaged = Path(__file__).parent / "alembic"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "alembic"


def _known_revisions() -> set[str]:
    return {script.name.split("_")[0] for script in (scripts_folder() / "versions").glob("*.py")}


def _upgrade(database: Path) -> None:
    """All of it or nothing: Python's driver by itself would commit every change of a table at once."""
    from alembic.config import Config
    from sqlalchemy import create_engine, event

    from alembic import command

    config = Config()
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    engine = create_engine(f"sqlite:///{database}", connect_args={"isolation_level": None})
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _describe(database: Path) -> None:
    """Give a new state its identity and the position that its log begins after."""
    connection = sqlite3.connect(database)
    try:
        with connection:
            first = (1 + secrets.randbelow(_FIRST_POSITIONS - 1)) << 32
            connection.execute(
                "INSERT OR IGNORE INTO state (id, instance_uuid, last_position, pruned_through) VALUES (1, ?, ?, ?)",
                (str(uuid.uuid4()), first, first),
            )
    finally:
        connection.close()
