"""The rows of tasks in a bundle: read from a state as JSON lines, checked, and written into a new state.

The state of now is not copied. It is worked out again from the rows of the tasks, so the two cannot disagree: an asset
is as the newest of these tasks left it.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from sqlmodel import SQLModel

from dagscope.dag.events.events import EventKind
from dagscope.dag.events.node_records import RecordedColumn
from dagscope.dag.events.status import LOG_LEVELS, DataTestStatus, NodeState, TaskStatus
from dagscope.dag.events.task_ids import check_new_task_id
from dagscope.storage import tables
from dagscope.storage.bundle_file import STATE, BundleReader, BundleRefused

_ROWS = 1_000  # at once
_LONGEST_LINE = 64 * 2**20
_FIRST_ATTEMPTS = 100_000

Row = tuple[Any, ...]
Change = Callable[[Row], Row]
"""What is written instead of a row."""

_TABLES: Mapping[str, type[SQLModel]] = {
    str(table.__tablename__): table
    for table in (
        tables.Task,
        tables.Attempt,
        tables.Frame,
        tables.Code,
        tables.Node,
        tables.NodeStatements,
        tables.NodeRecord,
        tables.DataTestResult,
        tables.StatusEvent,
        tables.LogEntry,
        tables.RunEvent,
    )
}
_LOG = ("status_event", "log_entry", "run_event")
_OF_TASKS = "task_id IN (SELECT value FROM json_each(:tasks))"


class BundledRows:
    """The rows of some tasks at one moment of a state. Read-only."""

    def __init__(self, connection: sqlite3.Connection, tasks: Collection[str], has_rows: bool) -> None:
        self._connection, self._values = connection, {"tasks": json.dumps(list(tasks))}
        self._has_rows = has_rows

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The columns of each table, in the order in which `lines` has them."""
        return {name: tuple(table.model_fields) for name, table in _TABLES.items()}

    def lines(self, table: str, change: Change | None = None) -> Iterator[bytes]:
        """The rows of a table as JSON arrays, each in a line, some at once."""
        of_rows = (each.name for each in tables.referring_to("frame.digest") if each.table.name == table)
        left_out = () if self._has_rows else tuple(of_rows)
        columns = ", ".join("NULL" if name in left_out else f'"{name}"' for name in self.columns[table])
        cursor = self._connection.execute(f"SELECT {columns} FROM {table} WHERE {self._condition(table)}", self._values)
        while rows := cursor.fetchmany(_ROWS):
            yield msgspec.json.Encoder().encode_lines(rows if change is None else list(map(change, rows)))

    def frames(self) -> list[tuple[str, bool]]:
        """The digests of the captured results, and whether each has rows."""
        found = self._connection.execute(
            f"SELECT digest, data_type FROM frame WHERE {self._condition('frame')}", self._values
        )
        return [(digest, data_type == "dataframe") for digest, data_type in found]

    def other_tasks(self) -> int:
        """How many tasks of the state are not among these."""
        return int(
            self._connection.execute(f"SELECT count(*) FROM task WHERE NOT {_OF_TASKS}", self._values).fetchone()[0]
        )

    def _condition(self, table: str) -> str:
        match table:
            case "frame":
                return _is_referred_to("frame.digest") if self._has_rows else "false"
            case "code":
                return _is_referred_to("code.digest")
        return _OF_TASKS


def _is_referred_to(digest: str) -> str:
    referring = tables.referring_to(digest)
    digests = " UNION ".join(f"SELECT {each.name} FROM {each.table.name} WHERE {_OF_TASKS}" for each in referring)
    return f"digest IN ({digests})"


@contextmanager
def rows_of(database: Path, tasks: Collection[str], has_rows: bool) -> Iterator[BundledRows]:
    """The rows of these tasks as they are now, in one transaction; without captured ones unless `has_rows`."""
    address = f"{database.absolute().as_uri()}?mode=ro"
    # The chunks of an answer are made in different threads, one after another.
    connecting = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    with closing(connecting) as connection:
        connection.execute("BEGIN")
        yield BundledRows(connection, tasks, has_rows)


