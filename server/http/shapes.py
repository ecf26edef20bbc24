"""Request and response bodies: the shapes of the HTTP API (spec, and contract where it is named)."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StrictBool, StrictInt

from dagscope.dag.events.statements import ProfileNode, Statement
from dagscope.dag.events.status import (
    DataTestResult,
    DataTestStatus,
    LogEntry,
    NodeState,
    NodeStatus,
    TaskStatus,
    TaskSummary,
)
from dagscope.dag.events.task_ids import TASK_ID_LENGTH, check_new_task_id
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.run.selector import LONGEST

PREVIEW_ROWS = 10_000  # of one page, which is built in memory
PREVIEW_OFFSET = 10**18


TaskId = Annotated[
    str, AfterValidator(check_new_task_id), Field(json_schema_extra={"minLength": 1, "maxLength": TASK_ID_LENGTH})
]


class RunRequest(Shape):
    """`POST /api/dag/run`. dagscope adds `runTests` (false runs no data tests), `profile` and `select`.

    Others are ignored.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    task_id: TaskId
    data: dict[str, JsonValue] | None = None
    run_tests: StrictBool = True
    profile: StrictBool = False
    select: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST})] | None = None


class SessionRequest(Shape):
    """`POST /api/session`: the code that the server printed at its start, or the API token."""

    code: str | None = None
    token: str | None = None


class ExecuteRequest(Shape):
    """`POST /api/dag/asset/:name/execute`. By default, statements are profiled if they were in the task before."""

    task_id: TaskId
    profile: StrictBool | None = None


class RetryRequest(Shape):
    """The optional body of `POST /api/dag/retry/:taskId`. `profile` is as in `ExecuteRequest`."""

    profile: StrictBool | None = None


class Error(Shape):
    """Every error that does not have a shape of its own."""

    error: str
    details: str | None = None


class Health(Shape):
    """`GET /healthz`; `status` is `failed` once the state could not be written."""

    status: Literal["ok", "failed"]


class FileProblem(Shape):
    """Why a file of the project cannot be loaded; `line` is absent if it is about the whole file."""

    path: str
    line: int | None = None
    message: str


class ProjectNow(Shape):
    """The message `project` of the stream. `loaded_time_ms` is absent if no version of the files could be loaded yet.

    `read_time_ms` is when the files were last read, whether they could be loaded or not.
    """

    project_name: str
    version: str
    read_only: bool
    state_writable: bool
    logs_stored: bool
    reload: bool
    loaded_time_ms: int | None = None
    read_time_ms: int
    asset_count: int
    test_count: int
    problems: tuple[FileProblem, ...]


class ServedProject(ProjectNow):
    """`GET /api/project`; `time_ms` is the server's clock."""

    time_ms: int


class DagNode(Shape):
    """An asset in the DAG with its current state. Durations are in milliseconds."""

    name: str
    downstreams: tuple[str, ...]
    upstreams: tuple[str, ...]
    sql_select_query: str
    sql_compiled_query: str
    materialization: str
    connection_type: str
    connection_name: str
    is_data_framed: bool
    persist_inputs: bool
    tests: tuple[str, ...]
    state: NodeState
    total_tests: int
    successful_tests: int
    last_execution_duration: int
    last_tests_duration: int
    description: str


class Dag(Shape):
    """`GET /api/dag`. While the files on disk cannot be loaded, `errors` says why; `nodes` are the last valid ones."""

    project_name: str
    module_name: str
    dag_instance_name: str
    nodes: tuple[DagNode, ...]
    errors: tuple[str, ...] | None = None


class LayoutStage(Shape):
    """The box of a stage, which is as high as the layout."""

    name: str
    x: int
    width: int


class LayoutNode(Shape):
    """An asset by its top left corner."""

    name: str
    x: int
    y: int


class LayoutEdge(Shape):
    """The line from an asset to one that reads it; `points` are x0, y0, x1, y1, ..."""

    upstream: str
    downstream: str
    points: tuple[int, ...]


class DagLayout(Shape):
    """`GET /api/dag/layout`, in CSS pixels. `stages` is empty if stages depend on each other in a cycle."""

    graph_hash: str
    width: int
    height: int
    node_width: int
    node_height: int
    stages: tuple[LayoutStage, ...]
    nodes: tuple[LayoutNode, ...]
    edges: tuple[LayoutEdge, ...]


class TaskBody(Shape):
    """The status of a task's attempt. Counts are of assets, times are epoch milliseconds.

    `last_task_name` is the `name` of the node that started last. `lone_test_results` are those of tests that belong to
    an asset and ran by themselves.
    """

    task_id: str
    task_uuid: str
    attempt: int
    newest_attempt: int
    status: TaskStatus
    start_time: int | None = None
    end_time: int | None = None
    completed_assets: int
    total_assets: int
    failed_assets: int
    in_progress_assets: int
    nodes: tuple[NodeStatus, ...]
    root_test_results: tuple[DataTestResult, ...]
    lone_test_results: tuple[DataTestResult, ...] | None = None
    last_task_name: str


