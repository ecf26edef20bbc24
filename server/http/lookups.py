"""Looking up the asset, data test or task that a request names. An unknown name is 404, with what exists instead."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from starlette.requests import Request

from dagscope.dag.ground.problems import did_you_mean
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.project.project import Project
from dagscope.server.http.answers import Refused
from dagscope.server.http.request_reading import asked_task_id, whole_number
from dagscope.server.http.shapes.about import Error
from dagscope.storage.reader import Moment
from dagscope.storage.tasks import KeptAttempt

_SHOWN_NAME = 100  # characters


@dataclass(frozen=True)
class Missing:
    """Something that a request names and that does not exist: the `error` of the 404; `details` say what does exist."""

    error: str
    details: str

    def as_error(self) -> Shape:
        return Error(error=self.error, details=self.details)


Answer = Callable[[Missing], Shape]
"""The body of a 404 in the shape of its endpoint."""


def asset_named(project: Project, name: str, answer: Answer = Missing.as_error) -> Asset:
    """The asset with that name. Refuses an unknown one with 404."""
    if name not in project.assets:
        raise Refused(404, answer(Missing("Asset not found in DAG", _near("asset", name, project.assets))))
    return project.assets[name]


def asset_or_gone(project: Project, name: str, asked: "AskedTask", answer: Answer = Missing.as_error) -> Asset | None:
    """The same; None for one that the DAG does not have now, but that the task which is asked for may have had."""
    if name not in project.assets and asked.task_id is not None:
        return None
    return asset_named(project, name, answer)


def data_test_named(project: Project, name: str, answer: Answer = Missing.as_error) -> DataTest:
    """The data test with that name. Refuses an unknown one with 404."""
    if name not in project.tests:
        raise Refused(404, answer(Missing("Test not found in DAG", _near("data test", name, project.tests))))
    return project.tests[name]


def _near(kind: str, name: str, known: Collection[str]) -> str:
    shown = name if len(name) <= _SHOWN_NAME else f"{name[:_SHOWN_NAME]}…"
    return f'there is no {kind} "{shown}"{did_you_mean(shown, known)}'


@dataclass(frozen=True)
class AskedTask:
    """The task that a query names as `taskId`, and its `attempt`: the newest if none is given."""

    task_id: str | None
    attempt: int | None

    @classmethod
    def of_query(cls, request: Request) -> "AskedTask":
        """Refuses an invalid task id or attempt with 400."""
        return cls(asked_task_id(request), whole_number(request, "attempt", least=1))

    async def find(self, moment: Moment, answer: Answer = Missing.as_error) -> KeptAttempt | None:
        """The attempt; None if the query names no task. Refuses an unknown task or attempt with 404."""
        if self.task_id is None:
            return None
        return await attempt_of(moment, self.task_id, self.attempt, answer)


async def attempt_of(
    moment: Moment, task_id: str, attempt: int | None, answer: Answer = Missing.as_error
) -> KeptAttempt:
    """A task's attempt, the newest if none is given. Refuses an unknown task or attempt with 404."""
    found = await moment.attempt(task_id, attempt)
    if found is not None:
        return found
    newest = await moment.attempt(task_id)
    if newest is None:
        details = "no task has this id; GET /api/dag/tasks lists all tasks"
    else:
        details = f"the task has no attempt {attempt}; its newest is {newest.newest_attempt}"
    raise Refused(404, answer(Missing("Task not found", details)))
