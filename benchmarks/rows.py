"""Asset data as JSON: the speed of a long answer compared with DuckDB's own JSON writer, and the memory it uses."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import count as counter
from pathlib import Path
from threading import Event, Thread

from benchmarks.figures import Figure
from benchmarks.generated import empty_project, write_model
from benchmarks.servers import serving
from benchmarks.timing import median_seconds

_COLUMNS = """\
range AS id,
  (range * 7919) % 1000003 / 8 AS price,
  'name ' || (range * 31 % 100003) AS name,
  DATE '2020-01-01' + (range % 2000)::INTEGER AS day,
  TIMESTAMP '2020-01-01' + to_seconds(range % 100000000) AS at,
  (range % 1000000 / 100)::DECIMAL(12, 2) AS amount
"""
_GRID_COLUMNS = ", ".join(
    [
        *(f"(range * {7919 + 2 * index}) % {10 ** (index + 1)} AS n{index}" for index in range(6)),
        *(f"(range * {7919 + 2 * index}) % 1000003 / 8 AS f{index}" for index in range(4)),
        *(f"(range % 100000 / 100)::DECIMAL(12, 2) AS d{index}" for index in range(2)),
        *(f"DATE '2020-01-01' + (range % 2000)::INTEGER AS day{index}" for index in range(2)),
        *(f"TIMESTAMP '2020-01-01' + to_seconds(range % 100000000) AS at{index}" for index in range(2)),
        *(f"'name ' || (range * 31 % {10 ** (2 * index + 1)}) AS s{index}" for index in range(4)),
    ]
)
"""Twenty of them."""
_SAMPLE_S = 0.01
_MIB = 2**20


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    rows, many = 1_000_000 // divisor, 5_000_000 // divisor
    project = empty_project(folder / "rows")
    for name, count in (("fast", rows), ("large", many)):
        write_model(project, f"mart.{name}", f"SELECT {_COLUMNS} FROM range({count})")
        framed = f"SELECT {_COLUMNS} FROM range({count})"
        write_model(project, f"mart.{name}_frame", framed, "is_data_framed: true")
    for name, settings in (("grid", ""), ("grid_frame", "is_data_framed: true")):
        write_model(project, f"mart.{name}", f"SELECT {_GRID_COLUMNS} FROM range({rows})", settings)
    with serving(project) as server, server.client() as client:
        client.run("bench")
    ours, framed_ours = _our_seconds(project)
    theirs = _their_seconds(project)
    note = f"{ours / rows * 1e6:.2f} µs a row; theirs writes the same table to a file, in its own process"
    yield Figure(f"asset data as JSON, {rows:,} rows x 6 columns", ours, "s", theirs, goal=1.1, accepted=1.3, note=note)
    yield Figure(f"the same from a captured frame, {rows:,} rows", framed_ours, "s", theirs, 1.5)
    for name, label in (("large", "a relation"), ("large_frame", "a captured frame")):
        above, private = _memory(project, f"mart.{name}")
        note = f"{private:.0f} MiB of it private, the rest mapped files"
        yield Figure(f"memory above idle, {many:,} rows of {label}", above, "MiB", goal=150, note=note)
    yield from _grid_figures(project, rows)


def _grid_figures(project: Path, rows: int) -> Iterator[Figure]:
    """What a grid asks for. A frame's summary is kept, so each request has a filter of its own."""
    numbers = counter(1)
    with serving(project) as server, server.client() as client:
        for name, label in (("grid", "a relation"), ("grid_frame", "a captured frame")):
            path = f"/api/dag/asset/mart.{name}/data"
            last = f"{path}?format=arrays&sort=-f1,n0&limit=100&offset={rows - 100}"
            client.get(last)
            summary, page = median_seconds(
                3,
                lambda path=path: client.get(f"{path}/summary?filter=n5:ge:-{next(numbers)}"),
                lambda last=last: client.get(last),
            )
            yield Figure(f"summary of each column, {rows:,} rows x 20 columns of {label}", summary, "s", goal=1)
            yield Figure(f"the last page of them, sorted by two columns, of {label}", page, "s", goal=1)


def _our_seconds(project: Path) -> list[float]:
    """How long the answers with the relation and with the frame take."""
    paths = [f"/api/dag/asset/mart.{name}/data" for name in ("fast", "fast_frame")]
    with serving(project) as server, server.client() as client:
        return median_seconds(3, *(lambda path=path: client.drain(path) for path in paths))


def _their_seconds(project: Path) -> float:
    """How long DuckDB's writer takes, measured in its own process."""
    code = (
        "import duckdb, sys, time; from statistics import median; c = duckdb.connect(sys.argv[1], read_only=True)\n"
        "def once():\n"
        "    started = time.perf_counter()\n"
        '    c.execute("COPY (FROM mart.fast) TO \'" + sys.argv[2] + "\' (FORMAT json, ARRAY true)")\n'
        "    return time.perf_counter() - started\n"
        "print(median(once() for _ in range(3)))"
    )
    database, target = project / "store/generated.duckdb", project / "rows.json"
    command = [sys.executable, "-c", code, str(database), str(target)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    target.unlink()
    return float(done.stdout)


def _memory(project: Path, asset: str) -> tuple[float, float]:
    """The peak memory of a server while it sends all rows, above its idle memory: total and private, in MiB.

    Idle memory is measured after a request for one row of the same asset.
    """
    path = f"/api/dag/asset/{asset}/data"
    with serving(project) as server, server.client() as client:
        client.get(f"{path}?limit=1")
        idle = _resident(server.pid)
        peak = _Peak(server.pid)
        client.drain(path)
        highest, private = peak.stop()
    return (highest - idle["VmRSS"]) / _MIB, (private - idle["RssAnon"]) / _MIB


class _Peak:
    """Watches the memory of a process. Private memory has no high-water mark of its own, so it is sampled."""

    def __init__(self, pid: int) -> None:
        self._pid, self._private, self._stopped = pid, 0, Event()
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")  # resets the high-water mark
        self._watching = Thread(target=self._watch)
        self._watching.start()

    def _watch(self) -> None:
        while not self._stopped.wait(_SAMPLE_S):
            self._private = max(self._private, _resident(self._pid)["RssAnon"])

    def stop(self) -> tuple[int, int]:
        """The peak of all memory and of private memory, in bytes."""
        self._stopped.set()
        self._watching.join()
        return _resident(self._pid)["VmHWM"], self._private


def _resident(pid: int) -> dict[str, int]:
    """Memory sizes in bytes, by their names in /proc."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {
        name: int(value.split()[0]) * 1024
        for name, _, value in (line.partition(":") for line in lines)
        if name in ("VmHWM", "VmRSS", "RssAnon")
    }
