"""Sending statements through a driver: each is noted, and errors and interrupts come out as dagscope's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from dagscope.dag.events.statements import SentStatement, StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled, DagscopeError

NOTHING_COMMITTED = (
    "nothing was committed: an earlier statement of the transaction failed, so all of it was rolled back; let that "
    "error fail the asset, or begin again after ROLLBACK"
)


@dataclass(frozen=True)
class Driver:
    """One connection of an engine's library, and how to read what the library raises."""

    errors: tuple[type[Exception], ...]
    """All that it raises on purpose."""

    send: Callable[[str], object]
    """Sends a statement whose rows nobody wants."""

    interrupt: Callable[[], None]
    """Stops the statement that runs now, from any thread."""

    failure: Callable[[Exception], DagscopeError]
    """What dagscope raises instead of one of `errors`."""

    text: Callable[[Exception], str]
    """The database's own words."""

    offset: Callable[[str, Exception], int | None]
    """The place in the statement that the error names, from 0."""


class Sending:
    """How one session sends statements; `connection` is the name that they are noted under."""

    def __init__(self, connection: str, driver: Driver, cancellation: Cancellation, log: StatementLog) -> None:
        self._connection, self._driver, self._cancellation, self._log = connection, driver, cancellation, log

    @contextmanager
    def running(self) -> Iterator[None]:
        """The driver's errors as dagscope's, and an interrupt as a cancellation."""
        try:
            with self._cancellation.interrupting(self._driver.interrupt):
                yield
        except self._driver.errors as error:
            if self._cancellation.is_requested:
                raise Cancelled from error
            raise self._driver.failure(error) from error

    @contextmanager
    def statement(self, sql: str) -> Iterator[SentStatement]:
        """The same for a statement that is sent now, and noted."""
        with self.running(), self.noting(sql) as sent:
            yield sent

    @contextmanager
    def noting(self, sql: str) -> Iterator[SentStatement]:
        """Note a statement that is sent now; the driver's errors pass."""
        sent = self._log.sent(self._connection, sql)
        with self.working_on(sent, sql):
            yield sent

    @contextmanager
    def working_on(self, sent: SentStatement, sql: str) -> Iterator[None]:
        """Note the time, and the error, of a statement that the database works on inside."""
        try:
            yield
        except self._driver.errors as error:
            sent.failed(self._driver.text(error), sql, self._driver.offset(sql, error))
            raise
        finally:
            sent.paused()

    @contextmanager
    def transaction(self, begin: str) -> Iterator[None]:
        """All statements inside take effect together, or none does."""
        self._send(begin)
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self._send("COMMIT")

    @contextmanager
    def undone(self, begin: str) -> Iterator[None]:
        """No statement inside takes effect for longer than the block."""
        self._send(begin)
        try:
            yield
        finally:
            self._roll_back()

    def _send(self, sql: str) -> None:
        with self.statement(sql):
            self._driver.send(sql)

    def _roll_back(self) -> None:
        """Whether the task was cancelled or not. What went wrong before is the error to report."""
        with suppress(*self._driver.errors), self.noting("ROLLBACK"):
            self._driver.send("ROLLBACK")
