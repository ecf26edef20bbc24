"""The PostgreSQL of the tests and the demo stops with the command it was started for."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.doors import wait_until

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(
            signal.SIGKILL, marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals orphans")
        ),
    ],
)
@pytest.mark.postgres
def test_no_postgres_is_left(number: int) -> None:
    """`python -m examples.crossdb.postgres_server` stops its server, even if it is killed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSCOPE_PG_")}
    command = [sys.executable, "-m", "examples.crossdb.postgres_server", "sleep", "60"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "127.0.0.1" in line)
        port = re.search(r":(\d+) ", line)[1]  # type: ignore[index]
        wait_until(lambda: len(psutil.Process(process.pid).children()) == 2)
        children = psutil.Process(process.pid).children(recursive=True)
        postgres = [child for child in children if f"port={port}" in _command(child)]
        others = [child for child in children if child not in postgres]
        assert postgres
        process.send_signal(number)
        process.wait(timeout=30)
        wait_until(lambda: not any(_command(child) for child in postgres))
        for child in others:
            if _command(child).startswith("sleep"):
                child.kill()


def _command(process: psutil.Process) -> str:
    """Its command line, empty once it has ended: PostgreSQL's workers come and go."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # also of a zombie
        return ""
