"""The recorder: what it commits, in what order, and what it publishes."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from dagscope.dag.events.events import Event, Logged, NodeChanged, NodeFacts, TaskAccepted
from dagscope.dag.events.status import LogEntry, NodeState, NodeStatus, TaskStatus, TaskSummary
from dagscope.storage.database import open_readers, open_writer
from dagscope.storage.migrations import migrate
from dagscope.storage.projection import Recorded
from dagscope.storage.reader import Reader
from dagscope.storage.recorder import Recorder
from dagscope.storage.state_folder import StateFolder

pytestmark = pytest.mark.anyio


def entry(number: int, task_id: str = "t") -> Event:
    log = LogEntry(level="info", time="2026-01-01T00:00:00.000Z", message=f"entry {number}", task_id=task_id)
    return Logged(task_id, 1, log)


class Opened:
    """A recorder and a reader over a fresh state, and what was published."""

    def __init__(self, recorder: Recorder, reader: Reader, published: list[Recorded]) -> None:
        self.recorder, self.reader, self.published = recorder, reader, published

    async def entries(self, task_id: str = "t") -> list[str]:
        async with self.reader.moment() as moment:
            return list((await moment.log_entries(task_id)).entries)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[Opened]:
    folder = StateFolder(tmp_path / ".dagscope")
    folder.create()
    migrate(folder)
    writer, readers = open_writer(folder.database), open_readers(folder.database)
    published: list[Recorded] = []

    def publish(recorded: Sequence[Recorded]) -> None:
        published.extend(recorded)

    async with Recorder(writer, publish) as recorder:
        yield Opened(recorder, Reader(readers), published)
    writer.dispose()
    await readers.dispose()


async def test_order_and_positions(state: Opened) -> None:
    """Entries get consecutive positions in the order in which they were emitted, and are published in that order."""
    first = state.recorder.last_position
    for number in range(5_000):
        state.recorder.emit(entry(number))
    await state.recorder.flush()
    assert [recorded.position - first for recorded in state.published] == list(range(1, 5_001))
    assert [recorded.data for recorded in state.published] == await state.entries()


async def test_published_after_the_commit(state: Opened) -> None:
    """Published entries can already be read by others."""
    state.recorder.emit(entry(1))
    while not state.published:
        await asyncio.sleep(0)
    assert len(await state.entries()) == 1


async def test_many_threads(state: Opened) -> None:
    """Threads wait while the queue is full; each thread's entries stay in order, and no entry is lost."""

    def emit(thread: int) -> None:
        for number in range(10_000):
            state.recorder.emit(entry(number, task_id=str(thread)))

    threads = [threading.Thread(target=emit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    await state.recorder.flush()
    for number in range(4):
        found = [recorded.data for recorded in state.published if recorded.task_id == str(number)]
        assert found == [entry(count, str(number)).payload() for count in range(10_000)]


async def test_clearing_keeps_positions_going(state: Opened) -> None:
    """After a clear nothing is left, and new positions are above all earlier ones."""
    state.recorder.emit(entry(1))
    await state.recorder.clear()
    before = state.recorder.last_position
    state.recorder.emit(entry(2))
    await state.recorder.flush()
    assert await state.entries() == [entry(2).payload()]
    assert state.published[-1].position == before + 1


async def test_event_that_cannot_be_stored(state: Opened) -> None:
    """An event that cannot be stored is replaced by one that says so; what came before and after it is kept."""
    for event in (entry(1), entry(2, "\ud800"), entry(3)):
        state.recorder.emit(event)
    await state.recorder.flush()
    assert [json.loads(text)["message"] for text in await state.entries()] == ["entry 1", "entry 3"]
    (instead,) = await state.entries("?")
    assert json.loads(instead)["message"].startswith("a log entry could not be stored: UnicodeEncodeError: ")


async def test_node_that_cannot_be_stored(state: Opened) -> None:
    """A node with a value that cannot be stored is FAILED in the state, and says why."""
    node = NodeStatus(name="Executing s.a", asset_name="s.a", order=1)
    summary = TaskSummary.of_nodes("t", TaskStatus.IN_PROGRESS, [node], 0)
    state.recorder.emit(TaskAccepted("t", 1, summary, "uuid", {}, ((node, NodeFacts()),)))
    state.recorder.emit(NodeChanged("t", 1, node.changed(state=NodeState.SUCCESS, execution_time_ms=2**70)))
    await state.recorder.flush()
    stored = json.loads(state.published[-1].data)
    reason = "OverflowError: Python int too large to convert to SQLite INTEGER"
    assert (stored["state"], stored["message"]) == ("FAILED", f"could not be stored: {reason}")


async def test_event_of_no_task(state: Opened) -> None:
    """An event of a task that does not exist becomes an entry that says so; the recorder continues."""
    state.recorder.emit(NodeChanged("gone", 1, NodeStatus(name="Executing s.a", asset_name="s.a", order=1)))
    state.recorder.emit(entry(1))
    await state.recorder.flush()
    (instead,) = await state.entries("gone")
    reason = "IntegrityError: FOREIGN KEY constraint failed"
    assert json.loads(instead)["message"] == f"the state of a node could not be stored: {reason}"
    assert len(await state.entries()) == 1
