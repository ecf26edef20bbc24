"""Sending statements through a driver: records each one, and turns errors and interrupts into dagscope's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from dagscope.dag.events.statements import SentStatement, StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError

NOTHING_COMMITTED = (
    "nothing was committed: an earlier statement of the transaction failed, so all of it was rolled back; let that "
    "error fail the asset, or start a new transaction after ROLLBACK"
)


@dataclass(frozen=True)
class Driver:
    """One connection of an engine's library, and how to read its exceptions."""

    errors: tuple[type[Exception], ...]
    """All exceptions that it raises on purpose."""

    send: Callable[[str], object]
    """Sends a statement and ignores its rows."""

    interrupt: Callable[[], None]
    """Stops the running statement, from any thread."""

    failure: Callable[[Exception], DagscopeError]
    """The exception that dagscope raises instead of one of `errors`."""

    text: Callable[[Exception], str]
    """The database's own message."""

    offset: Callable[[str, Exception], int | None]
    """The offset in the statement that the error names, from 0."""


class Sending:
    """Sends the statements of one session; `connection` is the name that they are recorded under."""

    def __init__(self, connection: str, driver: Driver, cancellation: Cancellation, log: StatementLog) -> None:
        self._connection, self._driver, self._cancellation, self._log = connection, driver, cancellation, log

    @contextmanager
    def running(self) -> Iterator[None]:
        """Turns the driver's errors into dagscope's, and an interrupt into a cancellation."""
        try:
            with self._cancellation.interrupting(self._driver.interrupt):
                yield
        except self._driver.errors as error:
            if self._cancellation.is_requested:
                raise Cancelled from error
            raise self._driver.failure(error) from error

    @contextmanager
    def statement(self, sql: str) -> Iterator[SentStatement]:
        """The same for a statement that is sent inside the block, and recorded."""
        with self.running(), self.noting(sql) as sent:
            yield sent

    @contextmanager
    def noting(self, sql: str) -> Iterator[SentStatement]:
        """Record a statement that is sent inside the block; the driver's errors pass through."""
        sent = self._log.sent(self._connection, sql)
        with self.working_on(sent, sql):
            yield sent

    @contextmanager
    def working_on(self, sent: SentStatement, sql: str) -> Iterator[None]:
        """Record the time, and any error, of a statement that the database works on inside the block."""
        try:
            yield
        except self._driver.errors as error:
            sent.failed(self._driver.text(error), sql, self._driver.offset(sql, error))
            raise
        finally:
            sent.paused()

    @contextmanager
    def transaction(self, begin: str) -> Iterator[None]:
        """All statements inside the block take effect together, or not at all."""
        self._send(begin)
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self._send("COMMIT")

    @contextmanager
    def undone(self, begin: str) -> Iterator[None]:
        """The effects of all statements inside are undone at the end of the block."""
        self._send(begin)
        try:
            yield
        finally:
            self._roll_back()

    def _send(self, sql: str) -> None:
        with self.statement(sql):
            self._driver.send(sql)

    def _roll_back(self) -> None:
        """Also runs after a cancellation. Its own errors are ignored: the earlier one is the one to report."""
        with suppress(*self._driver.errors), self.noting("ROLLBACK"):
            self._driver.send("ROLLBACK")
