"""The machine that figures were measured on."""

import os
import platform
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """The machine, the time (ISO 8601, UTC), and the versions of the software."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    date: str
    load_average: float
    quick: bool
    versions: dict[str, str]

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        sizes = "a tenth of the sizes (--quick); " if self.quick else ""
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gib} GiB, {self.system}\n"
            f"{self.date}; {sizes}load average at the start {self.load_average}\n{versions}"
        )


def this_machine(quick: bool) -> Machine:
    """This machine, now."""
    return Machine(
        cpu=_cpu_model(),
        cores=os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        date=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        load_average=round(os.getloadavg()[0], 2),
        quick=quick,
        versions={
            "dagscope": version("dagscope"),
            "python": platform.python_version(),
            "duckdb": version("duckdb"),
            "sqlite": sqlite3.sqlite_version,
            "pyarrow": version("pyarrow"),
            "pydantic": version("pydantic"),
        },
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