class RunBody(TaskBody):
    """The answer to a run: the nodes under both keys that the spec shows."""

    tasks: tuple[NodeStatus, ...]


class UnknownTask(Shape):
    """The status of a task that does not exist."""

    task_id: str
    status: Literal[TaskStatus.NOT_STARTED] = TaskStatus.NOT_STARTED
    nodes: tuple[NodeStatus, ...] = ()
    last_task_name: str = ""


class Tasks(Shape):
    """`GET /api/dag/tasks`, newest first; `cursor` requests the next page, and is absent on the last."""

    tasks: tuple[TaskSummary, ...]
    total: int
    cursor: str | None = None


class FirstFailure(Shape):
    """What failed first in a task. `message` is cut after 500 characters; `row_count` rows violate the data test."""

    message: str
    asset_name: str | None = None
    test_name: str | None = None
    row_count: int | None = None


class HistoryTask(TaskSummary):
    """A task as its newest attempt left it; `duration_ms` is absent until it ends."""

    attempt: int
    duration_ms: int | None = None
    skipped_assets: int
    failed_tests: int
    violating_rows: int
    first_failure: FirstFailure | None = None


class AssetHistory(Shape):
    """What an asset did in each task: null where it was not part of it, and no duration unless it was executed."""

    name: str
    durations_ms: tuple[int | None, ...]
    states: tuple[NodeState | None, ...]


class DataTestHistory(Shape):
    """What a data test found in each task: null where it did not run; no row count where it has not counted rows."""

    name: str
    row_counts: tuple[int | None, ...]
    statuses: tuple[DataTestStatus | None, ...]


class DagHistory(Shape):
    """`GET /api/dag/history`, oldest first; the arrays of assets and tests have an item for each task."""

    tasks: tuple[HistoryTask, ...]
    assets: tuple[AssetHistory, ...]
    tests: tuple[DataTestHistory, ...]
    has_earlier: bool


class ResetDone(Shape):
    """`POST /api/dag/reset`."""

    message: str = "DAG state reset successfully"
    status: str = "SUCCESS"


class ExecuteResult(Shape):
    """The result of an execution: the number of rows written, and the first 100 rows (or the value)."""

    model_config = ConfigDict(alias_generator=None)

    rows_affected: int
    data: Any = None


class AssetExecuted(Shape):
    """The answer to an execute or a select that has ended, is still running, or failed. Times are epoch milliseconds.

    `total_records` is the number of rows of a select; `result` has the first of them.
    """

    task_id: str
    asset_name: str
    status: NodeState
    start_time: int | None = None
    end_time: int | None = None
    execution_time_ms: int | None = None
    result: ExecuteResult | None = None
    error: str | None = None
    upstreams_used: tuple[str, ...] = ()
    total_records: int | None = None


class AssetData(Shape):
    """The data of an asset. A dataframe's `data` is its rows as objects; `row_count` counts all rows, not the page's.

    `total_records` (the same number), `offset` and `limit` are present if a task or a page was requested.
    """

    asset_name: str
    has_data: bool
    data_type: str
    is_data_framed: bool
    data: Any = None
    row_count: int | None = None
    column_count: int | None = None
    columns: tuple[str, ...] | None = None
    total_records: int | None = None
    matching_records: int | None = None
    offset: int | None = None
    limit: int | None = None
    error: str = ""


class DataColumn(Shape):
    """A column of rows as arrays: `type` in SQL's own words; `key` is true for a field of the primary key."""

    name: str
    type: str
    key: Literal[True] | None = None


class AssetRows(Shape):
    """The data of an asset with `format=arrays`: rows as arrays, or the value of a raw asset as `data`.

    `total_records` counts all rows, `matching_records` those that the filter leaves. `task_id` and `attempt` made them.
    """

    asset_name: str
    has_data: bool
    data_type: str
    is_data_framed: bool
    task_id: str
    attempt: int
    made_time: int | None = None
    columns: tuple[DataColumn, ...] | None = None
    total_records: int | None = None
    matching_records: int | None = None
    offset: int | None = None
    limit: int | None = None
    rows: Any = None
    data: Any = None


class HistogramBin(Shape):
    """How many values are between two bounds; the upper one belongs to the last bin only."""

    from_: Any = Field(alias="from")
    to: Any
    count: int


class CommonValue(Shape):
    """A value, and how many rows have it."""

    value: Any
    count: int


class ColumnSummaryNow(DataColumn):
    """What the values of a column are like. Values are as in rows as arrays."""

    nulls: int
    distinct: int
    distinct_is_approximate: bool
    least: Any = None
    most: Any = None
    mean: float | None = None
    histogram: tuple[HistogramBin, ...] | None = None
    commonest: tuple[CommonValue, ...] | None = None


class DataSummary(Shape):
    """`GET .../data/summary`; `total_records` counts the rows that the filter leaves."""

    total_records: int
    columns: tuple[ColumnSummaryNow, ...]


class PreviewRequest(Shape):
    """The optional body of `POST /api/dag/asset/:name/preview`. Other keys are ignored."""

    offset: Annotated[StrictInt, Field(ge=0, le=PREVIEW_OFFSET)] = 0
    limit: Annotated[StrictInt, Field(ge=0, le=PREVIEW_ROWS)] = 100


