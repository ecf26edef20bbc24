"""Which asset of an attempt is next: workers take them here themselves, and no other thread has to wake up for it.

Assets are in lanes, each with workers of its own, so that those that wait for a cluster keep no others waiting.
"""

import heapq
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.model.graph import Graph


@dataclass(frozen=True, slots=True)
class Turn:
    """An asset whose upstreams are all done. With a reason to skip it, it is not executed."""

    asset: str
    reason_to_skip: str | None = None


SHARED = ""
"""The lane of all assets that have no other."""


@dataclass(slots=True)
class _Lane:
    """The assets that are ready, and what its workers wait for."""

    changed: threading.Condition
    ready: list[tuple[int, str]] = field(default_factory=list)


class Schedule:
    """The assets to execute. Each is ready once its upstreams are done; the first in order of a lane is its next.

    Safe from any thread. `lanes` are those of assets that are not in `SHARED`, by asset. `note_ready` is called with
    each asset when it becomes ready.
    """

    def __init__(
        self,
        graph: Graph,
        to_execute: frozenset[str],
        lanes: Mapping[str, str],
        cancellation: Cancellation,
        note_ready: Callable[[str], None],
    ) -> None:
        self.ended: Future[None] = Future()
        """Done once all assets are, or with the error that broke a worker."""
        self._graph, self._to_execute = graph, to_execute
        self._cancellation, self._note_ready = cancellation, note_ready
        self._order = {name: position for position, name in enumerate(graph.order)}
        self._lock = threading.Lock()
        self._lane_of = lanes
        self._lanes = {lane: _Lane(threading.Condition(self._lock)) for lane in {SHARED, *lanes.values()}}
        self._left = len(to_execute)
        self._holds = 0
        self._running: set[str] = set()
        self._abandoned: set[str] = set()
        self._culprits: dict[str, str] = {}  # the first failed asset of those that are upstream, or the asset itself
        self._waiting = self._all_waiting()
        for name, upstreams in self._waiting.items():
            if not upstreams:
                self._make_ready(name)
        if not to_execute:
            self.close()

    def _all_waiting(self) -> dict[str, set[str]]:
        """What each asset waits for. One that is not executed passes on its waiting, and is done with its upstreams."""
        through = self._graph.descendants(self._to_execute) | self._to_execute
        return {name: through.intersection(self._graph.upstreams[name]) for name in through}

    def take(self, lane: str) -> Turn | None:
        """The next asset of the lane; waits until there is one. None once all are done."""
        with self._lock:
            return self._next(lane)

    def take_after(self, done: str, failed: bool, lane: str) -> Turn | None:
        """The same for a worker whose asset is done. None, too, if that asset was abandoned: so was its worker."""
        with self._lock:
            if done in self._abandoned:
                self._abandoned.remove(done)
                return None
            self._running.discard(done)
            if failed:
                self._culprits[done] = done
            self._settle(done)
            return self._next(lane)

    def abandon(self) -> tuple[str, ...]:
        """Wait no longer for what is being executed. Returns it in order; `settle` each once its end is reported.

        From now on any worker takes what is left, of whatever lane: there may be no others.
        """
        with self._lock:
            stuck, self._running = self._running, set()
            self._abandoned |= stuck
            self._join_lanes()
            return self._in_order(stuck)

    def _join_lanes(self) -> None:
        lanes = self._lanes.values()
        joined = _Lane(threading.Condition(self._lock), sorted(each for lane in lanes for each in lane.ready))
        for lane in lanes:
            lane.changed.notify_all()
        self._lanes = dict.fromkeys(self._lanes, joined)

    def settle(self, abandoned: str) -> None:
        """An abandoned asset counts as done."""
        with self._lock:
            self._settle(abandoned)

    def left_behind(self) -> tuple[str, ...]:
        """The abandoned assets that are still being executed, in order."""
        with self._lock:
            return self._in_order(self._abandoned)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside the block, no thread is given another asset."""
        with self._lock:
            self._holds += 1
        try:
            yield
        finally:
            with self._lock:
                self._holds -= 1
                for lane in self._lanes.values():
                    lane.changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """Give out no more assets. The error is the one that broke a worker."""
        with self._lock:
            self._close(error)

    def _close(self, error: BaseException | None = None) -> None:
        if not self.ended.done():
            if error is None:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(error)
            for lane in self._lanes.values():
                lane.ready.clear()
                lane.changed.notify_all()

    def _next(self, lane: str) -> Turn | None:
        while not self._lanes[lane].ready or self._holds:
            if self.ended.done():
                return None
            self._lanes[lane].changed.wait()
        _, name = heapq.heappop(self._lanes[lane].ready)
        reason = self._reason_to_skip(name)
        if reason is None:
            self._running.add(name)
        return Turn(name, reason)

    def _reason_to_skip(self, name: str) -> str | None:
        if name in self._culprits:
            return f"skipped: upstream {self._culprits[name]} failed"
        return "skipped: cancelled" if self._cancellation.is_requested else None

    def _settle(self, name: str) -> None:
        if self.ended.done():
            return
        own = self._lane(name)
        self._left -= 1
        settled = [name]
        while settled:
            done = settled.pop()
            for downstream in self._graph.downstreams[done]:
                waiting = self._waiting[downstream]
                waiting.discard(done)
                if waiting:
                    continue
                self._blame(downstream)
                if downstream in self._to_execute:
                    self._make_ready(downstream)
                else:
                    settled.append(downstream)
        if not self._left:
            self._close()
            return
        for lane in self._lanes.values():
            lane.changed.notify(len(lane.ready) - (lane is own))  # the thread that settles it takes one itself

    def _blame(self, name: str) -> None:
        if self._culprits:
            found = [self._culprits[upstream] for upstream in self._graph.upstreams[name] if upstream in self._culprits]
            if found:
                self._culprits[name] = min(found, key=self._order.__getitem__)

    def _make_ready(self, name: str) -> None:
        self._note_ready(name)
        heapq.heappush(self._lane(name).ready, (self._order[name], name))

    def _lane(self, name: str) -> _Lane:
        return self._lanes[self._lane_of.get(name, SHARED)]

    def _in_order(self, names: set[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=self._order.__getitem__))
