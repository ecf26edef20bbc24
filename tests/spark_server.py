"""A private Spark Connect server with Delta tables, for tests: a driver with two threads, in a temporary folder.

Spark and Delta's libraries are installed once, outside the repository, with pinned hashes. Only Java has to be there.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from types import TracebackType

from tests.doors import free_port

SPARK = "4.1.4"
SPARK_SHA256 = "bcbd5e18690cf79d438e97210ad06fb8d451a251bb77becc2b0418868d2acd73"
DELTA = "4.3.1"
LEAST_JAVA = 17

_LIBRARIES = {
    ("io.delta", "delta-spark_4.1_2.13", DELTA): "ebf35a4383f0a653c3ee3c7882c0edcac2f846be31ac61af4b96ccfaaf36c171",
    ("io.delta", "delta-storage", DELTA): "577c12c7e371be4c041714fb48e88ad86e3c3512beea2bdaffbe7a4debf79718",
    ("io.delta", "delta-kernel-api", DELTA): "b081b818d6f5686c7d6406588af72c9f8baf6765a41ada8197364aef90a260e8",
    ("io.delta", "delta-kernel-defaults", DELTA): "27471cca7dd7a36289af2c8d52d2babb37e9e5a13cdaaea76730120f4c72e62f",
    ("io.delta", "delta-kernel-unitycatalog", DELTA): (
        "a288342b7e53da34a608a1a227c8109aa4681fcb582da499ed19347f2193362b"
    ),
    ("io.unitycatalog", "unitycatalog-client", "0.5.0"): (
        "9de6812122b411e74ee06c831dac5ccd5f87d69002c29170a37a8bce5e503615"
    ),
    ("io.unitycatalog", "unitycatalog-hadoop", "0.5.0"): (
        "baca7b2928afe2a1b1789b423ab817d5d4165218999a10ebeab4a8712683beb5"
    ),
}
"""What Delta needs besides Spark's own libraries."""

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
    # small data: planning and compiling take longer than the rows
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def missing_java() -> str | None:
    """Why no server can be started, None if Java is there."""
    java = shutil.which("java")
    if java is None:
        return f"Java {LEAST_JAVA} is missing; install it, for example: apt-get install openjdk-17-jre-headless"
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < LEAST_JAVA:
        return f"Spark needs Java {LEAST_JAVA}, and {java} is {found[1] if found else 'unknown'}"
    return None


def installed() -> Path:
    """The folder with Spark and, in `delta`, Delta's libraries; the first process installs them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dagscope"
    folder = cache / f"spark-{SPARK}-delta-{DELTA}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be installing
        if not (folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install_spark(folder)
            _install_delta(folder)
            (folder / ".ready").touch()
    return folder


def _install_spark(folder: Path) -> None:
    """The package on PyPI carries the whole of Spark in `deps`; unpacking takes less time than building a wheel."""
    with tempfile.TemporaryDirectory() as given:
        wanted = Path(given) / "requirements.txt"
        wanted.write_text(f"pyspark=={SPARK} --hash=sha256:{SPARK_SHA256}\n")
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:", "--require-hashes")
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", given, "--requirement", str(wanted)]
        subprocess.run(command, check=True)
        top = f"pyspark-{SPARK}/deps/"
        with tarfile.open(Path(given) / f"pyspark-{SPARK}.tar.gz") as packed:
            for member in packed:
                if member.name.startswith((f"{top}jars/", f"{top}bin/", f"{top}sbin/")):
                    member.name = member.name.removeprefix(top)
                    packed.extract(member, folder, filter="data")


def _install_delta(folder: Path) -> None:
    """Spark carries Ivy, which fetches libraries from Maven Central."""
    libraries, cache = folder / "delta", folder / "ivy"
    libraries.mkdir()
    listed = "".join(
        f'<dependency org="{group}" name="{name}" rev="{version}" transitive="false" conf="default"/>'
        for group, name, version in _LIBRARIES
    )
    module = folder / "ivy.xml"
    module.write_text(
        f'<ivy-module version="2.0"><info organisation="dagscope" module="tests"/>'
        f"<dependencies>{listed}</dependencies></ivy-module>"
    )
    ivy = next((folder / "jars").glob("ivy-*.jar"))
    command = ["java", "-cp", str(ivy), "org.apache.ivy.Main", "-warn", "-cache", str(cache), "-ivy", str(module)]
    subprocess.run([*command, "-retrieve", f"{libraries}/[artifact].[ext]"], check=True, stdout=subprocess.DEVNULL)
    for (_, name, version), expected in _LIBRARIES.items():
        found = hashlib.sha256((libraries / f"{name}.jar").read_bytes()).hexdigest()
        assert found == expected, f"{name} {version} differs from what was pinned: {found}"
    shutil.rmtree(cache)


class SparkServer:
    """A server on 127.0.0.1, with an empty catalog in memory and its tables in a folder that is deleted at the end."""

    def __init__(self) -> None:
        self._home = installed()
        self.folder = Path(tempfile.mkdtemp(prefix="dagscope-spark-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it listens. Can be called again after `kill`."""
        settings = _SETTINGS | {
            "spark.connect.grpc.binding.port": str(self.port),
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.local.dir": str(self.folder / "local"),
        }
        command = [*_ENDING_WITH_US, str(self._home / "bin" / "spark-submit"), "--master", "local[2]"]
        command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        command += ["--driver-memory", "1g", "--jars", ",".join(map(str, (self._home / "delta").glob("*.jar")))]
        command += ["--driver-java-options", f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.dir={self.folder}"]
        command += [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
        environment = {**os.environ, "SPARK_HOME": str(self._home), "PYSPARK_PYTHON": sys.executable}
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["nice", "-n", "10", *command, "spark-internal"],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while f"Spark Connect server started at: 127.0.0.1:{self.port}" not in self.log:
            if time.monotonic() > deadline or self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"Spark did not start:\n{self.log}")
            time.sleep(0.1)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """Stop the server and delete its folder."""
        self._signal(signal.SIGKILL)  # it has nothing to save
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            self.process.wait()

    @property
    def parameters(self) -> dict[str, str]:
        """The `config` of a connection to it."""
        return {"host": "127.0.0.1", "port": str(self.port)}

    def empty(self) -> None:
        """Drop all schemas, and what is in the default one."""
        from dagscope.dag.connections.spark.client import SparkClient

        client = SparkClient(f"sc://127.0.0.1:{self.port}", "tests")
        try:
            for schema in _names(client, "SHOW SCHEMAS", "namespace"):
                if schema != "default":
                    client.run(f"DROP SCHEMA `{schema}` CASCADE")
            views = _names(client, "SHOW VIEWS IN default", "viewName")
            for name in _names(client, "SHOW TABLES IN default", "tableName"):
                client.run(f"DROP {'VIEW' if name in views else 'TABLE'} default.`{name}`")
        finally:
            client.close()

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


def _names(client: object, sql: str, column: str) -> list[str]:
    streamed = client.stream(sql)  # type: ignore[attr-defined]  # the client's module is imported on use
    return [name for batch in streamed.batches for name in batch.column(column).to_pylist()]
