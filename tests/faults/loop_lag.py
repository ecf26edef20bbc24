"""`python -m tests.faults.loop_lag FILE serve ...`: dagscope itself, writing its event loop's lag to a file.

A task in the loop repeatedly sleeps for 10 ms. The lag is how much longer that takes.
"""

import asyncio
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

_EVERY_S = 0.01
_run = asyncio.run


def main() -> None:
    file = Path(sys.argv.pop(1))

    def run(work: Coroutine[Any, Any, Any], **options: Any) -> Any:
        return _run(_measured(work, file), **options)

    asyncio.run = run  # type: ignore[assignment]
    from dagscope.cli.dagscope import main as dagscope

    dagscope()


async def _measured(work: Coroutine[Any, Any, Any], file: Path) -> Any:
    lags_ms: list[float] = []
    measuring = asyncio.create_task(_measure(lags_ms))
    try:
        return await work
    finally:
        measuring.cancel()
        _write(file, lags_ms)


def _write(file: Path, lags_ms: list[float]) -> None:
    file.write_text("\n".join(f"{lag:.2f}" for lag in lags_ms), encoding="ascii")


async def _measure(lags_ms: list[float]) -> None:
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(_EVERY_S)
        lags_ms.append((time.perf_counter() - begun - _EVERY_S) * 1_000)


if __name__ == "__main__":
    main()
