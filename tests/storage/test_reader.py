"""The reader with a state that it cannot read."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from dagscope.storage.database import open_readers
from dagscope.storage.migrations import migrate
from dagscope.storage.reader import Reader, StateUnreadable
from dagscope.storage.state_folder import StateFolder


def test_unreadable_state(tmp_path: Path) -> None:
    """A state that cannot be read raises an error of storage's own, with the database's reason."""
    state = StateFolder(tmp_path / ".dagscope")
    state.create()
    migrate(state)
    with sqlite3.connect(state.database) as connection:
        connection.execute("DROP TABLE task")
    connection.close()

    async def read() -> None:
        readers = open_readers(state.database)
        try:
            async with Reader(readers).moment() as moment:
                await moment.task("t")
        finally:
            await readers.dispose()

    with pytest.raises(StateUnreadable, match=r"^the state cannot be read: no such table: task$"):
        asyncio.run(read())
