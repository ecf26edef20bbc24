"""Loading the project again when its files are saved (`serve --reload`).

A broken edit keeps the last good graph; a running task finishes on the graph that it began with.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog
from watchfiles import Change, DefaultFilter, awatch

from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.project.files_read import CONFIG, PROFILE
from dagscope.dag.project.loading import load_project
from dagscope.dag.project.project import Project
from dagscope.server.workspace.workspace import Workspace

_SETTLE_MS = 100  # editors save in several steps
_log = structlog.get_logger("dagscope.reload")


async def reload_on_change(workspace: Workspace) -> None:
    """Watch the project's files until cancelled."""
    folder = workspace.project.folder
    changes = awatch(
        folder,
        watch_filter=_ProjectFiles(folder),
        debounce=_SETTLE_MS,
        step=20,
        rust_timeout=500,
        yield_on_timeout=True,
    )
    closing: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of its tasks
    is_first = True
    async for changed in changes:
        if changed or is_first:  # what was saved before the watch began is seen at its first sign of life
            replaced = await reload(workspace, tell=bool(changed))
            if replaced is not None:
                closing.add(task := asyncio.create_task(_close_unused(workspace, replaced)))
                task.add_done_callback(closing.discard)
        is_first = False


class _ProjectFiles(DefaultFilter):
    """The files that a project is loaded from, and not what runs leave beside them."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._files = {str(folder / CONFIG), str(folder / PROFILE)}
        self._assets = str(folder / "assets")

    def __call__(self, change: Change, path: str) -> bool:
        return (path in self._files or path.startswith(self._assets)) and super().__call__(change, path)


async def reload(workspace: Workspace, tell: bool = True) -> Project | None:
    """Load the project again: use it if it is good, report what is wrong if it is not.

    The project that it replaced, whose connections may have no user any more; None if that one stays.
    """
    try:
        project = await asyncio.to_thread(load_project, workspace.project.folder)
    except ProjectInvalid as error:
        workspace.problems = error.problems
        for problem in error.problems:
            _log.error("Reload failed: the last good project stays", problem=str(problem))
        return None
    before = workspace.project
    workspace.project = project.with_open_connections_of(before)
    workspace.problems = ()
    if tell:
        _log.info("Project reloaded", assets=len(project.assets), tests=len(project.tests))
    return before


async def _close_unused(workspace: Workspace, before: Project) -> None:
    """Let go of connections that the new project no longer has, once nothing runs on them."""
    await workspace.tasks.until_idle()
    in_use: Iterable[int] = {id(connection) for connection in workspace.project.connections.values()}
    for connection in before.connections.values():
        if id(connection) not in in_use:
            await asyncio.to_thread(connection.close)
