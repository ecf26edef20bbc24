"""The promises at short figures; `make faults` has the full ones."""

import asyncio
import os
import secrets
import traceback
from pathlib import Path
from random import Random

import pytest

from tests.faults.outcome import Outcome
from tests.faults.promises import PROMISES, Promise

SEED = os.environ.get("DAGSCOPE_SEED") or str(secrets.randbelow(10**9))
AT_ONCE = 2
"""Promises tested at the same time: most of it is waiting for servers to start."""

pytestmark = pytest.mark.timeout(600)  # the first test waits for all


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Outcome]:
    """What came of every promise that one of the chosen tests is about."""
    chosen = {item.name.removeprefix("test_") for item in request.session.items}
    promises = [promise for promise in PROMISES if promise.name in chosen]
    return asyncio.run(_test(promises, tmp_path_factory.mktemp("faults")))


async def _test(promises: list[Promise], folder: Path) -> dict[str, Outcome]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def test(promise: Promise) -> Outcome:
        async with gate:
            (folder / promise.name).mkdir()
            try:
                return await promise.test(folder / promise.name, Random(f"{SEED} {promise.name}"), **promise.short)
            except Exception:  # noqa: BLE001  told by the test of this promise
                return Outcome(losses=[traceback.format_exc()])

    return dict(zip([p.name for p in promises], await asyncio.gather(*map(test, promises)), strict=True))


@pytest.fixture
def losses(outcomes: dict[str, Outcome], request: pytest.FixtureRequest) -> list[str]:
    """The losses of the promise that the test is named for, and the seed to see them again."""
    found = outcomes[request.node.name.removeprefix("test_")].losses
    return [f"DAGSCOPE_SEED={SEED}", *found] if found else []


def test_every_promise_has_a_test() -> None:
    """Nothing that `make faults` tests is left out here."""
    assert {f"test_{promise.name}" for promise in PROMISES} <= globals().keys()


def test_kill_running_tasks(losses: list[str]) -> None:
    """What clients were shown before a `kill -9` is there after it, nothing stays open, a retry finishes the task."""
    assert losses == []


def test_kill_recoveries(losses: list[str]) -> None:
    """A recovery that is killed itself, even several times, ends in the same state as one that is not."""
    assert losses == []


def test_cut_streams(losses: list[str]) -> None:
    """A stream that is cut anywhere and resumed has every entry once, in order, across restarts too."""
    assert losses == []


def test_join_anywhere(losses: list[str]) -> None:
    """A client that joins at any position, while a thousand entries a second are written, gets exactly what follows."""
    assert losses == []


def test_bad_positions(losses: list[str]) -> None:
    """A position that cannot be honoured gets `reset` or 400; never silence, never 500."""
    assert losses == []


def test_stalled_readers(losses: list[str]) -> None:
    """Clients that never read are let go, and cost little memory until then."""
    assert losses == []


def test_abrupt_disconnects(losses: list[str]) -> None:
    """Clients that vanish leave no socket, no open file and no complaint behind."""
    assert losses == []


def test_failing_writes(losses: list[str]) -> None:
    """When a write fails there is no 2xx for what is not stored, a clear error, and all is right after a restart."""
    assert losses == []


def test_failing_starts(losses: list[str]) -> None:
    """A start whose writes fail serves or says why not, and the next one on a good disk is as if nothing had been."""
    assert losses == []


def test_full_disk(losses: list[str]) -> None:
    """On a disk that is really full the server stays, refuses clearly, and goes on once there is space."""
    assert losses == []


def test_flipped_bytes(losses: list[str]) -> None:
    """A frame with a flipped byte is refused by name; it is never served, and nothing is built upon it."""
    assert losses == []


def test_many_clients(losses: list[str]) -> None:
    """Many clients at once see no 5xx and no "database is locked" while a large task runs."""
    assert losses == []


def test_terminate(losses: list[str]) -> None:
    """SIGTERM ends the server within 10 s with 20 streams open, and what ran is recorded as cancelled."""
    assert losses == []


def test_one_owner(losses: list[str]) -> None:
    """A second server is refused naming the first; the lock that a killed one left blocks nobody."""
    assert losses == []


def test_unusable_states(losses: list[str]) -> None:
    """A damaged or newer state is refused by name, and not a byte of it is changed."""
    assert losses == []


def test_killed_first_starts(losses: list[str]) -> None:
    """A server that is killed while it makes its state for the first time starts the next time."""
    assert losses == []
