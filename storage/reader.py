"""Reading the state: one transaction, and so one moment, for everything in one answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CancelScope
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import col

from dagscope.dag.ground.errors import DagscopeError
from dagscope.storage import tables
from dagscope.storage.assets_now import AssetsNow
from dagscope.storage.data_test_runs import DataTestRuns
from dagscope.storage.kept_data_tests import KeptDataTests
from dagscope.storage.log import Log
from dagscope.storage.node_records import NodeRecords
from dagscope.storage.runs import Runs
from dagscope.storage.shown_tasks import ShownTasks
from dagscope.storage.statements import Statements
from dagscope.storage.task_history import TaskHistory


class StateUnreadable(DagscopeError):
    """The state cannot be read."""


class Reader:
    """Opens moments of the state. Read-only."""

    def __init__(self, readers: AsyncEngine) -> None:
        self._readers = readers

    @asynccontextmanager
    async def moment(self) -> AsyncIterator["Moment"]:
        """The state at this moment. Raises `StateUnreadable`, also inside the block."""
        # A stream whose client disconnects is cancelled wherever it is: in a read, that would lose the connection.
        with CancelScope(shield=True):
            try:
                async with self._readers.begin() as connection:
                    yield Moment(connection)
            except SQLAlchemyError as error:
                raise StateUnreadable(f"the state cannot be read: {getattr(error, 'orig', None) or error}") from error


class Moment(ShownTasks, AssetsNow, Log):
    """The state at one moment: all that is read from it is consistent."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.runs = Runs(connection)
        """Tasks as runs."""
        self.data_tests = KeptDataTests(connection)
        """Data tests with their rows."""
        self.data_test_runs = DataTestRuns(connection)
        """Data tests over tasks."""
        self.statements = Statements(connection)
        """The statements that were sent to databases."""
        self.history = TaskHistory(connection)
        """The newest tasks side by side."""
        self.records = NodeRecords(connection)
        """What executions of assets have left."""

    async def instance_uuid(self) -> str:
        """Identifies this state among others."""
        return str((await self.rows(select(col(tables.State.instance_uuid))))[0][0])
