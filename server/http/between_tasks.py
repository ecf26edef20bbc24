"""Changing what tasks work with, while no task runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dagscope.server.http.answers import Refused
from dagscope.server.http.shapes import Error
from dagscope.server.workspace.workspace import Workspace


@asynccontextmanager
async def between_tasks(workspace: Workspace, error: str) -> AsyncIterator[None]:
    """No task runs, waits or begins inside of the block. Refuses with 409, and that `error`, while one does."""
    async with workspace.tasks.accepting:
        if not workspace.tasks.is_idle:
            details = f"task {workspace.tasks.active_ids[0]} is running; cancel it, or wait for its end"
            raise Refused(409, Error(error=error, details=details))
        yield
