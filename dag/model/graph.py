"""A directed acyclic graph of names. Pure: no I/O, and ties are broken by name so that every order is stable."""

import heapq
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Graph:
    """Names and their direct upstreams; every upstream is itself a key.

    >>> graph = Graph({"a": (), "b": ("a",)})
    >>> graph.order
    ('a', 'b')
    """

    upstreams: Mapping[str, tuple[str, ...]]

    @cached_property
    def downstreams(self) -> dict[str, tuple[str, ...]]:
        """Direct downstreams of each name, sorted."""
        found: dict[str, list[str]] = {name: [] for name in self.upstreams}
        for name, upstreams in self.upstreams.items():
            for upstream in upstreams:
                found[upstream].append(name)
        return {name: tuple(sorted(names)) for name, names in found.items()}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All names, upstreams first, ties by name. Raises `ValueError` for a graph with a cycle."""
        waiting = {name: len(set(upstreams)) for name, upstreams in self.upstreams.items()}
        ready = [name for name, count in waiting.items() if count == 0]
        heapq.heapify(ready)
        ordered = []
        while ready:
            name = heapq.heappop(ready)
            ordered.append(name)
            for downstream in self.downstreams[name]:
                waiting[downstream] -= 1
                if waiting[downstream] == 0:
                    heapq.heappush(ready, downstream)
        if len(ordered) < len(self.upstreams):
            raise ValueError("the graph has a cycle: " + " -> ".join(self.cycle() or ()))
        return tuple(ordered)

    def cycle(self) -> tuple[str, ...] | None:
        """One cycle as a path from upstream to downstream that ends where it starts, or None."""
        settled: set[str] = set()
        for start in sorted(self.upstreams):
            path: list[str] = []
            on_path: set[str] = set()
            steps = [(start, False)]
            while steps:
                name, leaving = steps.pop()
                if leaving:
                    on_path.discard(path.pop())
                    settled.add(name)
                elif name in on_path:
                    return tuple(reversed([*path[path.index(name) :], name]))
                elif name not in settled:
                    path.append(name)
                    on_path.add(name)
                    steps.append((name, True))
                    steps.extend((upstream, False) for upstream in sorted(self.upstreams[name], reverse=True))
        return None

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Every direct and indirect upstream of the names, without those names that are no upstream of another."""
        return self._reach(names, self.upstreams)

    def descendants(self, names: Iterable[str]) -> set[str]:
        """Every direct and indirect downstream of the names."""
        return self._reach(names, self.downstreams)

    def below(self, name: str) -> Container[str]:
        """The descendants of one name, computed only when membership is tested."""
        return _Below(self, name)

    @staticmethod
    def _reach(names: Iterable[str], neighbours: Mapping[str, tuple[str, ...]]) -> set[str]:
        found: set[str] = set()
        ahead = [other for name in names for other in neighbours[name]]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                ahead.extend(neighbours[name])
        return found


@dataclass(frozen=True)
class _Below(Container[str]):
    graph: Graph
    name: str

    def __contains__(self, other: object) -> bool:
        return other in self.graph.descendants([self.name])
