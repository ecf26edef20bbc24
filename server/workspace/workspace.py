"""The workspace: one project and all that is open for it while a server, or a `dagscope run`, is running."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from os import cpu_count

import structlog

from dagscope.dag.events.events import Event, Logged
from dagscope.dag.ground.problems import Problem
from dagscope.dag.project.project import Project
from dagscope.dag.run.runner import TaskOptions
from dagscope.server.workspace.hub import Hub
from dagscope.server.workspace.listeners import Listener, Listeners, installed_listeners
from dagscope.server.workspace.previews import Previews
from dagscope.server.workspace.settings import Settings
from dagscope.server.workspace.task_queue import TaskQueue
from dagscope.storage.database import open_readers, open_writer
from dagscope.storage.frame_files import FrameFiles
from dagscope.storage.migrations import migrate
from dagscope.storage.reader import Reader
from dagscope.storage.recorder import Recorder, RecorderFailed
from dagscope.storage.recovery import recover
from dagscope.storage.retention import prune
from dagscope.storage.state_folder import Owner, StateFolder

_log = structlog.get_logger("dagscope.workspace")


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
    emit: Callable[[Event], None]
    previews: Previews
    problems: tuple[Problem, ...] = ()
    """What is wrong with the files on disk, while they cannot be loaded."""

    async def wait_for(self, event: asyncio.Event) -> None:
        """Wait until the event is set, at most as long as a POST waits. Then everything emitted so far is committed.

        Raises `RecorderFailed`.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), self.settings.post_wait_ms / 1000)
        await self.recorder.flush()

    async def reset(self) -> bool:
        """Delete all tasks and their results; does nothing and returns False while a task runs or waits."""
        async with self.tasks.accepting:
            if not self.tasks.is_idle:
                return False
            await self.recorder.clear()
            self.frames.delete_all_but(frozenset())
        self.hub.reset()
        return True


@asynccontextmanager
async def open_workspace(
    project: Project, settings: Settings, listeners: tuple[Listener, ...] = ()
) -> AsyncIterator[Workspace]:
    """Open a project's state: take its lock, migrate it, close what a dead process left open.

    Events go to `listeners` and to the installed ones.
    Raises `StateInUse` or `StateUnusable`. At the end, running tasks are cancelled and recorded as such.
    """
    folder = StateFolder.of_project(project.folder)
    async with AsyncExitStack() as stack:
        owner = stack.enter_context(folder.owned())
        migrate(folder)
        writer, readers = open_writer(folder.database), open_readers(folder.database)
        stack.callback(writer.dispose)
        stack.push_async_callback(readers.dispose)
        hub, reader, frames = Hub(), Reader(readers), FrameFiles(folder.frames)
        recorder = await stack.enter_async_context(Recorder(writer, hub.publish))
        await recover(reader, recorder)

        async def prune_old_tasks() -> None:
            try:
                await prune(recorder, frames, settings.retention)
            except RecorderFailed as error:  # a request would report it; here there is none
                _log.error("Old tasks were not pruned", error=str(error))

        await prune_old_tasks()
        async with reader.moment() as moment:
            frames.delete_all_but(await moment.frames())
        heard = Listeners((*listeners, *installed_listeners()))
        emit = _fan_out(recorder, heard, settings.store_logs)
        async with reader.moment() as moment:
            instance_uuid = await moment.instance_uuid()
        workers = settings.max_workers or project.cores or cpu_count() or 1
        options = TaskOptions(max_workers=workers, kept_violations=settings.kept_violations)
        queue = TaskQueue(frames, recorder, reader, emit, instance_uuid, options, prune_old_tasks)
        tasks = await stack.enter_async_context(queue)
        workspace = Workspace(project, settings, owner, hub, recorder, reader, frames, tasks, emit, Previews())
        try:
            yield workspace
        finally:
            await workspace.previews.close()
            await tasks.cancel_all()
            for connection in workspace.project.connections.values():
                connection.close()


def _fan_out(recorder: Recorder, listeners: Listeners, store_logs: bool) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        if store_logs or not isinstance(event, Logged):
            recorder.emit(event)
        listeners(event)

    return emit
