"""The client of a request while its answer is being made: how long it waits, and whether it has gone away."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from dagscope.server.workspace.reads import Gone, TimeLimit
from dagscope.server.workspace.task_queue import ActiveTask
from dagscope.server.workspace.workspace import Workspace

_ACCEPT_AGAIN_S = 0.05  # accepting a task takes no setting's time


def until_gone(request: Request) -> Gone:
    """Waits until the client has gone away; the body must have been read, or not be wanted."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return gone


@dataclass(frozen=True)
class Waiting:
    """A POST that waits for what it began; `deadline_s` is in the event loop's time."""

    workspace: Workspace
    gone: Gone
    deadline_s: float

    @classmethod
    def of(cls, request: Request, least_s: float = 0.0) -> "Waiting":
        """From now on, for as long as a POST waits, and at least `least_s`."""
        workspace: Workspace = request.app.state.workspace
        wait_s = max(workspace.settings.post_wait_ms / 1000, least_s)
        return cls(workspace, until_gone(request), asyncio.get_running_loop().time() + wait_s)

    @property
    def limit(self) -> TimeLimit:
        """What is left of it, for a read that the answer needs; at least a second."""
        left_s = self.deadline_s - asyncio.get_running_loop().time()
        return TimeLimit(max(1.0, round(left_s, 1)), "DAGSCOPE_POST_WAIT_MS")

    async def begun(
        self, task_id: str, key: Hashable, begin: Callable[[], Coroutine[Any, Any, ActiveTask]]
    ) -> ActiveTask | None:
        """The task that executes what is asked for; None if that begins later, after what its task does now.

        The task is there in either case: what is answered then survives the end of the server.
        """
        deadline_s = self.deadline_s
        while (beginning := await self.workspace.outlasting.within(key, begin, deadline_s)) is None:
            if self.workspace.tasks.is_active(task_id):
                await self.workspace.recorder.flush()
                return None
            deadline_s = asyncio.get_running_loop().time() + _ACCEPT_AGAIN_S
        active: ActiveTask = beginning.result()
        return active
