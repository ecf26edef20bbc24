"""A long history: copies of the rows of one task, in a state that no process uses."""

import json
import sqlite3
from collections.abc import Mapping

from dagscope.dag.ground.frames import Frame
from dagscope.storage.state_folder import StateFolder

_LOG = ("status_event", "log_entry", "run_event")
_OF_A_TASK = ("task", "attempt", "node", "data_test_result")


class History:
    """A state to fill. `task` is the only task in it. `close` commits the new rows."""

    def __init__(self, state: StateFolder, task: str) -> None:
        self._task = task
        self._database = sqlite3.connect(state.database)
        self._database.execute("PRAGMA foreign_keys = ON")
        self._position = self._one("SELECT last_position FROM state")
        first = min(self._one(f"SELECT min(position) FROM {table}") for table in _LOG)
        self._span = self._position - first + 1

    @property
    def log_entries(self) -> int:
        """The number of log entries in the state."""
        return self._one("SELECT count(*) FROM log_entry")

    def repeat(self, tasks: int) -> None:
        """Copy the task and everything that belongs to it until there are `tasks` tasks, one second apart."""
        name = "printf('%s_%05d', task_id, copy)"
        started = {"start_time": "start_time + copy * 1000", "end_time": "end_time + copy * 1000"}
        for table in (*_OF_A_TASK, *_LOG):
            changes = {"task_id": name}
            if table in ("task", "attempt"):
                changes |= started
            if table == "task":
                changes["task_uuid"] = "task_uuid || copy"
            if table == "data_test_result":
                changes["ordinal"] = f"ordinal + copy * {self._span}"
            if table in _LOG:
                changes["position"] = f"position + copy * {self._span}"
                changes["data"] = f"replace(data, '{self._task}', {name})"
            self._copy(table, tasks - 1, changes)
        self._position += (tasks - 1) * self._span

    def add_log(self, task: str, entries: int) -> None:
        """Add similar log entries of another task."""
        position = f"{self._position} + copy"
        data = f"""json_set(data, '$.taskId', '{task}', '$.rows', copy)"""
        newest = f"position = (SELECT max(position) FROM log_entry WHERE task_id = '{self._task}')"
        self._copy("log_entry", entries, {"task_id": f"'{task}'", "position": position, "data": data}, newest)
        self._position += entries

    def end_log_with_error(self, task: str) -> None:
        """Make the newest log entry of a task an error."""
        self._database.execute(
            "UPDATE log_entry SET level = 'error', data = json_set(data, '$.level', 'error') "
            "WHERE position = (SELECT max(position) FROM log_entry WHERE task_id = ?)",
            (task,),
        )

    def add_wide_task(self, task: str, nodes: int) -> None:
        """Add a task with `nodes` nodes, each with a data test."""
        changes = {"task_id": f"'{task}'"}
        self._copy("task", 1, changes | {"task_uuid": f"'{task}'"})
        self._copy("attempt", 1, changes)
        one = "asset_name = (SELECT min(asset_name) FROM node)"
        named = changes | {"asset_name": "asset_name || copy"}
        self._copy("node", nodes, named | {"name": "name || copy", '"order"': "copy"}, one)
        self._copy("data_test_result", nodes, named | {"ordinal": "copy"}, one)

    def keep_violations(self, place: int, frame: Frame) -> None:
        """Make the frame what the data tests of a copied task found; 0 is the task itself."""
        task = f"{self._task}_{place:05}" if place else self._task
        kept = (frame.digest, "dataframe", frame.rows, json.dumps(frame.columns))
        self._database.execute(
            "INSERT OR IGNORE INTO frame (digest, data_type, rows, columns) VALUES (?, ?, ?, ?)", kept
        )
        self._database.execute(
            "UPDATE data_test_result SET violations_digest = ?, violation_count = ? WHERE task_id = ?",
            (frame.digest, frame.rows, task),
        )

    def close(self) -> None:
        self._database.execute("DELETE FROM log_count")
        self._database.execute(
            "INSERT INTO log_count (task_id, attempt, level, entries) "
            "SELECT task_id, attempt, level, count(*) FROM log_entry GROUP BY task_id, attempt, level"
        )
        self._database.execute("UPDATE state SET last_position = ?", (self._position,))
        self._database.commit()
        self._database.close()

    def _copy(self, table: str, copies: int, changes: Mapping[str, str], where: str = "true") -> None:
        """Insert each of the task's rows `copies` times. `copy` in the expressions of `changes` counts from 1."""
        names = [f'"{row[1]}"' for row in self._database.execute(f"PRAGMA table_info({table})")]
        values = [changes.get(name, changes.get(name.strip('"'), name)) for name in names]
        self._database.execute(
            f"WITH RECURSIVE counted(copy) AS (SELECT 1 UNION ALL SELECT copy + 1 FROM counted WHERE copy < :copies) "
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM counted CROSS JOIN {table} "
            f"WHERE :copies > 0 AND task_id = :task AND {where} ORDER BY copy",
            {"copies": copies, "task": self._task},
        )

    def _one(self, statement: str) -> int:
        return int(self._database.execute(statement).fetchone()[0])
