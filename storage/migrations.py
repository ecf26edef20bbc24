"""Bringing state.sqlite to the newest shape, before anything else opens it."""

import os
import secrets
import sqlite3
import uuid
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from dagscope.storage.state_folder import StateFolder, StateUnusable

HEAD = "0003"
"""The newest revision in alembic/versions; a test holds it to that."""

_FIRST_POSITIONS = 1 << 20  # random multiples of 2^32, so that positions stay below 2^53


def migrate(folder: StateFolder) -> None:
    """Create or upgrade the state's database. Raises `StateUnusable` and changes nothing if that cannot be done."""
    database = folder.database
    if not database.exists() or database.stat().st_size == 0:
        _create(database)
        return
    revision = _revision(database)
    if revision == HEAD:
        return
    if revision not in _known_revisions():
        raise StateUnusable(
            f"{database} was written by a newer dagscope (revision {revision}); "
            "update dagscope, or move the file away to start anew"
        )
    try:
        _upgrade(database)
    except (DBAPIError, OSError) as error:
        raise StateUnusable(f"{database} cannot be upgraded: {_reason(error)}; nothing in it was changed") from error


def _create(database: Path) -> None:
    """Make a new database under another name first: the state is whole, or not there at all."""
    unfinished = database.with_name(database.name + ".new")
    try:
        for left in (*database.parent.glob(f"{unfinished.name}*"), *database.parent.glob(f"{database.name}-*")):
            left.unlink()  # of a start that died on the way, or of a database that was moved away
        _upgrade(unfinished)
        _describe(unfinished)
        _sync(unfinished)
        unfinished.replace(database)
        _sync(database.parent)
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise StateUnusable(f"{database} cannot be made: {_reason(error)}; start again once it can") from error


def _reason(error: Exception) -> str:
    """What the database or the disk says, without the statement that SQLAlchemy shows with it."""
    return str(getattr(error, "orig", None) or error)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _revision(database: Path) -> str:
    """The revision that a whole database is at. Importing Alembic for this would be slow."""
    # Reading a database in WAL mode makes files beside it, unless it is said to be immutable, as it is at rest.
    how = "mode=ro" if database.with_name(database.name + "-wal").exists() else "immutable=1"
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?{how}", uri=True)
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            # All pages are read, two seconds a gigabyte: a broken one found later would fail whoever comes upon it.
            (fault,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
        if row is None:
            raise sqlite3.DatabaseError("it has no revision")
        if fault != "ok":
            raise sqlite3.DatabaseError(" ".join(fault.replace("*** in database main ***", "").split()))
    except sqlite3.Error as error:
        raise StateUnusable(
            f"{database} cannot be read as dagscope's state: {error}; restore it, or move it away to start anew"
        ) from error
    return str(row[0])


def scripts_folder() -> Path:
    """The migrations: inside this package where it was installed, beside it in a checkout."""
    packaged = Path(__file__).parent / "alembic"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "alembic"


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
                "INSERT INTO state (id, instance_uuid, last_position, pruned_through) VALUES (1, ?, ?, ?)",
                (str(uuid.uuid4()), first, first),
            )
    finally:
        connection.close()
