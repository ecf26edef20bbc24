"""One Spark session over Spark Connect: the only module that knows pyspark-client, which is imported with it.

`pyspark.sql.connect.client` is what pyspark's own DataFrames are built on. A DataFrame would hold a whole result in
memory, and cannot be told which statement was sent.
"""

import logging
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql.connect import proto
from pyspark.sql.connect.client import SparkConnectClient
from pyspark.sql.connect.client.retries import DefaultPolicy
from pyspark.sql.connect.shell.progress import Progress
from pyspark.sql.metrics import PlanMetrics
from pyspark.sql.types import StructType
from pyspark.version import __version__

from dagscope.dag.connections.spark.profiles import Operator, Stage, Work

VERSION = __version__

ERRORS = (PySparkException, grpc.RpcError)
"""What every use of a session may raise."""

_RETRIES: dict[str, Any] = {
    "max_retries": 6,
    "initial_backoff": 50,
    "max_backoff": 2_000,
}  # ms; about 7 s for a server that is gone
_PROGRESS_INTERVAL = {"spark.connect.progress.reportInterval": "100ms"}
_LOST = ("INVALID_HANDLE", "RETRIES_EXCEEDED", "NO_ACTIVE_SESSION")
_GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.DEADLINE_EXCEEDED)

warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]")  # besides the error, which is raised
logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)  # it would print each error as JSON


@dataclass(frozen=True)
class Streamed:
    """Rows as they arrive, and the types of their columns in Spark's words; there is a batch even without rows."""

    types: tuple[str, ...]
    batches: Iterator[pa.RecordBatch]
    work: Work | None
    """What the server says of the query, until the last batch is read; None unless `note_work` was called."""


