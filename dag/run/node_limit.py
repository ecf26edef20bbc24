"""How long a node may take."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError

_INTERRUPT_AGAIN_S = 0.05  # a statement may start just as the interrupt passes


class NodeLimitReached(DagscopeError):
    """A node took longer than it may."""


@dataclass(frozen=True)
class NodeLimit:
    """The limit of one attempt's nodes, None for no limit; `task` is the cancellation of the whole attempt."""

    seconds: float | None
    task: Cancellation

    @contextmanager
    def watched(self) -> Iterator[Cancellation]:
        """Inside the block, the cancellation of one node: requested with that of its task, or when its time is up.

        Raises `NodeLimitReached` in place of the error that the interrupted work raises.
        """
        if self.seconds is None:
            yield self.task
            return
        node, ended = Cancellation(), threading.Event()
        watching = threading.Thread(target=_interrupt, args=(node, ended, self.seconds), name="node limit", daemon=True)
        try:
            with self.task.interrupting(node.request):
                watching.start()
                yield node
        except BaseException as error:
            if node.is_requested and not self.task.is_requested:
                raise NodeLimitReached(
                    f"it took longer than {self.seconds:g} s, the limit that DAGSCOPE_NODE_LIMIT_S sets"
                ) from error
            raise
        finally:
            ended.set()


def _interrupt(node: Cancellation, ended: threading.Event, seconds: float) -> None:
    if not ended.wait(seconds):
        node.request()
        while not ended.wait(_INTERRUPT_AGAIN_S):
            node.request()
