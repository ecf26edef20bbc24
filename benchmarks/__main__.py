"""`make bench`, or `python -m benchmarks [--only NAME ...] [--quick] [--save-reference]`: one run, one table."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import perf_counter

from rich.console import Console

from benchmarks import (
    cluster,
    compare,
    crossdb,
    graph,
    isolation,
    lake,
    ledger,
    load,
    reads,
    recorder,
    rows,
    run_events,
    runs,
    starts,
    stream,
)
from benchmarks.figures import Figure, LeftOut, as_json, as_table
from benchmarks.machine import this_machine

_RESULTS = Path(__file__).parent / "results"

_Benchmark = Callable[[Path, int], Iterator[Figure]]
"""Takes its own folder, and the number that sizes are divided by."""

BENCHMARKS: Mapping[str, _Benchmark] = {
    "load": load.figures,
    "runs": runs.figures,
    "isolation": isolation.figures,
    "recorder": recorder.figures,
    "stream": stream.figures,
    "reads": reads.figures,
    "rows": rows.figures,
    "ledger": ledger.figures,
    "compare": compare.figures,
    "run events": run_events.figures,
    "crossdb": crossdb.figures,
    "cluster": cluster.figures,
    "lake": lake.figures,
    "starts": starts.figures,
    "graph": graph.figures,
}
_QUICK_DIVISOR = 10
_PIPED_WIDTH = 180  # characters


def main() -> None:
    arguments = _arguments()
    # The measured processes must find compiled modules, as an installed dagscope does.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    machine = this_machine(arguments.quick)
    progress = Console(stderr=True, highlight=False)
    measured: list[Figure] = []
    for name in arguments.only or BENCHMARKS:
        started = perf_counter()
        with tempfile.TemporaryDirectory(prefix=f"dagscope-bench-{name}-") as folder:
            try:
                measured += BENCHMARKS[name](Path(folder), _QUICK_DIVISOR if arguments.quick else 1)
            except LeftOut as reason:
                progress.print(f"{name}: left out: {reason}", markup=False)
                continue
        progress.print(f"{name}: {perf_counter() - started:.0f} s", style="dim")
    shown = Console(highlight=False)
    if not shown.is_terminal:
        shown.width = _PIPED_WIDTH
    shown.print(as_table(measured))
    shown.print(f"\n{machine}", style="dim", markup=False)
    file = arguments.results / (
        "reference.json" if arguments.save_reference else f"{machine.date.replace(':', '')}.json"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(as_json(measured, machine), encoding="utf-8")
    shown.print(f"Saved as {file}", style="dim", soft_wrap=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure dagscope on this machine.")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="use a tenth of the sizes, for a quick try")
    parser.add_argument("--save-reference", action="store_true", help="save as results/reference.json")
    parser.add_argument("--results", type=Path, default=_RESULTS, metavar="DIR", help="where to save")
    return parser.parse_args()


if __name__ == "__main__":
    main()
