"""Changing what tasks work with, while no task runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dagscope.server.http.answers import Refused
from dagscope.server.http.shapes.about import Error
from dagscope.server.workspace.workspace import Workspace


@asynccontextmanager
async def between_tasks(workspace: Workspace, error: str) -> AsyncIterator[None]:
    """No task runs, waits or starts inside the block. Refuses with 409 and that `error` if one is active."""
    async with workspace.tasks.accepting:
        if not workspace.tasks.is_idle:
            details = f"task {workspace.tasks.active_ids[0]} is running; cancel it, or wait until it has ended"
            raise Refused(409, Error(error=error, details=details))
        yield
