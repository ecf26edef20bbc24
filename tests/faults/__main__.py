"""`python -m tests.faults [--seed N] [--only NAME]`: every promise at full scale, one line for each."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from random import Random

from tests.faults.outcome import Outcome
from tests.faults.promises import PROMISES, Promise

_LOSSES_SHOWN = 10
_REPORT_S = 30


def main() -> int:
    arguments = _arguments()
    _say(f"seed {arguments.seed}")
    is_kept = True
    for promise in PROMISES:
        if arguments.only and promise.name not in arguments.only:
            continue
        begun = time.monotonic()
        outcome = _test(promise, arguments)
        is_kept &= not outcome.losses
        verdict = "kept  " if not outcome.losses else "BROKEN"
        _say(f"{verdict} {promise.name}: {outcome}; {time.monotonic() - begun:.0f} s")
        for loss in outcome.losses[:_LOSSES_SHOWN]:
            _say(f"       {loss[:1_000]}")
    return 0 if is_kept else 1


def _say(line: str) -> None:
    print(line, flush=True)


def _test(promise: Promise, arguments: argparse.Namespace) -> Outcome:
    scale = {**(promise.short if arguments.short else promise.full), **_numbers(arguments.scale, promise)}
    with tempfile.TemporaryDirectory(prefix="dagscope-faults-") as folder:
        try:
            random = Random(f"{arguments.seed} {promise.name}")
            return asyncio.run(_reporting(promise.name, promise.test(Path(folder), random, **scale)))
        except Exception as error:  # noqa: BLE001  a promise that cannot be tested must not stop the others
            return Outcome(losses=[f"could not be tested to the end: {type(error).__name__}: {error}"])


async def _reporting(name: str, test: Awaitable[Outcome]) -> Outcome:
    """Report the progress of the test on standard error while it runs."""
    testing, shown = asyncio.ensure_future(test), 0
    while not testing.done():
        await asyncio.wait([testing], timeout=_REPORT_S)
        if not testing.done():
            print(f"  ...  {name}: {Outcome.latest}", file=sys.stderr, flush=True)
            losses = Outcome.latest.losses if Outcome.latest is not None else []
            for loss in losses[shown:]:
                print(f"       {loss[:1_000]}", file=sys.stderr, flush=True)
            shown = len(losses)
    return testing.result()


def _numbers(given: list[str], promise: Promise) -> dict[str, int]:
    pairs = (pair.split("=") for pair in given)
    return {name: int(number) for name, number in pairs if name in promise.full}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Test every promise.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="the seed of the random choices")
    parser.add_argument(
        "--only", action="append", choices=[p.name for p in PROMISES], help="test only this promise; may be repeated"
    )
    parser.add_argument("--short", action="store_true", help="the scale of `make test`")
    parser.add_argument(
        "--scale", action="append", default=[], metavar="NAME=N", help="change one number, such as kills=40"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
