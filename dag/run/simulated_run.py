"""How long a task would take if some of its assets took longer or shorter: the schedule of its workers, in numbers.

It follows the rule of `dagscope.dag.run.schedule`: an asset is ready once its upstreams are done, and a worker that is
free takes the first ready one in the order of the graph. Assets that are not executed pass on what they wait for.
"""

import heapq
from collections.abc import Mapping

from dagscope.dag.model.graph import Graph


def simulated_ms(graph: Graph, durations_ms: Mapping[str, int], workers: int) -> int:
    """When the last of the assets that have a duration is done, in ms from the start of the first one."""
    order = {name: place for place, name in enumerate(graph.order)}
    through = graph.descendants(durations_ms) | set(durations_ms)
    waiting = {name: len(through.intersection(graph.upstreams[name])) for name in through}
    ready = [(order[name], name) for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[int, int, str]] = []
    now = 0
    while ready or running:
        while ready and len(running) < workers:
            place, name = heapq.heappop(ready)
            heapq.heappush(running, (now + durations_ms[name], place, name))
        now, _, done = heapq.heappop(running)
        settled = [done]
        while settled:
            for downstream in graph.downstreams[settled.pop()]:
                waiting[downstream] -= 1
                if waiting[downstream]:
                    continue
                if downstream in durations_ms:
                    heapq.heappush(ready, (order[downstream], downstream))
                else:
                    settled.append(downstream)
    return now