class SparkClient:
    """A session of its own on the server, with its own settings and temporary views, until it is closed."""

    def __init__(self, url: str, user: str) -> None:
        self._client = SparkConnectClient(url, user_id=user, retry_policy=_RETRIES | {"max_retries": 1})
        self._interrupting = threading.Lock()
        self.is_lost = False
        """Whether the session or the server is gone, so that nothing more can be sent."""
        self.work: Work | None = None
        """What the server said of the newest statement, once `note_work` was called."""

    def open(self, settings: Mapping[str, str]) -> None:
        """Begin the session with these settings. A server that does not answer at first is given up at once."""
        self.set(settings)
        self._client.set_retry_policies([DefaultPolicy(**_RETRIES)])

    def set(self, settings: Mapping[str, str]) -> None:
        """Change settings of the session."""
        operation = proto.ConfigRequest.Operation()
        for key, value in settings.items():
            operation.set.pairs.add(key=key, value=value)
        self._client.config(operation)

    def note_work(self) -> None:
        """From now on, ask the server for the stages and operators of each statement."""
        self.set(_PROGRESS_INTERVAL)
        self._client.register_progress_handler(self._note_stages)  # type: ignore[arg-type]  # it is only called
        self.work = Work()

    def _note_stages(self, stages: Iterable[Any], **_: Any) -> None:
        """Stages that were skipped, because their results are there, have done no tasks."""
        if self.work is not None:
            done = {stage.stage_id: Stage(stage.num_completed_tasks, stage.num_bytes_read) for stage in stages}
            self.work.stages.update({number: stage for number, stage in done.items() if stage.tasks})

    def run(self, sql: str) -> pa.Table | None:
        """Run one statement; what a command returns, None for a query, which is only analyzed."""
        command = proto.Command()
        command.sql_command.input.sql.query = sql
        self._begin_work()
        _, properties, _ = self._client.execute_command(command)
        relation = properties["sql_command_result"]
        if relation.WhichOneof("rel_type") != "local_relation":
            return None
        with pa.ipc.open_stream(relation.local_relation.data) as rows:
            return rows.read_all()

    def stream(self, sql: str) -> Streamed:
        """The rows of one statement, which is run."""
        self._begin_work()
        answers = self._answers(sql, self.work)
        described = next(answers)
        assert isinstance(described, StructType)
        return Streamed(tuple(field.dataType.simpleString() for field in described), answers, self.work)

    def _begin_work(self) -> None:
        if self.work is not None:
            self.work = Work()

    def _answers(self, sql: str, work: Work | None) -> Iterator[Any]:
        """The columns of a query, and its rows; what is said of the operators is noted."""
        request = self._client._execute_plan_request_with_metadata()  # noqa: SLF001  the public one drops metrics
        request.plan.root.sql.query = sql
        handlers = self._client._progress_handlers  # noqa: SLF001
        with Progress(handlers=handlers, operation_id=request.operation_id) as progress:
            for answer in self._client._execute_and_fetch_as_iterator(request, {}, progress):  # noqa: SLF001
                if isinstance(answer, (StructType, pa.RecordBatch)):
                    yield answer
                elif isinstance(answer, PlanMetrics) and work is not None:
                    work.operators.append(_operator(answer))

    def columns(self, sql: str) -> list[str]:
        """The names of a query's columns."""
        plan = proto.Plan()
        plan.root.sql.query = sql
        return list(self._client.schema(plan).names)

    def lend(self, view: str, rows: pa.Table) -> None:
        """Create or replace a temporary view of these rows, which only this session sees."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        command = proto.Command()
        command.create_dataframe_view.name = view
        command.create_dataframe_view.replace = True
        command.create_dataframe_view.input.local_relation.data = sink.getvalue().to_pybytes()
        self._client.execute_command(command)

    def upload(self, file: Path, place: str) -> None:
        """Copy a file to this path in the server's file system, which is that of the executors too."""
        self._client.copy_from_local_to_fs(str(file), place)

    def interrupt(self) -> None:
        """Stop what the session runs. Returns at once: the server is asked in a thread of its own."""
        if self._interrupting.acquire(blocking=False):
            threading.Thread(target=self._interrupt, name="spark-interrupt", daemon=True).start()

    def _interrupt(self) -> None:
        try:
            with suppress(*ERRORS, ValueError):  # the session has just ended, or the server is gone
                self._client.interrupt_all()
        finally:
            self._interrupting.release()

    def close(self) -> None:
        """End the session on the server, unless it is lost, and close the channel."""
        if not self.is_lost:
            with suppress(*ERRORS, ValueError):
                self._client.release_session()
        self.abandon()

    def abandon(self) -> None:
        """Close the channel, also to a server that does not answer."""
        self._client._channel.close()  # noqa: SLF001  the client's own close waits for all sessions of the process


def _operator(told: PlanMetrics) -> Operator:
    metrics = {metric.name: int(metric.value) for metric in told.metrics if metric.value}
    return Operator(told.plan_id, told.parent_plan_id, told.name, metrics)


def is_lost(error: Exception) -> bool:
    """Whether the session or the server is gone, so that nothing more can be sent."""
    if condition(error).startswith(_LOST):
        return True
    code = getattr(error, "getGrpcStatusCode", None) or getattr(error, "code", None)
    return callable(code) and code() in _GONE


def condition(error: Exception) -> str:
    """The name of the error in Spark's list of conditions, "" if it has none."""
    named: Any = error.getCondition() if isinstance(error, PySparkException) else None
    return named or ""


def message(error: Exception) -> str:
    """The error's whole text; of one that gRPC raised, the server's words."""
    if isinstance(error, PySparkException):
        return str(error)
    details = getattr(error, "details", None)
    return str(details() if callable(details) else error)


def place(error: Exception) -> int | None:
    """The offset in the statement that the error names, in characters from 0."""
    if not isinstance(error, PySparkException):
        return None
    starts = [context.startIndex() for context in error.getQueryContext() or () if hasattr(context, "startIndex")]
    return next((start for start in starts if start >= 0), None)
