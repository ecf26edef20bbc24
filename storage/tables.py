"""The tables of state.sqlite. Written by the recorder alone; read through the reader.

Three tables hold the log, `status_event`, `log_entry` and `run_event`, whose positions come from one sequence. All
others hold its status: they could be derived from the log, and change in the transaction that extends it.
Times are epoch milliseconds, `data` is the JSON of the stream message.

Statements on them are expressions of these classes, so that a wrong column is found before they run. If an expression
would obscure a statement, with subqueries in its columns or an UPDATE of several at once, the statement is SQL text, a
constant of its module. The recorder writes rows of all columns as tuples, in the order of the columns here
(`storage/row_statements.py`, `storage/projection.py`).
"""

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel


class State(SQLModel, table=True):
    """The one row that describes this state.

    Positions at or below `pruned_through` are gone; `last_position` is that of the newest entry, so that no
    position is ever used twice, whatever is deleted.
    """

    id: int = Field(default=1, primary_key=True)
    instance_uuid: str
    last_position: int
    pruned_through: int


class Summary(SQLModel):
    """The counts that a task and its attempts have in common."""

    status: str
    start_time: int
    end_time: int | None = None
    total_assets: int
    completed_assets: int
    failed_assets: int
    in_progress_assets: int


class Task(Summary, table=True):
    """A task as its newest attempt left it."""

    __table_args__ = (Index("task_by_start", "start_time", "task_id"), Index("task_by_status", "status"))

    task_id: str = Field(primary_key=True)
    task_uuid: str = Field(unique=True)
    attempt: int


class Attempt(Summary, table=True):
    """One execution of a task, numbered from 1; `data` is the run's input as JSON, `profile` if it profiles."""

    task_id: str = Field(primary_key=True, foreign_key="task.task_id", ondelete="CASCADE")
    attempt: int = Field(primary_key=True)
    data: str
    last_task_name: str = ""
    profile: bool = False


class Frame(SQLModel, table=True):
    """A captured result in the frame store. `data_type` is "dataframe", or the kind of a JSON value."""

    digest: str = Field(primary_key=True)
    data_type: str
    rows: int | None = None
    columns: str | None = None


class Node(SQLModel, table=True):
    """An asset in one attempt, and what is kept of it. Its timings are absent until it was started.

    `is_selection` is true if only the asset's query was run.
    """

    task_id: str = Field(primary_key=True, foreign_key="task.task_id", ondelete="CASCADE")
    attempt: int = Field(primary_key=True)
    asset_name: str = Field(primary_key=True)
    name: str
    state: str
    order: int
    start_time: int | None = None
    end_time: int | None = None
    execution_time_ms: int
    message: str
    total_tests: int
    passed_tests: int
    failed_tests: int
    tests_duration_ms: int
    waiting_ms: int | None = None
    queued_ms: int | None = None
    executing_ms: int | None = None
    testing_ms: int | None = None
    rows: int | None = None
    has_relation: bool
    carried: bool
    result_digest: str | None = Field(default=None, foreign_key="frame.digest", index=True)
    is_selection: bool


class NodeStatements(SQLModel, table=True):
    """The statements that an asset sent in one attempt, all in one row: `data` is a JSON array, `total` counts all.

    `asset_name` is "" for those of root tests.
    """

    __tablename__ = "node_statements"

    task_id: str = Field(primary_key=True, foreign_key="task.task_id", ondelete="CASCADE")
    attempt: int = Field(primary_key=True)
    asset_name: str = Field(primary_key=True)
    total: int
    data: str


class Code(SQLModel, table=True):
    """The code of assets and data tests: as written, and the SQL that it became. Equal code is stored once."""

    digest: str = Field(primary_key=True)
    source: str
    sql: str


class NodeRecord(SQLModel, table=True):
    """What the execution of an asset left, for comparisons (`dag/events/node_records.py:NodeRecord`).

    `settings`, `columns` and `upstreams` are JSON.
    """

    __tablename__ = "node_record"

    task_id: str = Field(primary_key=True, foreign_key="task.task_id", ondelete="CASCADE")
    attempt: int = Field(primary_key=True)
    asset_name: str = Field(primary_key=True)
    code_digest: str = Field(foreign_key="code.digest", index=True)
    engine: str
    settings: str
    columns: str | None = None
    rows: int | None = None
    fingerprint: str | None = None
    upstreams: str
    captured_digest: str | None = Field(default=None, foreign_key="frame.digest", index=True)
    is_whole: bool
    note: str


class DataTestResult(SQLModel, table=True):
    """A data test in one attempt; `asset_name` is "" for a root test, `ordinal` counts in order of execution."""

    __tablename__ = "data_test_result"

    task_id: str = Field(primary_key=True, foreign_key="task.task_id", ondelete="CASCADE")
    attempt: int = Field(primary_key=True)
    asset_name: str = Field(primary_key=True)
    test_name: str = Field(primary_key=True)
    ordinal: int
    status: str
    error: str | None = None
    duration_ms: int
    violation_count: int
    violations_digest: str | None = Field(default=None, foreign_key="frame.digest", index=True)
    code_digest: str | None = Field(default=None, foreign_key="code.digest", index=True)


class AssetState(SQLModel, table=True):
    """The current state of an asset, and the attempts that executed it and wrote its relation."""

    __tablename__ = "asset_state"

    asset_name: str = Field(primary_key=True)
    state: str
    task_id: str | None = None
    attempt: int | None = None
    relation_task_id: str | None = None
    relation_attempt: int | None = None
    successful_tests: int
    last_execution_ms: int | None = None
    last_tests_ms: int | None = None


class DataTestState(SQLModel, table=True):
    """The current state of a data test."""

    __tablename__ = "data_test_state"

    test_name: str = Field(primary_key=True)
    status: str


class LogColumns(SQLModel):
    """The columns of every entry of the log."""

    position: int = Field(primary_key=True)
    task_id: str
    attempt: int
    data: str


class StatusEvent(LogColumns, table=True):
    """A change of a task, node or data test; `kind` is the stream's `event`."""

    __tablename__ = "status_event"
    __table_args__ = (Index("status_event_by_task", "task_id", "position"),)

    kind: str


class LogEntry(LogColumns, table=True):
    """A log entry; one without a task is under "default". The index holds what most filters compare."""

    __tablename__ = "log_entry"
    __table_args__ = (Index("log_entry_by_task", "task_id", "position", "level", "attempt", "asset"),)

    level: str
    asset: str | None = None
    message: str


class LogCount(SQLModel, table=True):
    """How many log entries of a level an attempt has, so that counting them costs nothing. Attempt 0 is no task's."""

    __tablename__ = "log_count"

    task_id: str = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    level: str = Field(primary_key=True)
    entries: int


class RunEvent(LogColumns, table=True):
    """A run event."""

    __tablename__ = "run_event"
    __table_args__ = (Index("run_event_by_task", "task_id", "position"),)

    event_type: str
    level: str
    step_key: str | None = None
    message: str
    timestamp: str


def referring_to(digest: str) -> tuple[Column[str], ...]:
    """The columns of all tables that refer to a column such as `frame.digest`."""
    columns = (column for table in SQLModel.metadata.sorted_tables for column in table.columns)
    return tuple(column for column in columns if any(key.target_fullname == digest for key in column.foreign_keys))
