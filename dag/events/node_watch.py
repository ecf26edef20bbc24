"""How a node spends its time: waiting, queued, executing, testing."""

from dagscope.dag.events.status import NodeTimings
from dagscope.dag.ground.clock import Stopwatch


class NodeWatch(Stopwatch):
    """Runs from a node's start. `ready_ms` and `started_ms` count from the start of the attempt."""

    def __init__(self, ready_ms: int, started_ms: int) -> None:
        super().__init__()
        self._waiting_ms, self._queued_ms = ready_ms, started_ms - ready_ms
        self._executing_ms: int | None = None

    def begin_tests(self) -> NodeTimings:
        """The asset is materialized; testing starts."""
        self._executing_ms = self.elapsed_ms
        return self.timings(self._executing_ms)

    def timings(self, elapsed_ms: int) -> NodeTimings:
        """The parts of this elapsed time."""
        executing_ms = elapsed_ms if self._executing_ms is None else self._executing_ms
        return NodeTimings(
            waiting_ms=self._waiting_ms,
            queued_ms=self._queued_ms,
            executing_ms=executing_ms,
            testing_ms=elapsed_ms - executing_ms,
        )
