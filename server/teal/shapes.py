"""What answers are in Teal 1.3's shapes (docs/teal.md). Fields that Teal does not have are dagscope's own."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from dagscope.dag.events.status import DataTestResult, NodeTimings
from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.shapes.dag import DagNode
from dagscope.server.http.shapes.data_tests import TaskDataTest
from dagscope.server.http.shapes.tasks import TaskBody, TaskId


class TealState(StrEnum):
    """The state of an asset; TESTS_FAILED if the asset itself was executed, and data tests of it failed."""

    INITIAL = "INITIAL"
    IN_PROGRESS = "IN_PROGRESS"
    TESTING = "TESTING"
    FAILED = "FAILED"
    SUCCESS = "SUCCESS"
    TESTS_FAILED = "TESTS_FAILED"


class TealStatus(StrEnum):
    """The status of a task; TESTS_FAILED if all of its assets were executed, and data tests failed."""

    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    PENDING = "PENDING"
    TESTS_FAILED = "TESTS_FAILED"


class TealTaskRequest(Shape):
    """The body of what is done with an asset. Other keys are ignored."""

    task_id: TaskId


class TealDagNode(DagNode):
    """An asset. `sql_select_query` has the relations in place of references, `task_group_index` counts from 0."""

    state: TealState  # type: ignore[assignment]  # one more than dagscope has
    task_group_index: int = Field(alias="TaskGroupIndex")


class TealDag(Shape):
    """`GET /api/dag`."""

    project_name: str
    module_name: str
    dag_instance_name: str
    nodes: tuple[TealDagNode, ...]
    errors: tuple[str, ...] | None = None


class TealNode(Shape):
    """An asset in a task. `name` is the plain name; `execution_time_ms` is without the data tests."""

    name: str
    asset_name: str
    state: TealState
    order: int
    start_time: int | None = None
    end_time: int | None = None
    execution_time_ms: int
    message: str
    total_tests: int
    passed_tests: int
    failed_tests: int
    test_results: tuple[DataTestResult, ...]
    timings: NodeTimings | None = None
    rows: int | None = None


class TealTask(TaskBody):
    """The status of a task's attempt; assets whose data tests failed are completed."""

    status: TealStatus  # type: ignore[assignment]  # one more than dagscope has
    nodes: tuple[TealNode, ...]  # type: ignore[assignment]  # with Teal's states and names


class TealRun(TealTask):
    """The answer to a run: the nodes under both of their keys."""

    tasks: tuple[TealNode, ...]


class TealTaskSummary(Shape):
    """A task in the list of tasks."""

    task_id: str
    task_uuid: str
    status: TealStatus
    start_time: int | None = None
    end_time: int | None = None
    total_assets: int
    completed_assets: int
    failed_assets: int
    in_progress_assets: int


class TealTasks(Shape):
    """`GET /api/dag/tasks`, newest first."""

    tasks: tuple[TealTaskSummary, ...]
    total: int
    cursor: str | None = None


class TealExecution(Shape):
    """What was done with an asset: a mutate, select, preview, drop or truncate. Times are epoch milliseconds."""

    task_id: str
    asset_name: str
    status: TealState
    start_time: int | None = None
    end_time: int | None = None
    execution_time_ms: int | None = None
    error: str | None = None
    upstreams_used: tuple[str, ...] = ()


class TealData(Shape):
    """`GET .../data`: how the asset ended in the task, and the rows of the page, or the value, as `result`."""

    task_id: str
    asset_name: str
    status: TealState
    start_time: int | None = None
    end_time: int | None = None
    execution_time_ms: int | None = None
    result: Any = None
    columns: tuple[str, ...] | None = None
    error: str | None = None
    upstreams_used: tuple[str, ...] = ()
    total_records: int | None = None


class TealDataTests(Shape):
    """`GET /api/tests/results/:taskId`; no tests for a task that does not exist."""

    task_id: str
    tests: tuple[TaskDataTest, ...]


class TealNoTestData(Shape):
    """A data test that the task did not run."""

    test_name: str
    description: str = ""
    task_id: str
    status: str = "NOT_FOUND"
    row_count: int = 0
    data: tuple[dict[str, Any], ...] = ()
    executed_at: str = ""
