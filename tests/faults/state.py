"""The contents of state.sqlite, read while the server writes it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TERMINAL = ("RUN_SUCCESS", "RUN_FAILURE", "RUN_CANCELED")

_LOG = """
SELECT position, kind, data, task_id FROM status_event WHERE position > :after
UNION ALL SELECT position, 'log', data, task_id FROM log_entry WHERE position > :after
UNION ALL SELECT position, 'run_event', data, task_id FROM run_event WHERE position > :after
ORDER BY position
"""
_OPEN = {
    "tasks": "SELECT task_id FROM task WHERE status IN ('IN_PROGRESS', 'PENDING')",
    "attempts": "SELECT task_id FROM attempt WHERE status IN ('IN_PROGRESS', 'PENDING')",
    "nodes": "SELECT task_id || ' ' || asset_name FROM node WHERE state IN ('IN_PROGRESS', 'TESTING')",
    "tests": "SELECT task_id || ' ' || test_name FROM data_test_result WHERE status = 'IN_PROGRESS'",
    "asset states": "SELECT asset_name FROM asset_state WHERE state IN ('IN_PROGRESS', 'TESTING')",
    "test states": "SELECT test_name FROM data_test_state WHERE status = 'IN_PROGRESS'",
}


class Entry(NamedTuple):
    """An entry of the durable log, as the stream must send it."""

    id: int
    event: str
    data: str
    task_id: str


class State:
    """Reads the state of a project, each statement in its own snapshot. Read-only."""

    def __init__(self, project: Path) -> None:
        self.folder = project / ".dagscope"

    @property
    def frames(self) -> list[Path]:
        return sorted((self.folder / "frames").iterdir())

    def rows(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        with self._open() as connection:
            return connection.execute(statement, values).fetchall()

    def entries(self, after: int = 0) -> list[Entry]:
        """The log after a position, in order."""
        return [Entry(*row) for row in self.rows(_LOG, after=after)]

    @property
    def last_position(self) -> int:
        return int(str(self.rows("SELECT last_position FROM state")[0][0]))

    def faults(self) -> list[str]:
        """What must not exist after a recovery: damage, dangling rows, anything open, a wrong number of ends."""
        found = [f"integrity_check: {row[0]}" for row in self.rows("PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"foreign_key_check: {row}" for row in self.rows("PRAGMA foreign_key_check")]
        for what, statement in _OPEN.items():
            found += [f"open {what}: {row[0]}" for row in self.rows(statement)]
        kept = {file.stem for file in self.frames}
        found += [
            f"frame {digest} has no file" for (digest,) in self.rows("SELECT digest FROM frame") if digest not in kept
        ]
        return found + self._wrong_ends()

    def _wrong_ends(self) -> list[str]:
        """Attempts whose last run event is not their only terminal one."""
        types: dict[tuple[object, object], list[object]] = {}
        for task_id, attempt in self.rows("SELECT task_id, attempt FROM attempt"):
            types[task_id, attempt] = []
        for task_id, attempt, type_ in self.rows(
            "SELECT task_id, attempt, event_type FROM run_event ORDER BY position"
        ):
            types.setdefault((task_id, attempt), []).append(type_)
        return [
            f"attempt {attempt} of {task_id} ends with {of_attempt[-2:]}, {ends} terminal run events"
            for (task_id, attempt), of_attempt in types.items()
            if (ends := sum(type_ in TERMINAL for type_ in of_attempt)) != 1 or of_attempt[-1] not in TERMINAL
        ]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(f"file:{self.folder / 'state.sqlite'}?mode=ro", uri=True, timeout=10)
        try:
            yield connection
        finally:
            connection.close()
