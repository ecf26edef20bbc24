"""How many events per second the recorder takes. Each batch is committed with `synchronous = FULL`."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.figures import Figure
from dagscope.dag.events.events import Event, NodeChanged, TaskAccepted
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.dag.events.status import NodeState, NodeStatus, TaskStatus, TaskSummary
from dagscope.dag.events.task_log import TaskLog
from dagscope.dag.ground.clock import iso_time, now_ms
from dagscope.dag.redaction.redaction import Redaction
from dagscope.storage.database import open_writer
from dagscope.storage.migrations import migrate
from dagscope.storage.recorder import Recorder
from dagscope.storage.state_folder import StateFolder

_TASK = "bench"
_NODES = 1_000


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    count = 60_000 // divisor
    events = _events(count)
    storm = median(asyncio.run(_storm_seconds(folder / f"storm_{time}", events)) for time in range(3))
    note = "node changes, log entries and run events, a third each, emitted by one thread as fast as possible"
    yield Figure(f"recorder, {count:,} events at once", count / storm, "events/s", note=note)
    lone = asyncio.run(_lone_seconds(folder / "lone", events[:300]))
    yield Figure("recorder, one event alone", lone * 1000, "ms", note="from emit to committed")


def _events(count: int) -> list[Event]:
    """The events that a runner emits: for each node that it starts, a change, a log entry and a run event."""
    emitted: list[Event] = []
    log = TaskLog(emitted.append, Redaction(), _TASK, 1)
    for index in range(count // 3):
        name = f"stage.model_{index % _NODES}"
        node = NodeStatus(name=f"Executing {name}", asset_name=name, order=index % _NODES + 1)
        emitted.append(NodeChanged(_TASK, 1, node.changed(state=NodeState.IN_PROGRESS, start_time=now_ms())))
        of_asset = log.for_asset(name, "duck")
        of_asset.info(f"Asset materialized: {name} (1,000 rows)", rows=1_000, at=iso_time(now_ms()))
        of_asset.run_event(RunEventType.MATERIALIZATION, RunEventLevel.INFO, f"Asset materialized: {name} (1,000 rows)")
    return emitted


def _accepted() -> TaskAccepted:
    summary = TaskSummary(
        task_id=_TASK,
        status=TaskStatus.IN_PROGRESS,
        start_time=now_ms(),
        total_assets=_NODES,
        completed_assets=0,
        failed_assets=0,
        in_progress_assets=0,
    )
    return TaskAccepted(task_id=_TASK, attempt=1, summary=summary, task_uuid="0", data={}, nodes=())


async def _open(folder: Path, stack: AsyncExitStack) -> Recorder:
    state = StateFolder(folder)
    state.create()
    migrate(state)
    writer = open_writer(state.database)
    stack.callback(writer.dispose)
    recorder = await stack.enter_async_context(Recorder(writer, lambda _: None))
    recorder.emit(_accepted())
    await recorder.flush()
    return recorder


async def _storm_seconds(folder: Path, events: list[Event]) -> float:
    async with AsyncExitStack() as stack:
        recorder = await _open(folder, stack)

        def emit_all() -> None:
            for event in events:
                recorder.emit(event)

        started = perf_counter()
        await asyncio.to_thread(emit_all)
        await recorder.flush()
        return perf_counter() - started


async def _lone_seconds(folder: Path, events: list[Event]) -> float:
    async with AsyncExitStack() as stack:
        recorder = await _open(folder, stack)
        taken = []
        for event in events:
            started = perf_counter()
            recorder.emit(event)
            await recorder.flush()
            taken.append(perf_counter() - started)
        return median(taken)
