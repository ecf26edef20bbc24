"""Creating state.sqlite, or upgrading it to the newest schema, before anything else opens it."""

import os
import secrets
import sqlite3
import uuid
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from dagscope.dag.ground.private_files import create_private_file
from dagscope.storage.state_folder import StateFolder, StateUnusable

HEAD = "0005"
"""The newest revision in alembic/versions; a test checks this."""

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
            "update dagscope, or move the file away to start over"
        )
    try:
        _upgrade(database)
    except (DBAPIError, OSError) as error:
        raise StateUnusable(f"{database} cannot be upgraded: {_reason(error)}; nothing in it was changed") from error


def _create(database: Path) -> None:
    """Create a new database under another name first: the state is complete, or does not exist."""
    unfinished = database.with_name(database.name + ".new")
    try:
        for left in (*database.parent.glob(f"{unfinished.name}*"), *database.parent.glob(f"{database.name}-*")):
            left.unlink()  # left by a start that was interrupted, or by a database that was moved away
        create_private_file(unfinished)  # SQLite gives the files that it creates beside it the same mode
        _fill(unfinished)
        _sync(unfinished)
        unfinished.replace(database)
        _sync(database.parent)
    except (sqlite3.Error, OSError) as error:
        raise StateUnusable(f"{database} cannot be created: {error}; fix this and start again") from error


def _reason(error: Exception) -> str:
    """The error of the database or the disk, without the statement that SQLAlchemy adds."""
    return str(getattr(error, "orig", None) or error)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _revision(database: Path) -> str:
    """The revision of an intact database. Importing Alembic for this would be slow."""
    # Reading a database in WAL mode creates files beside it, unless it is opened as immutable, which it is at rest.
    how = "mode=ro" if database.with_name(database.name + "-wal").exists() else "immutable=1"
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?{how}", uri=True)
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            # All pages are read, at two seconds per gigabyte: a broken one would otherwise fail a request later.
            (fault,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
        if row is None:
            raise sqlite3.DatabaseError("it has no revision")
        if fault != "ok":
            raise sqlite3.DatabaseError(" ".join(fault.replace("*** in database main ***", "").split()))
    except sqlite3.Error as error:
        raise StateUnusable(
            f"{database} cannot be read as dagscope's state: {error}; restore it, or move it away to start over"
        ) from error
    return str(row[0])


def scripts_folder() -> Path:
    """The migrations: inside this package if it was installed, beside it in a checkout."""
    packaged = Path(__file__).parent / "alembic"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "alembic"


def _known_revisions() -> set[str]:
    return {script.name.split("_")[0] for script in (scripts_folder() / "versions").glob("*.py")}


def _upgrade(database: Path) -> None:
    """Upgrade completely or not at all: by default, Python's driver would commit every change of a table at once."""
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


def _fill(database: Path) -> None:
    """Give a new state its tables, its identity, and the position that its log starts after.

    The migrations would take five times as long, most of it to import Alembic.
    """
    schema = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")
    connection = sqlite3.connect(database)
    try:
        with connection:
            connection.executescript(f"BEGIN;\n{schema}")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
            first = (1 + secrets.randbelow(_FIRST_POSITIONS - 1)) << 32
            connection.execute(
                "INSERT INTO state (id, instance_uuid, last_position, pruned_through) VALUES (1, ?, ?, ?)",
                (str(uuid.uuid4()), first, first),
            )
    finally:
        connection.close()
