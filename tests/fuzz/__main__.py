"""`make fuzz`: mutated projects, forged log entries, drawn requests, pairs of tables: thousands (SEED=, PROJECTS=)."""

import argparse
import random
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from examples.crossdb.postgres_server import PostgresServer
from tests.fuzz import drawn_requests, forged_logs, loads, row_pairs
from tests.server.workspace.compare.planted import planted_and_named

_MEMORY_BYTES = 3 << 30
_TOLD_EVERY = 250
_ENTRIES = 10_000
_REQUESTS = 300  # for each operation
_LONGEST_S = 1.0  # an answer
_PAIRS = 2_000
_RIGHT_CAUSES = 36  # of 40 planted changes, at least


def main() -> int:
    """Print each fault as it is found, and the progress. Returns 1 if there were any faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--projects", type=int, default=5_000)
    options = parser.parse_args()
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        for fault in forged_logs.faults(Path(folder), options.seed, _ENTRIES):
            found += 1
            print(fault, flush=True)
        print(f"seed {options.seed}: {_ENTRIES:,} forged entries, {found} faults", flush=True)
        for drawn, config in _databases():
            for fault in row_pairs.faults(drawn, Path(folder), options.seed, _PAIRS, config):
                found += 1
                print(fault, flush=True)
            print(f"seed {options.seed}: {_PAIRS:,} pairs of tables of {drawn.engine}, {found} faults", flush=True)
        named = list(planted_and_named(Path(folder) / "planted", options.seed, lambda times: times))
        right = sum(each.is_right for each in named)
        for each in named:
            if each.strangers or not each.is_right:
                print(each, flush=True)
        found += any(each.strangers for each in named) + (right < _RIGHT_CAUSES)
        print(f"seed {options.seed}: {right} of {len(named)} planted changes named first", flush=True)
        for fault in drawn_requests.faults(Path(folder), options.seed, _REQUESTS, _LONGEST_S):
            found += 1
            print(fault, flush=True)
        print(f"seed {options.seed}: {_REQUESTS:,} drawn requests for each operation, {found} faults", flush=True)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        for number, fault_of_load in enumerate(loads.faults(Path(folder), options.seed, options.projects), 1):
            if fault_of_load:
                found += 1
                print(fault_of_load, flush=True)
            if number % _TOLD_EVERY == 0:
                print(f"seed {options.seed}: {number:,} of {options.projects:,} projects, {found} faults", flush=True)
    return 1 if found else 0


def _databases() -> Iterator[tuple[row_pairs.Drawn, Mapping[str, str]]]:
    """Those that pairs of tables are made in. PostgreSQL runs meanwhile."""
    yield row_pairs.DUCK, {}
    with PostgresServer() as server:
        yield row_pairs.POSTGRESQL, server.parameters | {"database": server.make_database()}


if __name__ == "__main__":
    sys.exit(main())
