"""Changes of a session that affect all sessions of its DuckDB instance, and undoing them when the session ends.

A cursor has its own temporary tables, prepared statements, variables and schema, which end with it. Attached
databases, temporary secrets and global settings belong to the instance: they would affect every later session.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import duckdb

from dagscope.dag.connections.duckdb.database_file import DatabaseFile
from dagscope.dag.connections.duckdb.dialect import DIALECT
from dagscope.dag.connections.duckdb.parts import Kind, Part

_CHANGING = {Kind.ATTACH, Kind.DETACH, Kind.SET, Kind.VARIABLE_SET, Kind.PRAGMA, Kind.LOAD, Kind.CALL, Kind.EXECUTE}
_SECRET = re.compile(r"\bsecret\b", re.IGNORECASE)
_DETACHED = re.compile(r"\s*DETACH\s+(?:DATABASE\s+)?(?:IF\s+EXISTS\s+)?(?:\"([^\"]+)\"|(\w+))[\s;]*", re.IGNORECASE)


class _What(StrEnum):
    DATABASE = "database"
    SECRET = "temporary secret"  # noqa: S105  the name of a kind
    SETTING = "setting"


@dataclass
class _Change:
    """`before` is the setting's value, `statement` attached the database, `holders` are the sessions that need it."""

    holders: set[object]
    before: str | None = None
    statement: str = ""


_State = dict[tuple[_What, str], str | None]


@dataclass
class Instance:
    """One open database, shared by its sessions, each of which is identified by an object."""

    database: duckdb.DuckDBPyConnection
    file: DatabaseFile | None = None
    users: int = 0
    """The open sessions; the connection's lock protects the count."""

    is_stale: bool = False
    """Whether a change could not be undone: only opening the database again undoes it."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _changes: dict[tuple[_What, str], _Change] = field(default_factory=dict)
    _with_secrets: set[object] = field(default_factory=set)

    @property
    def is_lost(self) -> bool:
        """Whether its file was deleted, moved or replaced, so that nothing written to it can be found again."""
        return self.file is not None and self.file.is_lost

    def run(self, session: object, part: Part, execute: Callable[[], None]) -> None:
        """Execute the session's statement, and record what it changes for other sessions.

        Sessions that attach the same database with the same statement at the same time share it.
        """
        if not self._may_change(session, part):
            execute()
            return
        with self._lock:
            if self._joins(session, part) or self._leaves(session, part):
                return
            before = self._state(session)
            try:
                execute()
            finally:
                self._note(session, part, before, self._state(session))

    def leave(self, session: object) -> None:
        """Undo the session's changes that no other session needs. Its cursor must be closed already."""
        with self._lock:
            self._with_secrets.discard(session)
            held = [key for key, change in self._changes.items() if session in change.holders]
            for key in reversed(held):
                self._changes[key].holders.remove(session)
                if not self._changes[key].holders:
                    self._undo(*key, self._changes.pop(key))

    def _may_change(self, session: object, part: Part) -> bool:
        if part.kind is Kind.CREATE and _SECRET.search(part.text):
            self._with_secrets.add(session)
        if part.kind in (Kind.CREATE, Kind.TRANSACTION):  # others see a secret once it is committed
            return session in self._with_secrets
        return part.kind in _CHANGING

    def _joins(self, session: object, part: Part) -> bool:
        if part.kind is not Kind.ATTACH:
            return False
        same = [change for change in self._changes.values() if change.statement == _normal(part.text)]
        if not same or session in same[0].holders:
            return False
        same[0].holders.add(session)
        return True

    def _leaves(self, session: object, part: Part) -> bool:
        """Whether the session detaches a database that another session still needs."""
        named = _DETACHED.fullmatch(part.text) if part.kind is Kind.DETACH else None
        change = self._changes.get((_What.DATABASE, named[1] or named[2])) if named else None
        if change is None or session not in change.holders or len(change.holders) == 1:
            return False
        change.holders.remove(session)
        return True

    def _state(self, session: object) -> _State:
        with self.database.cursor() as cursor:

            def rows(sql: str) -> list[tuple[str, str | None]]:
                return cursor.execute(sql).fetchall()

            state: _State = {
                (_What.DATABASE, name): None for name, _ in rows("SELECT database_name, NULL FROM duckdb_databases()")
            }
            for name, value in rows("SELECT name, value FROM duckdb_settings()"):
                state[_What.SETTING, name] = value
            if session in self._with_secrets:  # after this query, DuckDB refuses to change settings of secrets
                for name, _ in rows("SELECT name, NULL FROM duckdb_secrets() WHERE NOT persistent"):
                    state[_What.SECRET, name] = None
            return state

    def _note(self, session: object, part: Part, before: _State, after: _State) -> None:
        for key in before.keys() - after.keys():
            self._changes.pop(key, None)
        changed = [key for key in after if key not in before or after[key] != before[key]]
        for what, name in changed:
            change = self._changes.setdefault((what, name), _Change(set(), before.get((what, name))))
            change.holders.add(session)
            if what is _What.DATABASE:
                change.statement = _normal(part.text)
        if part.kind is Kind.ATTACH and not any(what is _What.DATABASE for what, _ in changed):
            for (what, _), change in self._changes.items():  # IF NOT EXISTS: the session may need any of these
                if what is _What.DATABASE:
                    change.holders.add(session)

    def _undo(self, what: _What, name: str, change: _Change) -> None:
        quoted = DIALECT.identifier(name)
        try:
            with self.database.cursor() as cursor:
                match what:
                    case _What.DATABASE:
                        cursor.execute(f"DETACH DATABASE IF EXISTS {quoted}")
                    case _What.SECRET:
                        cursor.execute(f"DROP TEMPORARY SECRET IF EXISTS {quoted}")
                    case _What.SETTING:
                        _set_back(cursor, name, change.before)
        except duckdb.Error:
            self.is_stale = True


def _set_back(cursor: duckdb.DuckDBPyConnection, name: str, value: str | None) -> None:
    """Restores the default first: DuckDB shows a size rounded, so setting the shown value would shrink it each time."""
    setting = DIALECT.identifier(name)
    cursor.execute(f"RESET GLOBAL {setting}")
    found = cursor.execute(f"SELECT value FROM duckdb_settings() WHERE name = {DIALECT.literal(name)}").fetchone()
    if found is not None and found[0] != value:
        cursor.execute(f"SET GLOBAL {setting} = {DIALECT.literal(value)}")


def _normal(statement: str) -> str:
    return " ".join(statement.strip().rstrip(";").split())
