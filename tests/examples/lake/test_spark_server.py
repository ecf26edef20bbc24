"""The Spark of the tests and the demo stops with the command it was started for."""

import os
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
@pytest.mark.spark
def test_no_spark_is_left(number: int) -> None:
    """`python -m examples.lake.spark_server` stops its driver and its executors, even if it is killed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGSCOPE_SPARK_")}
    command = [sys.executable, "-m", "examples.lake.spark_server", "sleep", "600"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("runs on 127.0.0.1:" in line for line in process.stderr)
        began = psutil.Process(process.pid)
        wait_until(lambda: len(_of_spark(began.children(recursive=True))) == 3)
        children = began.children(recursive=True)
        spark = _of_spark(children)
        process.send_signal(number)
        process.wait(timeout=30)
        wait_until(lambda: not any(map(_command, spark)))
        for child in children:
            if _command(child).startswith("sleep"):
                child.kill()


def _of_spark(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The driver and the executors, without the scripts that start them."""
    classes = ("SparkConnectServer", "CoarseGrainedExecutorBackend")
    return [each for each in processes if "java" in _command(each) and any(name in _command(each) for name in classes)]


def _command(process: psutil.Process) -> str:
    """Its command line, empty once it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # also of a zombie
        return ""
