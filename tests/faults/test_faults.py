"""The promises at short scale; `make faults` tests them at full scale."""

import asyncio
import os
import secrets
from pathlib import Path
from random import Random

import pytest

from tests.faults.promises import PROMISES, Promise

SEED = os.environ.get("DAGSCOPE_SEED") or str(secrets.randbelow(10**9))

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.mark.parametrize("promise", PROMISES, ids=[promise.name for promise in PROMISES])
def test_promise(promise: Promise, tmp_path: Path) -> None:
    """Every promise is kept."""
    outcome = asyncio.run(promise.test(tmp_path, Random(f"{SEED} {promise.name}"), **promise.short))
    assert outcome.losses == [], f"{promise.says} DAGSCOPE_SEED={SEED} repeats this."