def write_rows(bundle: BundleReader, database: Path) -> dict[str, tuple[int | None, tuple[str, ...] | None]]:
    """Write the rows of a bundle into a new state. Returns rows and columns of its frames, None for values.

    Raises `BundleRefused` for rows that no state has.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # it is deleted when it is closed
        connection.execute("BEGIN")
        try:
            for table in _TABLES:
                _write_table(bundle, table, connection)
            _check(connection)
            for statement in _WORKED_OUT:
                connection.execute(statement)
        except (sqlite3.Error, OverflowError) as error:
            raise BundleRefused(f"its rows do not fit together: {error}") from error
        connection.execute("COMMIT")
        return _frames(connection)


def _write_table(bundle: BundleReader, table: str, connection: sqlite3.Connection) -> None:
    name, columns = f"{STATE}{table}.jsonl", bundle.manifest.tables.get(table, ())
    unknown = [column for column in columns if column not in _TABLES[table].model_fields]
    if unknown or not columns or name not in bundle.manifest.members:
        raise BundleRefused(f'its rows of "{table}" have other columns than those that this dagscope knows')
    decoder = msgspec.json.Decoder(tuple[*(_type_of(table, column) for column in columns)])  # type: ignore[misc]
    names, places = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
    insertion = f"INSERT INTO {table} ({names}) VALUES ({places})"
    try:
        for lines in _whole_lines(bundle.chunks(name)):
            connection.executemany(insertion, decoder.decode_lines(lines))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BundleRefused(f'its member "{name}" has an invalid row: {_said(error, columns)}') from error


_PLACE = re.compile(r" - at `\$\[\d+\](?:\[(\d+)\])?`")


def _said(error: Exception, columns: tuple[str, ...]) -> str:
    """What the decoder says, with the name of the column instead of its place."""
    found = _PLACE.search(str(error))
    text = _PLACE.sub("", str(error))
    return f'"{columns[int(found[1])]}": {text}' if found is not None and found[1] else text


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, cut at the ends of lines."""
    parts: list[bytes] = []
    for chunk in chunks:
        lines, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield b"".join((*parts, lines))
            parts = [rest]
        else:
            parts.append(rest)
        if sum(map(len, parts)) > _LONGEST_LINE:
            raise BundleRefused(f"one of its rows has more than {_LONGEST_LINE:,} bytes")
    yield b"".join(parts)


_TEXTS: Mapping[tuple[str, str], Any] = {
    ("task", "status"): Literal["SUCCESS", "FAILED"],
    ("attempt", "status"): Literal[tuple(map(str, TaskStatus))],
    ("frame", "data_type"): Literal["dataframe", "map", "array", "string", "number", "boolean"],
    ("node", "state"): Literal[tuple(map(str, NodeState))],
    ("data_test_result", "status"): Literal[tuple(map(str, DataTestStatus))],
    ("status_event", "kind"): Literal[tuple(map(str, EventKind))],
    ("log_entry", "level"): Literal[LOG_LEVELS],
}
_JSON = {
    "object": (
        ("attempt", "data"),
        ("node_record", "settings"),
        ("node_record", "upstreams"),
        *((table, "data") for table in _LOG),
    ),
    "array": (("frame", "columns"), ("node_record", "columns"), ("node_statements", "data")),
}
_NUMBER = 2**53  # the largest that JavaScript counts to
_NUMBERS: Mapping[str, tuple[int, int]] = {
    "position": (1, _NUMBER),
    "attempt": (1, _FIRST_ATTEMPTS),
    "start_time": (0, 253_402_300_799_000),  # the end of the year 9999
    "end_time": (0, 253_402_300_799_000),
}
_DIGEST = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]


def _type_of(table: str, column: str) -> Any:
    """What a value of the column may be."""
    known = _TABLES[table].__table__.columns[column]  # type: ignore[attr-defined]  # SQLModel does not declare it
    match known.type.python_type:
        case type() as kind if kind is bool:
            found: Any = Annotated[int, msgspec.Meta(ge=0, le=1)]
        case type() as kind if kind is int:
            least, most = _NUMBERS.get(column, (-_NUMBER, _NUMBER))
            found = Annotated[int, msgspec.Meta(ge=least, le=most)]
        case _:
            found = _DIGEST if column == "digest" else _TEXTS.get((table, column), str)
    return found | None if known.nullable else found


