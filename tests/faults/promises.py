"""The promises, each with its test, its scale in `make faults`, and its short scale in `make test`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults import disk, hostile, kills, lifecycle, load, readers, senders, soak, streams
from tests.faults.outcome import Outcome


@dataclass(frozen=True)
class Promise:
    """What must hold, and its test, which takes an empty folder, a seeded `random.Random` and the scale."""

    says: str
    test: Callable[..., Awaitable[Outcome]]
    full: Mapping[str, Any]
    short: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.test.__name__


PROMISES = (
    Promise(
        "What clients saw before a `kill -9` of the server, its process of runs or both is there after it. Nothing "
        "stays open, keeps running or stays locked, and a retry finishes the task.",
        kills.kill_running_tasks,
        {"kills": 200},
        {"kills": 2},
    ),
    Promise(
        "A recovery that is killed, even several times, ends in the same state as one that is not.",
        kills.kill_recoveries,
        {"kills": 50, "waiting": 900, "running": 8},
        {"kills": 2, "waiting": 60, "running": 20},
    ),
    Promise(
        "A raw asset that does its worst ends its own node with a clear message. The server answers meanwhile, "
        "the next task is right, and no process and no changed state stays.",
        hostile.hostile_assets,
        {"short": 0},
        {"short": 1},
    ),
    Promise(
        "A stream that is cut anywhere and resumed has every entry once, in order, across restarts too.",
        streams.cut_streams,
        {"cuts": 500, "restarts": 20},
        {"cuts": 20, "restarts": 1},
    ),
    Promise(
        "A client that joins at any position while thousands of entries are written receives exactly what follows.",
        streams.join_anywhere,
        {"clients": 50, "per_second": 1_000, "seconds": 10},
        {"clients": 10, "per_second": 1_000, "seconds": 2},
    ),
    Promise(
        "A position that cannot be resumed from is answered with `reset` or 400, never with silence or 500.",
        streams.bad_positions,
        {"others": 200},
        {"others": 5},
    ),
    Promise(
        "Connections of clients that never read are closed, and cost little memory until then.",
        readers.stalled_readers,
        {"clients": 50, "lines": 40_000, "stalled_s": 20},
        {"clients": 10, "lines": 6_000, "stalled_s": 1},
    ),
    Promise(
        "Clients that vanish leave no socket, no open file and no complaint behind.",
        readers.abrupt_disconnects,
        {"disconnects": 1_000, "at_once": 50},
        {"disconnects": 100, "at_once": 20},
    ),
    Promise(
        "Connections that send slowly, or megabytes of headers, are refused, and keep no request waiting for 500 ms.",
        senders.hostile_senders,
        {"half_open": 500, "large": 50, "short": 20, "drip": 20, "seconds": 60},
        {"half_open": 500, "large": 50, "short": 20, "drip": 20, "seconds": 4},
    ),
    Promise(
        "If a write fails, nothing unstored is answered with 2xx, the error is clear, and a restart fixes it.",
        disk.failing_writes,
        {"upto": 50, "shots": 50},
        {"upto": 50, "shots": 2},
    ),
    Promise(
        "A start whose writes fail serves or says why not, and the next start on a good disk works normally.",
        disk.failing_starts,
        {"upto": 40, "shots": 40},
        {"upto": 40, "shots": 1},
    ),
    Promise(
        "On a disk that is really full the server stays up, refuses clearly, and works again once there is space.",
        disk.full_disk,
        {"sizes": 10},
        {"sizes": 1},
    ),
    Promise(
        "A frame with a flipped byte is refused by name. It is never served, and nothing is built from it.",
        disk.flipped_bytes,
        {"frames": 100},
        {"frames": 10},
    ),
    Promise(
        'Many clients at once see no 5xx and no "database is locked" while a large task runs.',
        load.many_clients,
        {"clients": 50, "requests": 2_000, "assets": 200},
        {"clients": 8, "requests": 25, "assets": 50},
    ),
    Promise(
        "SIGTERM ends the server within 10 s with 20 streams open, and what ran is recorded as cancelled.",
        lifecycle.terminate,
        {"rounds": 10, "streams": 20},
        {"rounds": 1, "streams": 20},
    ),
    Promise(
        "A second server is refused and names the first, and the lock of a killed one does not block others.",
        lifecycle.one_owner,
        {"rounds": 10},
        {"rounds": 1},
    ),
    Promise(
        "A damaged or newer state is refused by name, and no byte of it is changed.",
        lifecycle.unusable_states,
        {"damages": 110},
        {"damages": 3},
    ),
    Promise(
        "A server that is killed while it creates its state for the first time starts the next time.",
        lifecycle.killed_first_starts,
        {"kills": 40},
        {"kills": 2},
    ),
    Promise(
        "After hours of mixed work, threads, descriptors and memory have levelled off, and nothing stays open.",
        soak.soak,
        {"rounds": 60, "round_s": 60},
        {"rounds": 3, "round_s": 3},
    ),
)
