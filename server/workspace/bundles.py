"""Bundles of a workspace's tasks: which tasks, and what of the project goes with them (docs/bundles.md)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.json_text import json_text
from dagscope.dag.project.files_read import CONFIG
from dagscope.dag.project.project import Project
from dagscope.dag.redaction.redaction import Redaction
from dagscope.server.workspace.readme import read_readme
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage import tables
from dagscope.storage.bundle_file import Written
from dagscope.storage.bundled_rows import Change, Row
from dagscope.storage.bundles import Bundled, bundling
from dagscope.storage.reader import Moment
from dagscope.storage.state_folder import StateFolder

MOST_TASKS = 500


class NotBundled(DagscopeError):
    """A bundle cannot be made of these tasks; `is_missing` if there is no such task."""

    def __init__(self, reason: str, is_missing: bool = True) -> None:
        self.is_missing = is_missing
        super().__init__(reason)

    @property
    def title(self) -> str:
        return "Task not found" if self.is_missing else "The task has not ended"


@dataclass(frozen=True)
class Asked:
    """What is to be bundled: these tasks or, if there are none, the `newest`. Each with what it is compared with."""

    tasks: tuple[str, ...] = ()
    newest: int = 1
    has_rows: bool = True


async def chosen_tasks(workspace: Workspace, asked: Asked) -> tuple[str, ...]:
    """The tasks of a bundle. Raises `NotBundled` if there is none, or if one has not ended."""
    await workspace.until_recorded()
    async with workspace.reader.moment() as moment:
        tasks = asked.tasks or tuple(task.task_id for task in (await moment.tasks(limit=asked.newest)).tasks)
        if not tasks:
            raise NotBundled("no task was run yet")
        chosen: dict[str, None] = {}
        for task_id in tasks:
            chosen |= dict.fromkeys(await _with_compared(moment, task_id))
    return tuple(chosen)


async def _with_compared(moment: Moment, task_id: str) -> tuple[str, ...]:
    task = await moment.attempt(task_id)
    if task is None:
        raise NotBundled(f"no task has the id {task_id}; GET /api/dag/tasks lists all tasks")
    if not task.summary.status.is_ended:
        raise NotBundled(f"{task_id} is still running; bundle it when it has ended", is_missing=False)
    known = task.summary.task_id  # a uuid may have been given
    before = await moment.records.last_green(known, task.attempt)
    return (known,) if before is None else (known, before)


def bundling_of(workspace: Workspace, tasks: tuple[str, ...], has_rows: bool, file: Written) -> Iterator[str]:
    """Write the bundle of these tasks to a file, as `bundling` does."""
    project, state = workspace.project, StateFolder.of_project(workspace.project.folder)
    bundled = Bundled(project.name, tasks, has_rows, _files(project), {"attempt": _without_secrets(project.redaction)})
    return bundling(file, state, workspace.frames, bundled)


def _files(project: Project) -> dict[str, str]:
    """The project's files without secrets. Of its connections, only the names and the types."""
    files = {path: project.redaction.text(text) for path, text in project.files.items()}
    readme = read_readme(project.folder)
    if readme is not None:
        files[readme[0]] = project.redaction.text(readme[1].decode("utf-8-sig", "replace"))
    connections = [{"name": name, "type": each.engine} for name, each in project.connections.items()]
    config = {"module": project.module, "cores": project.cores or 0, "connections": connections}
    return files | {CONFIG: json.dumps(config, indent=1)}  # JSON is YAML


def _without_secrets(redaction: Redaction) -> Change:
    """Hides secrets in what tasks were given. All other texts were stored without them."""
    place = list(tables.Attempt.model_fields).index("data")

    def change(row: Row) -> Row:
        data = json.loads(row[place])
        shown = redaction.value(data)
        return row if shown == data else (*row[:place], json_text(shown), *row[place + 1 :])

    return change
