"""The rows that events become."""

import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dagscope.dag.events.events import Event, NodeChanged, NodeFacts, RunEventEmitted, TaskAccepted
from dagscope.dag.events.node_records import Code, NodeRecord, RecordedColumn
from dagscope.dag.events.run_events import RunEvent, RunEventLevel
from dagscope.dag.events.status import NodeState, NodeStatus, NodeTimings, TaskStatus, TaskSummary
from dagscope.dag.ground.frames import Frame
from dagscope.dag.project.loading import load_project
from dagscope.server.workspace.settings import Settings
from dagscope.server.workspace.workspace import open_workspace
from dagscope.storage.database import open_writer
from dagscope.storage.migrations import migrate
from dagscope.storage.recorder import Recorder
from dagscope.storage.state_folder import StateFolder

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """That of a new state."""
    folder = StateFolder(tmp_path / ".dagscope")
    folder.create()
    migrate(folder)
    return folder.database


async def write(database: Path, *batches: Sequence[Event]) -> None:
    writer = open_writer(database)
    async with Recorder(writer, lambda _: None) as recorder:
        for batch in batches:
            for event in batch:
                recorder.emit(event)
            await recorder.flush()
    writer.dispose()


def only_row(database: Path, table: str) -> dict[str, Any]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(f"SELECT * FROM {table}")
        (row,) = rows.fetchall()
        return dict(zip((column[0] for column in rows.description), row, strict=True))


def named(names: Iterable[str], *sources: object) -> dict[str, Any]:
    """The values of the first source that has an attribute of the name."""
    return {name: next(getattr(source, name) for source in sources if hasattr(source, name)) for name in names}


TIMINGS = NodeTimings(waiting_ms=31, queued_ms=32, executing_ms=33, testing_ms=34)
NODE = NodeStatus(
    name="Executing s.a",
    asset_name="s.a",
    state=NodeState.FAILED,
    order=11,
    start_time=12,
    end_time=13,
    execution_time_ms=214,
    message="why",
    total_tests=15,
    passed_tests=16,
    failed_tests=17,
    timings=TIMINGS,
)
RECORD = NodeRecord(
    code=Code("d2", "{{ x }}", "1"),
    engine="duckdb 1",
    settings='{"threads":"2"}',
    columns=(RecordedColumn("a", "INTEGER"),),
    rows=44,
    fingerprint="duckdb 1 44:00",
    upstreams={"s.b": "duckdb 1 45:00"},
    note="why not",
)
FACTS = NodeFacts(rows=41, result=Frame("d1", 42, ("a",)), has_relation=True, tests_duration_ms=43, record=RECORD)
SUMMARY = TaskSummary(
    task_id="t",
    task_uuid="u",
    status=TaskStatus.IN_PROGRESS,
    start_time=51,
    end_time=52,
    total_assets=53,
    completed_assets=0,
    failed_assets=1,
    in_progress_assets=0,
)
ACCEPTED = TaskAccepted("t", 7, SUMMARY, "u", {"x": 1}, (), (), True)


async def test_columns(database: Path) -> None:
    """Each column of a row has the value that it is named after."""
    of_run = RunEvent(
        run_id="t", message="m", timestamp="2026", level=RunEventLevel.INFO, step_key="s.a", event_type="STEP_START"
    )
    node, run_event = NodeChanged("t", 7, NODE, FACTS), RunEventEmitted("t", 7, of_run)
    await write(database, [ACCEPTED, node, run_event])
    row = only_row(database, "task")
    assert row == named(row, ACCEPTED, SUMMARY)
    row = only_row(database, "attempt")
    kept = {"data": '{"x":1}', "last_task_name": ""}
    assert row == kept | named(row.keys() - kept, ACCEPTED, SUMMARY)
    row = only_row(database, "node")
    kept = {"result_digest": "d1"}
    assert row == kept | named(row.keys() - kept, FACTS, TIMINGS, node, NODE)
    row = only_row(database, "frame")
    assert row == {"digest": "d1", "data_type": "dataframe", "rows": 42, "columns": '["a"]'}
    row = only_row(database, "node_record")
    kept = {"code_digest": "d2", "columns": '[["a","INTEGER"]]', "upstreams": '{"s.b":"duckdb 1 45:00"}'}
    kept |= {"captured_digest": None, "is_whole": 0}
    assert row == kept | named(row.keys() - kept, RECORD, node, NODE)
    assert only_row(database, "code") == {"digest": "d2", "source": "{{ x }}", "sql": "1"}
    row = only_row(database, "run_event")
    assert row == {"position": row["position"], "data": run_event.payload()} | named(
        row.keys() - {"position", "data"}, run_event, of_run
    )


async def test_state_of_an_asset(database: Path) -> None:
    """An asset keeps the attempt that wrote its relation while other attempts execute it, and fail."""
    writes = NodeChanged("t", 7, NODE.changed(state=NodeState.IN_PROGRESS), FACTS)
    again = TaskAccepted("t", 8, SUMMARY, "u", {}, ())
    starts = NodeChanged("t", 8, NODE.changed(state=NodeState.IN_PROGRESS, passed_tests=0))
    fails = NodeChanged("t", 8, NODE)
    await write(database, [ACCEPTED, writes], [again, starts, fails])
    assert only_row(database, "asset_state") == {
        "asset_name": "s.a",
        "state": "FAILED",
        "task_id": "t",
        "attempt": 8,
        "relation_task_id": "t",
        "relation_attempt": 7,
        "successful_tests": 16,
        "last_execution_ms": 214,
        "last_tests_ms": 0,
    }


async def test_batches(database: Path, hello: Path) -> None:
    """The rows of a state do not depend on which events were committed together."""
    events: list[Event] = []
    project = load_project(hello)
    async with open_workspace(project, Settings(), (events.append,)) as workspace:
        await (await workspace.tasks.run(project, "t")).ended.wait()
        await (await workspace.tasks.execute(project, "t", "dds.world")).ended.wait()
    other = shutil.copy(database, database.with_name("other.sqlite"))
    await write(database, events)
    await write(other, *([event] for event in events))
    with closing(sqlite3.connect(database)) as together, closing(sqlite3.connect(other)) as single:
        assert sorted(together.iterdump()) == sorted(single.iterdump())
