"""The workspace: one project and all that is open for it while a server, or a `dagscope run`, is running."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from os import cpu_count

import structlog

from dagscope.dag.events.events import Event, Logged
from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.problems import Problem
from dagscope.dag.process.messages import Begin
from dagscope.dag.project.project import Project
from dagscope.dag.run.runner import TaskOptions
from dagscope.server.workspace.end_of_work import EndOfWork
from dagscope.server.workspace.files_now import FilesNow, NotLoaded
from dagscope.server.workspace.frame_queries import FrameQueries
from dagscope.server.workspace.hub import Hub
from dagscope.server.workspace.listeners import Listener, Listeners, installed_listeners, show_fault
from dagscope.server.workspace.log_pages import LogPages
from dagscope.server.workspace.outlasting import Outlasting
from dagscope.server.workspace.previews import Previews
from dagscope.server.workspace.reads import Reads, TimeLimit
from dagscope.server.workspace.row_ledger import RowLedgers
from dagscope.server.workspace.run_process import RunProcess
from dagscope.server.workspace.runs import Runs, RunsHere
from dagscope.server.workspace.settings import Settings
from dagscope.server.workspace.stream_places import StreamPlaces
from dagscope.server.workspace.task_queue import TaskQueue
from dagscope.storage.database import open_readers, open_searcher, open_writer
from dagscope.storage.log_search import LogSearch
from dagscope.storage.migrations import migrate
from dagscope.storage.reader import Reader
from dagscope.storage.recorder import Recorder, RecorderFailed
from dagscope.storage.recovery import recover
from dagscope.storage.retention import prune
from dagscope.storage.state_folder import Owner, StateFolder

_log = structlog.get_logger("dagscope.workspace")


LOG_SEARCHES = 4  # at once


class AllReads:
    """The reads of databases for answers, each kind with its own places, so that no kind blocks another."""

    def __init__(self, limit: TimeLimit) -> None:
        self.data = Reads("data", 8, limit)
        """Rows of relations."""
        self.frames = Reads("frames", 4, limit)
        """Sorting, filtering and summarizing kept rows."""
        self.previews = Reads("previews", 4, limit)
        self.relations = Reads("relations", 4, limit)
        """Which relations exist, and of which kind."""
        self.connects = Reads("connects", 4, limit)
        """Opening databases."""
        self.logs = Reads("logs", LOG_SEARCHES, limit)
        """Searches of the log, in the state and not in a database of the project."""

    async def close(self) -> None:
        """End all of them, and start no more."""
        await asyncio.gather(*(reads.close() for reads in vars(self).values()))


_RECORDED_S = 5.0


@dataclass
class Workspace:
    """What handlers and commands work with. `project` is the newest valid one; a running task keeps its own."""

    project: Project
    settings: Settings
    owner: Owner
    hub: Hub
    recorder: Recorder
    reader: Reader
    frames: FrameFiles
    tasks: TaskQueue
    runs: Runs
    emit: Callable[[Event], None]
    log_pages: LogPages
    log_search: LogSearch
    reads: AllReads
    previews: Previews
    files: FilesNow
    frame_queries: FrameQueries
    row_ledgers: RowLedgers
    stream_places: StreamPlaces
    outlasting: Outlasting = field(default_factory=Outlasting)
    reloads: bool = False
    """Whether the project is loaded again when its files are saved."""

    @property
    def loaded_project(self) -> Project:
        """The project, to execute something of it. Raises `NotLoaded` while its files could not be loaded once."""
        if self.files.loaded_ms is None:
            raise NotLoaded(self.files.problems)
        return self.project

    def note_files(self, files: FilesNow, project: Project | None = None, announce: bool = True) -> None:
        """Use a project that was loaded, or none; the open streams are sent what changed."""
        self.files = files
        if project is not None:
            self.project = project
        if announce:
            self.hub.announce_project()

    async def wait_for(self, end: asyncio.Event | EndOfWork, deadline_s: float | None = None) -> None:
        """Wait until the end has come, at most as long as a POST waits. Then everything emitted so far is committed.

        `deadline_s`, in the event loop's time, is for a POST that has waited before.

        Raises `RecorderFailed`.
        """
        with suppress(TimeoutError):
            now_s = asyncio.get_running_loop().time()
            wait_s = self.settings.post_wait_ms / 1000 if deadline_s is None else deadline_s - now_s
            await asyncio.wait_for(end.wait(), max(0.0, wait_s))
        await self.recorder.flush()

    async def until_recorded(self) -> None:
        """Wait until what the newest task has left is recorded, or until that takes too long."""
        await asyncio.to_thread(self.runs.wait_for_records, _RECORDED_S)
        await self.recorder.flush()

    async def reset(self) -> bool:
        """Delete all tasks and their results; does nothing and returns False while a task runs or waits."""
        async with self.tasks.accepting:
            if not self.tasks.is_idle:
                return False
            await self.until_recorded()
            await self.recorder.clear()
            self.frames.delete_all_but(frozenset())
        self.hub.reset()
        return True


@asynccontextmanager
async def open_workspace(
    project: Project,
    settings: Settings,
    listeners: tuple[Listener, ...] = (),
    problems: tuple[Problem, ...] = (),
    run_process: RunProcess | None = None,
) -> AsyncIterator[Workspace]:
    """Open a project's state: take its lock, migrate it, close what a dead process left open.

    Events go to `listeners` and to the installed ones. With `problems`, the project's files could not be loaded.
    Tasks run in `run_process`, which is closed at the end, or here.
    Raises `StateInUse` or `StateUnusable`. At the end, running tasks are cancelled and recorded as such.
    """
    folder = StateFolder.of_project(project.folder)
    async with AsyncExitStack() as stack:
        owner, hub = stack.enter_context(folder.owned()), Hub()
        frames = FrameFiles(folder.frames, settings.frame_bytes, settings.frames_total_bytes)
        recorder, reader, log_search = await _open_database(folder, hub, frames, stack)
        files = FilesNow(None if problems else now_ms(), now_ms(), problems)
        await _prune_old_tasks(recorder, frames, settings, files, project)
        async with reader.moment() as moment:
            frames.delete_all_but(await moment.frames())
            instance_uuid = await moment.instance_uuid()
        emit = _fan_out(recorder, Listeners((*listeners, show_fault, *installed_listeners())), settings.store_logs)
        runs: Runs = run_process or RunsHere(frames)
        stack.push_async_callback(asyncio.to_thread, runs.close)
        project = runs.adopt(project)
        if run_process is not None:
            begin = Begin(
                str(folder.frames),
                settings.frame_bytes,
                settings.frames_total_bytes,
                settings.memory_bytes,
                settings.log_limits,
            )
            run_process.begin(begin, RunsHere(frames), emit)
        queue = TaskQueue(
            runs,
            recorder,
            reader,
            emit,
            instance_uuid,
            _task_options(project, settings),
            settings.waiting_tasks,
            between_tasks=lambda: _prune_old_tasks(recorder, frames, settings, workspace.files, workspace.project),
        )
        tasks = await stack.enter_async_context(queue)
        reads = AllReads(TimeLimit(settings.read_limit_s, "DAGSCOPE_READ_LIMIT_S"))
        frame_queries = FrameQueries(frames)
        stack.callback(frame_queries.close)
        workspace = Workspace(
            project,
            settings,
            owner,
            hub,
            recorder,
            reader,
            frames,
            tasks,
            runs,
            emit,
            LogPages(reader, lambda: recorder.changes),
            log_search,
            reads,
            Previews(reads.previews),
            files,
            frame_queries,
            RowLedgers(frames, frame_queries),
            StreamPlaces(settings.streams),
        )
        try:
            yield workspace
        finally:
            await reads.close()
            await tasks.cancel_all()
            await asyncio.to_thread(runs.wait_for_records, _RECORDED_S)


async def _open_database(
    folder: StateFolder, hub: Hub, frames: FrameFiles, stack: AsyncExitStack
) -> tuple[Recorder, Reader, LogSearch]:
    """Migrate the database, close what a dead process left open, and keep the database open as long as `stack`."""
    migrate(folder)
    writer, readers = open_writer(folder.database), open_readers(folder.database)
    searcher = open_searcher(folder.database, LOG_SEARCHES)
    stack.callback(writer.dispose)
    stack.callback(searcher.dispose)
    stack.push_async_callback(readers.dispose)
    recorder = await stack.enter_async_context(Recorder(writer, hub.publish, hub.announce_project, frames.sync))
    reader = Reader(readers)
    await recover(reader, recorder)
    return recorder, reader, LogSearch(searcher)


async def _prune_old_tasks(
    recorder: Recorder, frames: FrameFiles, settings: Settings, files: FilesNow, shown: Project
) -> None:
    if files.loaded_ms is None:  # which assets the DAG has, and so which tasks it shows, is not known
        return
    try:
        await prune(recorder, frames, settings.retention, shown.assets)
    except RecorderFailed as error:  # requests get it as their answer; no request waits for this
        _log.error("Old tasks were not pruned", error=str(error))


def _task_options(project: Project, settings: Settings) -> TaskOptions:
    workers = settings.max_workers or project.cores or cpu_count() or 1
    limits = settings.log_limits
    return TaskOptions(
        workers,
        settings.kept_violations,
        limits,
        settings.node_limit_s,
        settings.node_rows,
        settings.skips_after_failed_tests,
        settings.fingerprint_rows,
    )


def _fan_out(recorder: Recorder, listeners: Listeners, store_logs: bool) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        if store_logs or not isinstance(event, Logged):
            recorder.emit(event)
        listeners(event)

    return emit
