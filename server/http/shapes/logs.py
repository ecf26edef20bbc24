"""Log entries."""

from pydantic import ConfigDict

from dagscope.dag.ground.shapes import Shape


class LogEntry(Shape):
    """One structured log entry; it can have more fields of its own (contract, Logs)."""

    model_config = ConfigDict(extra="allow")

    level: str
    time: str
    message: str
    task_id: str
    asset: str | None = None
    connection: str | None = None
    test: str | None = None


class FoundLogEntry(LogEntry):
    """A log entry and its place among all entries."""

    position: int


class LogCounts(Shape):
    """Numbers of log entries by level."""

    debug: int
    info: int
    warning: int
    error: int
    critical: int


class TaskLogs(Shape):
    """`GET /api/logs/:taskId`; with a limit, `cursor` and `has_more` are present and `count` is the page's.

    With a filter, `limit` has a default, and what follows `has_more` is present instead: how many shown entries are
    before this page, and how many there are in total; all entries of the task, or of the attempt; and the numbers of
    those that match all filters but `level`.
    """

    task_id: str
    logs: tuple[FoundLogEntry | LogEntry, ...]
    count: int
    cursor: str | None = None
    has_more: bool | None = None
    offset: int | None = None
    matching: int | None = None
    total: int | None = None
    counts: LogCounts | None = None


class AllLogs(Shape):
    """`GET /api/logs`: entries by task id."""

    logs: dict[str, tuple[LogEntry, ...]]
    task_count: int
    total_log_count: int


class TaskLogsCleared(Shape):
    """`DELETE /api/logs/:taskId`."""

    message: str
    task_id: str


class AllLogsCleared(Shape):
    """`DELETE /api/logs`."""

    message: str = "All logs cleared successfully"
