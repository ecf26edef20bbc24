"""The promises at short figures; `make faults` has the full ones."""

import asyncio
import os
import secrets
from pathlib import Path
from random import Random

import pytest

from tests.faults.promises import PROMISES, Promise

SEED = os.environ.get("DAGSCOPE_SEED") or str(secrets.randbelow(10**9))


@pytest.fixture
def keep(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Puts the promise that a test is named after to the test."""
    name = request.node.name.removeprefix("test_")
    promise = next(promise for promise in PROMISES if promise.name == name)
    _keep(promise, tmp_path)


def _keep(promise: Promise, folder: Path) -> None:
    print(f"DAGSCOPE_SEED={SEED}")
    outcome = asyncio.run(promise.test(folder, Random(f"{SEED} {promise.name}"), **promise.short))
    print(outcome)
    assert outcome.losses == []


def test_every_promise_has_a_test() -> None:
    """Nothing that `make faults` tests is left out here."""
    assert {f"test_{promise.name}" for promise in PROMISES} <= globals().keys()


def test_kill_running_tasks(keep: None) -> None:
    """What clients were shown before a `kill -9` is there after it, nothing stays open, and a retry finishes the task."""


def test_kill_recoveries(keep: None) -> None:
    """A recovery that is killed itself, even several times, ends in the same state as one that is not."""


def test_cut_streams(keep: None) -> None:
    """A stream that is cut anywhere and resumed has every entry once, in order, across restarts too."""


def test_join_anywhere(keep: None) -> None:
    """A client that joins at any position, while a thousand entries a second are written, gets exactly what follows."""


def test_bad_positions(keep: None) -> None:
    """A position that cannot be honoured gets `reset` or 400; never silence, never 500."""


def test_stalled_readers(keep: None) -> None:
    """Clients that never read are let go, and cost little memory until then."""


def test_abrupt_disconnects(keep: None) -> None:
    """Clients that vanish leave no socket, no open file and no complaint behind."""


def test_failing_writes(keep: None) -> None:
    """When a write fails there is no 2xx for what is not stored, a clear error, and all is right after a restart."""


def test_failing_starts(keep: None) -> None:
    """A start whose writes fail serves or says why not, and the next one on a good disk is as if nothing had been."""


def test_full_disk(keep: None) -> None:
    """On a disk that is really full the server stays, refuses clearly, and goes on once there is space."""


def test_flipped_bytes(keep: None) -> None:
    """A frame with a flipped byte is refused by name; it is never served, and nothing is built upon it."""


def test_many_clients(keep: None) -> None:
    """Many clients at once see no 5xx and no "database is locked" while a large task runs."""


def test_terminate(keep: None) -> None:
    """SIGTERM ends the server within 10 s with 20 streams open, and what ran is recorded as cancelled."""


def test_one_owner(keep: None) -> None:
    """A second server is refused naming the first; the lock that a killed one left blocks nobody."""


def test_unusable_states(keep: None) -> None:
    """A damaged or newer state is refused by name, and not a byte of it is changed."""


def test_killed_first_starts(keep: None) -> None:
    """A server that is killed while it makes its state for the first time starts the next time."""