def _check(connection: sqlite3.Connection) -> None:
    """Raises `BundleRefused` if the rows do not belong together, or hold texts that are not what they should be."""
    for kind, columns in _JSON.items():
        for table, column in columns:
            # A line break outside of a string would end a message of the stream.
            is_other = f"CASE WHEN json_valid({column}) THEN json_type({column}) END IS NOT '{kind}'"
            has_breaks = f"instr({column}, char(10)) OR instr({column}, char(13))"
            if _any(connection, table, f"{column} IS NOT NULL AND ({is_other} OR {has_breaks})"):
                raise BundleRefused(f'its rows of "{table}" have a "{column}" that is no JSON {kind} in one line')
    for table in _LOG:
        if _any(connection, table, "task_id NOT IN (SELECT task_id FROM task)"):
            raise BundleRefused(f'its rows of "{table}" are of a task that it does not have')
    if _any(connection, "task", "end_time IS NULL OR (task_id, attempt) NOT IN (SELECT task_id, attempt FROM attempt)"):
        raise BundleRefused("it has a task that has not ended, or without its attempts")
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise BundleRefused("it has rows that refer to others that it does not have")
    _check_texts(connection)


def _any(connection: sqlite3.Connection, table: str, condition: str) -> bool:
    return connection.execute(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1").fetchone() is not None


def _check_texts(connection: sqlite3.Connection) -> None:
    """The texts of which there are few, each task and node with its own shape."""
    try:
        for (task_id,) in connection.execute("SELECT task_id FROM task"):
            check_new_task_id(task_id)
        for columns, upstreams in connection.execute("SELECT columns, upstreams FROM node_record"):
            msgspec.json.decode(columns or "[]", type=tuple[RecordedColumn, ...])
            msgspec.json.decode(upstreams, type=dict[str, str])
    except (ValueError, RecursionError) as error:
        raise BundleRefused(f"it has an invalid task: {error}") from error


def _frames(connection: sqlite3.Connection) -> dict[str, tuple[int | None, tuple[str, ...] | None]]:
    try:
        return {
            digest: (rows or 0, tuple(msgspec.json.decode(columns or "[]", type=list[str])))
            if data_type == "dataframe"
            else (None, None)
            for digest, data_type, rows, columns in connection.execute("SELECT * FROM frame")
        }
    except ValueError as error:
        raise BundleRefused(f"it has an invalid captured result: {error}") from error


_TO_EXECUTE = "NOT node.carried AND NOT node.is_selection"
_EXECUTED = f"{_TO_EXECUTE} AND node.state <> 'INITIAL'"
_NEWEST_FIRST = "ORDER BY attempt.start_time DESC, node.task_id DESC, node.attempt DESC"

_POSITIONS = " UNION ALL ".join(f"SELECT position FROM {table}" for table in _LOG)
_WORKED_OUT = (
    f"""
    UPDATE state SET (last_position, pruned_through) =
        (SELECT coalesce(max(position), last_position), coalesce(min(position) - 1, last_position) FROM ({_POSITIONS}))
    """,
    """
    INSERT INTO log_count (task_id, attempt, level, entries)
    SELECT task_id, attempt, level, count(*) FROM log_entry GROUP BY task_id, attempt, level
    """,
    """
    INSERT INTO data_test_state (test_name, status)
    SELECT test_name, status FROM (SELECT test_name, status, max(ordinal) FROM data_test_result GROUP BY test_name)
    """,
    f"""
    INSERT INTO asset_state (
        asset_name, state, task_id, attempt, successful_tests, last_execution_ms, last_tests_ms
    )
    SELECT asset_name, state, task_id, attempt, passed_tests, execution_time_ms - tests_duration_ms, tests_duration_ms
    FROM (
        SELECT node.*, row_number() OVER (PARTITION BY asset_name {_NEWEST_FIRST}) AS nth
        FROM node JOIN attempt USING (task_id, attempt) WHERE {_EXECUTED}
    )
    WHERE nth = 1
    """,
    f"""
    UPDATE asset_state SET (relation_task_id, relation_attempt) = (
        SELECT node.task_id, node.attempt FROM node JOIN attempt USING (task_id, attempt)
        WHERE node.asset_name = asset_state.asset_name AND node.has_relation AND {_EXECUTED} {_NEWEST_FIRST} LIMIT 1
    )
    """,
    f"""
    UPDATE asset_state SET state = 'INITIAL', successful_tests = 0
    WHERE (
        SELECT node.state FROM node JOIN attempt USING (task_id, attempt)
        WHERE node.asset_name = asset_state.asset_name AND {_TO_EXECUTE} {_NEWEST_FIRST} LIMIT 1
    ) = 'INITIAL'
    """,
)
"""The state of now: that of the newest execution of each asset and each data test."""
