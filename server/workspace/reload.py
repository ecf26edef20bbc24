"""Loading the project again when its files are saved (`serve --reload`).

After a broken edit, the last valid graph stays; a running task finishes on the graph that it started with.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog
from watchfiles import Change, awatch

from dagscope.dag.ground.clock import now_ms
from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.ground.problems import Problem
from dagscope.dag.project.files_read import CONFIG, PROFILE
from dagscope.dag.project.loading import load_project
from dagscope.dag.project.project import Project
from dagscope.dag.project.project_files import is_ignored
from dagscope.server.workspace.files_now import FilesNow
from dagscope.server.workspace.workspace import Workspace

_SETTLE_MS = 100  # editors save in several steps
_AGAIN_S = 1
_REPORTED_PROBLEMS = 100  # each is a log entry
_log = structlog.get_logger("dagscope.reload")


async def reload_on_change(workspace: Workspace) -> None:
    """Watch the project's files until cancelled, whatever they contain and whatever happens to them."""
    workspace.reloads = True
    closing: set[asyncio.Task[None]] = set()  # the loop itself keeps only weak references
    while True:
        try:
            await _watch(workspace, closing)
        except Exception as error:  # noqa: BLE001  the folder was moved away, or cannot be watched now
            cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            _log.warning(
                "The project's files cannot be watched; trying again", error=f"{type(cause).__name__}: {cause}"
            )
        await asyncio.sleep(_AGAIN_S)


async def _watch(workspace: Workspace, closing: set[asyncio.Task[None]]) -> None:
    folder = workspace.project.folder
    changes = awatch(
        folder,
        watch_filter=_ProjectFiles(folder),
        debounce=_SETTLE_MS,
        step=20,
        rust_timeout=500,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    is_first = True
    async for changed in changes:
        if changed or is_first:  # the first result stands for what was saved before the watch started
            replaced = await reload(workspace, report=bool(changed))
            if replaced is not None:
                closing.add(task := asyncio.create_task(_close_unused(workspace, replaced)))
                task.add_done_callback(closing.discard)
        is_first = False
        if _holds_a_link(changed):
            return  # the next watch includes what it leads to


def _holds_a_link(changed: set[tuple[Change, str]]) -> bool:
    return any(Path(path).is_symlink() for _, path in changed)


class _ProjectFiles:
    """The files that a project is loaded from, but not those that runs leave beside them."""

    def __init__(self, folder: Path) -> None:
        self._files = {str(folder / CONFIG), str(folder / PROFILE)}
        self._assets = str(folder / "assets")

    def __call__(self, _: Change, path: str) -> bool:
        if path in self._files or path == self._assets:
            return True
        inside = path.removeprefix(self._assets + "/")
        return inside != path and not any(map(is_ignored, inside.split("/")))


async def reload(workspace: Workspace, report: bool = True) -> Project | None:
    """Load the project again: use it if it is valid, report what is wrong if it is not.

    Returns the replaced project, whose connections may no longer be needed; None if it stays.
    """
    read_ms = now_ms()
    try:
        before = await _load(workspace, report)
    except ProjectInvalid as error:
        _refuse(workspace, error.problems, read_ms)
        return None
    except Exception as error:  # noqa: BLE001  an internal fault of the loader must not end the watching
        reason = f"cannot be loaded: {type(error).__name__}: {error}"
        _refuse(workspace, (Problem(str(workspace.project.folder), 0, reason),), read_ms)
        return None
    if report:
        _log.info("Project reloaded", assets=len(workspace.project.assets), tests=len(workspace.project.tests))
    return before


async def reload_now(workspace: Workspace) -> None:
    """Use the project as its files are at this moment. Raises `ProjectInvalid`; the last valid one then stays."""
    before = await _load(workspace, report=True)
    closing = ("closing", id(before))
    await workspace.outlasting.within(closing, lambda: _close_unused(workspace, before), deadline_s=0)


async def _load(workspace: Workspace, report: bool) -> Project:
    """Load the project and use it; returns the replaced one. Raises `ProjectInvalid`."""
    read_ms = now_ms()
    project = await asyncio.to_thread(load_project, workspace.project.folder, workspace.settings.loading_limits)
    before, is_news = workspace.project, report or bool(workspace.files.problems)
    project = workspace.runs.adopt(project.with_open_connections_of(before))
    workspace.note_files(FilesNow(read_ms, read_ms), project, is_news)
    return before


def _refuse(workspace: Workspace, problems: tuple[Problem, ...], read_ms: int) -> None:
    loaded_ms = workspace.files.loaded_ms
    workspace.note_files(FilesNow(loaded_ms, read_ms, problems))
    what = "Reload failed: the last valid project stays" if loaded_ms else "The project cannot be loaded"
    for problem in problems[:_REPORTED_PROBLEMS]:
        _log.error(what, problem=str(problem))
    if len(problems) > _REPORTED_PROBLEMS:
        _log.error(f"{what.partition(':')[0]}: there are more problems", problems=len(problems))


async def _close_unused(workspace: Workspace, before: Project) -> None:
    """Close connections that the new project no longer has, once nothing runs on them."""
    await workspace.tasks.until_idle()
    in_use: Iterable[int] = {id(connection) for connection in workspace.project.connections.values()}
    for connection in before.connections.values():
        if id(connection) not in in_use:
            await asyncio.to_thread(connection.close)
