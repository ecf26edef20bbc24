"""A private Spark Connect server with Delta tables, for the demo, tests and benchmarks.

`python -m examples.lake.spark_server COMMAND...` runs a command with DAGSCOPE_SPARK_URL naming a server. If the
variable does not name one yet, a cluster is started for the command and stopped after it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

from examples import beside
from examples.lake.spark_files import SPARK, installed, step

CLUSTER = "local-cluster[2,1,1024]"
"""A driver and two executors, processes of their own with a core and 1 GB each."""

SMALL_DATA: Mapping[str, str] = MappingProxyType(
    {"spark.sql.shuffle.partitions": "2", "spark.databricks.delta.snapshotPartitions": "1"}
)
"""Spark's own defaults, 200 and 50, would take longer than the rows."""

_START_TIMEOUT_S = 180
_ENDING_WITH_US = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.executor.extraJavaOptions": "-XX:+UseSerialGC",
}


class SparkServer:
    """A server on 127.0.0.1, with an empty catalog in memory and its tables in a folder that is deleted at the end.

    Raises `RuntimeError` if Spark cannot be installed or does not start.
    """

    name = f"Spark {SPARK}"

    def __init__(self, master: str = CLUSTER, settings: Mapping[str, str] = SMALL_DATA) -> None:
        self._master, self._settings = master, settings
        self._files = installed()
        self.folder = Path(tempfile.mkdtemp(prefix="dagscope-spark-"))
        self._home = self.folder / "home"  # of its own, because workers write into it
        self._home.mkdir()
        for part in ("bin", "jars"):
            (self._home / part).symlink_to(self._files.home / part)
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it listens. Can be called again after `kill`."""
        settings = {
            **_SETTINGS,
            **self._settings,
            "spark.connect.grpc.binding.port": str(self.port),
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.local.dir": str(self.folder / "local"),
        }
        command = [*_ENDING_WITH_US, str(self._home / "bin" / "spark-submit"), "--master", self._master]
        command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        command += ["--driver-memory", "1g", "--jars", ",".join(map(str, self._files.delta))]
        command += ["--driver-java-options", f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.dir={self.folder}"]
        command += [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
        places = {"SPARK_HOME": str(self._home), "JAVA_HOME": str(self._files.java_home)}
        local = {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["nice", "-n", "10", *command, "spark-internal"],
                cwd=self.folder,
                env=os.environ | places | local,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        with step(f"Starting Spark as {self._master}, which can take half a minute"):
            self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while f"Spark Connect server started at: 127.0.0.1:{self.port}" not in self.log:
            if time.monotonic() > deadline or self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"Spark did not start:\n{self.log}")
            time.sleep(0.1)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End the server and its executors as a power cut would."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """Stop the server and delete its folder."""
        self.kill()  # it has nothing to save
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def parameters(self) -> dict[str, str]:
        """The `config` of a connection to it."""
        return {"host": "127.0.0.1", "port": str(self.port)}

    @property
    def environment(self) -> dict[str, str]:
        """DAGSCOPE_SPARK_URL as examples/lake reads it."""
        return {"DAGSCOPE_SPARK_URL": f"sc://127.0.0.1:{self.port}"}

    def __enter__(self) -> "SparkServer":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


if __name__ == "__main__":
    sys.exit(beside.run(sys.argv[1:], "DAGSCOPE_SPARK_URL", SparkServer))
