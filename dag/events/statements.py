"""The statements that a node sends to databases: recorded in memory while it runs, stored when it ends.

Storage is bounded: at most `LONGEST_TEXT` characters of each text, and the first and the last statements of each node.
"""

import copy
import itertools
import json
import threading
from collections import deque
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import msgspec
from pydantic_core import to_json

from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.redaction.masking import HIDDEN_REASON
from dagscope.dag.redaction.redaction import Redaction

FIRST_STATEMENTS = 150  # of a node; if there are more, those in the middle are left out
LAST_STATEMENTS = 50
LONGEST_TEXT = 20_000  # characters of a statement, or of an error
LONGEST_PROFILE = 200_000  # characters; a longer one is left out, because half a profile is useless


class StatementError(Shape):
    """Why a database refused a statement. `position` counts characters of the text from 1, `column` those of a line."""

    message: str
    position: int | None = None
    line: int | None = None
    column: int | None = None


class Statement(Shape):
    """One statement as it was sent. `text_length` is present if only the beginning of the text was stored.

    `rows` is the number of rows that it wrote or returned, absent if the database does not report it. `duration_ms` is
    the time that the database took, without the time of the code that read the rows.
    """

    number: int
    text: str
    text_length: int | None = None
    connection: str
    test: str | None = None
    start_time: int
    duration_ms: int
    rows: int | None = None
    error: StatementError | None = None
    profile: Any = None


class ProfileNode(Shape):
    """An operator of a profiled statement, above those that it reads from.

    `rows` is the number of rows that it passed on, `duration_ms` its own time in all threads together.
    """

    name: str
    detail: str = ""
    rows: int | None = None
    duration_ms: float | None = None
    children: tuple["ProfileNode", ...] = ()


class KeptStatements(msgspec.Struct, frozen=True):
    """The statements of one node in one attempt: how many were sent, and those that are stored, as a JSON array."""

    total: int = 0
    json: str = "[]"

    def of_test(self, test: str) -> "KeptStatements":
        """Only the statements of one data test."""
        own = [statement for statement in json.loads(self.json) if statement.get("test") == test]
        return KeptStatements(len(own), json.dumps(own, ensure_ascii=False, separators=(",", ":")))


@dataclass(eq=False, slots=True)
class SentStatement:
    """A statement in progress. `began` and `paused` enclose each period in which the database works on it."""

    redaction: Redaction
    number: int
    connection: str
    test: str | None
    text: str
    text_length: int | None
    hides_errors: bool
    start_ms: int = field(default_factory=now_ms)
    seconds: float = 0.0
    since: float | None = field(default_factory=perf_counter)
    rows: int | None = None
    error: StatementError | None = None
    profile: str | None = None

    def began(self) -> None:
        self.since = perf_counter()

    def paused(self) -> None:
        if self.since is not None:
            self.seconds += perf_counter() - self.since
            self.since = None

    def failed(self, message: str, sql: str, offset: int | None) -> None:
        """`offset` is the place, from 0, that the database names in the text as it was sent."""
        message = HIDDEN_REASON if self.hides_errors else self.redaction.text(message)[:LONGEST_TEXT]
        if offset is None:
            self.error = StatementError(message=message)
            return
        before = self.redaction.text(sql[:offset])
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        self.error = StatementError(message=message, position=len(before) + 1, line=line, column=column)

    def kept(self) -> dict[str, Any]:
        """The fields of a `Statement` that have a value; a plain dictionary, because most tasks send thousands."""
        seconds = self.seconds if self.since is None else self.seconds + perf_counter() - self.since
        fields = {
            "number": self.number,
            "text": self.redaction.text(self.text),
            "textLength": self.text_length,
            "connection": self.connection,
            "test": self.test,
            "startTime": self.start_ms,
            "durationMs": round(seconds * 1000),
            "rows": self.rows,
            "error": self.error.model_dump(by_alias=True, exclude_none=True) if self.error else None,
            "profile": self._kept_profile(),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _kept_profile(self) -> Any:
        if self.profile is None or len(self.profile) > LONGEST_PROFILE:
            return None
        return self.redaction.value(json.loads(self.profile))


class StatementLog:
    """Records the statements of one node; safe from any thread. With `profiles`, engines that can profile do so."""

    def __init__(self, redaction: Redaction, profiles: bool = False) -> None:
        self.profiles = profiles
        self._redaction = redaction
        self.test: str | None = None
        self.hides_errors = False
        self._lock, self._numbers = threading.Lock(), itertools.count(1)
        self._first: list[SentStatement] = []
        self._last: deque[SentStatement] = deque(maxlen=LAST_STATEMENTS)

    def for_test(self, test: str, hides_errors: bool) -> "StatementLog":
        """The same log for statements of one of the node's data tests, whose errors may quote rows that it masks."""
        log = copy.copy(self)
        log.test, log.hides_errors = test, hides_errors
        return log

    def sent(self, connection: str, sql: str) -> SentStatement:
        """Record a statement that is being sent; the time runs until it is `paused`."""
        self._redaction.learn(sql)
        text, length = sql, None
        if len(sql) > LONGEST_TEXT:
            text = self._redaction.text(sql)  # before truncating: half a secret would not be recognized
            text, length = text[:LONGEST_TEXT], len(text)
        with self._lock:
            number = next(self._numbers)
            statement = SentStatement(self._redaction, number, connection, self.test, text, length, self.hides_errors)
            (self._first if len(self._first) < FIRST_STATEMENTS else self._last).append(statement)
        return statement

    def kept(self) -> KeptStatements:
        """The statements so far, as they are stored, with secrets hidden."""
        with self._lock:
            noted = [*self._first, *self._last]
        text = to_json([statement.kept() for statement in noted]).decode()
        return KeptStatements(noted[-1].number if noted else 0, text)


def of_no_node() -> StatementLog:
    """A log for sessions that belong to no node."""
    return StatementLog(Redaction())