class UpkeepRequest(Shape):
    """`POST /api/dag/asset/:name/drop` and `truncate`: the asset's name again, to prevent mistakes."""

    confirm: str


class RelationChanged(Shape):
    """The result of a drop or a truncate: what was done, or why nothing was done."""

    asset_name: str
    status: Literal["SUCCESS", "FAILED"]
    message: str = ""
    error: str = ""


class ConnectionNow(Shape):
    """A connection of the project, whether it is open, and where it connects to; never a secret."""

    name: str
    type: str
    is_connected: bool
    path: str | None = None
    extensions: tuple[str, ...] | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    user: str | None = None


class ConnectionStatus(Shape):
    """`GET /api/dag/connection-status`; `is_connected` is true if all connections are open."""

    is_connected: bool
    connections: tuple[ConnectionNow, ...]


class Connected(Shape):
    """`POST /api/dag/connect`."""

    message: str = "Successfully connected to all databases"
    status: Literal["CONNECTED"] = "CONNECTED"


class Disconnected(Shape):
    """`POST /api/dag/disconnect`."""

    message: str = "Successfully disconnected from all databases"
    status: Literal["DISCONNECTED"] = "DISCONNECTED"


CodeToken = tuple[str, str] | tuple[Literal["r"], str, str]
"""`[class, text]`, or `["r", text, asset]` for a reference to an asset (docs/http-api/assets.md, Lines of code)."""

CodeLine = tuple[CodeToken, ...]


class AssetSql(Shape):
    """`GET /api/dag/asset/:name/sql`. `select` is the template, from `first_line` of the file; or the Python code."""

    path: str
    first_line: int
    select: tuple[CodeLine, ...]
    compiled: tuple[CodeLine, ...]


class DataTestSql(Shape):
    """`GET /api/tests/:name/sql`. `sql` is what the next run sends."""

    path: str
    first_line: int
    select: tuple[CodeLine, ...]
    sql: tuple[CodeLine, ...]


class ShownStatement(Statement):
    """With `tokens`, `lines` are added, and `profile_tree` takes the place of `profile`."""

    lines: tuple[CodeLine, ...] | None = None
    profile_tree: ProfileNode | None = None


class SentStatements(Shape):
    """The statements of one attempt, in order; `total` counts all of them, `statements` has those that are kept."""

    task_id: str
    attempt: int
    statements: tuple[ShownStatement, ...]
    total: int


class AssetStatements(SentStatements):
    """`GET /api/dag/asset/:name/statements`; `state` is that of the node in that attempt."""

    asset_name: str
    state: NodeState


class DataTestStatements(SentStatements):
    """`GET /api/tests/:name/statements`."""

    test_name: str


class DataTestProfile(Shape):
    """A data test; `sql` selects the violating rows, `mask` lists the columns whose values are not kept."""

    name: str
    sql: str
    connection_name: str
    connection_type: str
    status: DataTestStatus
    description: str
    mask: tuple[str, ...] | None = None


class DataTests(Shape):
    """`GET /api/tests`."""

    tests: tuple[DataTestProfile, ...]


class TaskDataTest(DataTestProfile):
    """A data test in a task. `row_count` rows violate it, the first `kept_rows` of them are kept.

    `could_not_run` is true if the test failed with an error (`error_msg`) and not because it found rows.
    `asset_name` is absent for a test that ran by itself or after the DAG. `executed_at` is ISO 8601.
    """

    asset_name: str | None = None
    could_not_run: bool
    row_count: int
    kept_rows: int
    error_msg: str
    duration_ms: int
    executed_at: str


class TaskDataTests(Shape):
    """`GET /api/tests/results/:taskId`, in order of execution."""

    task_id: str
    attempt: int
    tests: tuple[TaskDataTest, ...]


class DataTestExecuted(Shape):
    """`POST /api/tests/execute/:testName`; the fields are those of `TaskDataTest`."""

    test_name: str
    description: str = ""
    task_id: str
    status: DataTestStatus
    could_not_run: bool = False
    row_count: int = 0
    kept_rows: int = 0
    error_msg: str = ""
    duration_ms: int = 0
    executed_at: str = ""


class DataTestData(DataTestExecuted):
    """`GET /api/tests/data/:testName`: a page of the rows that violate a data test."""

    columns: tuple[str, ...] = ()
    matching_records: int | None = None
    data: Any = ()


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


class DataTestRows(DataTestExecuted):
    """The same with `format=arrays`: `total_records` counts the kept rows, `matching_records` those of the filter."""

    attempt: int
    columns: tuple[DataColumn, ...] = ()
    total_records: int = 0
    matching_records: int = 0
    offset: int | None = None
    limit: int | None = None
    rows: Any = ()


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


class NodeNow(Shape):
    """An asset's name and state, as a snapshot of everything lists them."""

    name: str
    state: NodeState


class Snapshot(Shape):
    """The first message of a stream of everything: the running and the newest tasks, and every node's state."""

    tasks: tuple[TaskSummary, ...]
    nodes: tuple[NodeNow, ...]
