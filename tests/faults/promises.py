"""The promises, each with the figures of `make faults` and the short ones of `make test`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults import disk, kills, lifecycle, load, readers, streams
from tests.faults.outcome import Outcome


@dataclass(frozen=True)
class Promise:
    """A test of a promise: called with an empty folder, a seeded `random.Random`, and one of the two scales."""

    test: Callable[..., Awaitable[Outcome]]
    full: Mapping[str, Any]
    short: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.test.__name__


PROMISES = (
    Promise(kills.kill_running_tasks, {"kills": 200}, {"kills": 5}),
    Promise(
        kills.kill_recoveries,
        {"kills": 50, "waiting": 900, "running": 8},
        {"kills": 2, "waiting": 60, "running": 20},
    ),
    Promise(streams.cut_streams, {"cuts": 500, "restarts": 20}, {"cuts": 20, "restarts": 1}),
    Promise(
        streams.join_anywhere,
        {"clients": 50, "per_second": 1_000, "seconds": 10},
        {"clients": 10, "per_second": 1_000, "seconds": 2},
    ),
    Promise(streams.bad_positions, {"others": 200}, {"others": 5}),
    Promise(
        readers.stalled_readers,
        {"clients": 50, "lines": 40_000, "stalled_s": 20},
        {"clients": 10, "lines": 6_000, "stalled_s": 1},
    ),
    Promise(readers.abrupt_disconnects, {"disconnects": 1_000, "at_once": 50}, {"disconnects": 100, "at_once": 20}),
    Promise(disk.failing_writes, {"upto": 50, "shots": 50}, {"upto": 50, "shots": 2}),
    Promise(disk.failing_starts, {"upto": 40, "shots": 40}, {"upto": 40, "shots": 1}),
    Promise(disk.full_disk, {"sizes": 10}, {"sizes": 1}),
    Promise(disk.flipped_bytes, {"frames": 100}, {"frames": 10}),
    Promise(
        load.many_clients,
        {"clients": 50, "requests": 2_000, "assets": 200},
        {"clients": 8, "requests": 25, "assets": 50},
    ),
    Promise(lifecycle.terminate, {"rounds": 10, "streams": 20}, {"rounds": 1, "streams": 20}),
    Promise(lifecycle.one_owner, {"rounds": 10}, {"rounds": 1}),
    Promise(lifecycle.unusable_states, {"damages": 110}, {"damages": 3}),
    Promise(lifecycle.killed_first_starts, {"kills": 40}, {"kills": 2}),
)
