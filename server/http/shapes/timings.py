"""Why a task took as long as it did."""

from dagscope.dag.ground.shapes import Shape


class PathNode(Shape):
    """An asset of the critical path, and how long it waited for a worker, was executed and was tested, in ms."""

    asset_name: str
    queued_ms: int
    executing_ms: int
    testing_ms: int


class WhatIf(Shape):
    """How long the task would take if the asset took `would_take_ms` instead of `took_ms`."""

    asset_name: str
    took_ms: int
    would_take_ms: int
    task_ms: int
    saved_ms: int


class TaskTimings(Shape):
    """`GET /api/dag/timings/:taskId`, in ms. `what_if` is the asset first whose change saves the most.

    `assets_ms` is the time from the first asset's start to the last one's end, `other_ms` what came after: the tests
    that belong to no asset. `simulated_ms` is what the simulation says for `assets_ms` without a change.
    """

    task_id: str
    attempt: int
    duration_ms: int
    assets_ms: int
    other_ms: int
    simulated_ms: int
    workers: int
    enough_workers_ms: int
    percent: int
    critical_path: tuple[PathNode, ...]
    what_if: tuple[WhatIf, ...]
