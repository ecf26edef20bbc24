"""Spark and Delta's libraries, installed once with pinned hashes: from PyPI and Maven Central, into the user's cache.

Java is the machine's own. Where it is missing, root can install it on Debian and Ubuntu.
"""

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Libraries = Mapping[tuple[str, str, str], str]
"""The hashes of libraries in Maven Central, by group, name and version."""

SPARK = "4.1.4"
_SPARK_SHA256 = "bcbd5e18690cf79d438e97210ad06fb8d451a251bb77becc2b0418868d2acd73"
_DELTA = "4.3.1"
_DELTA_LIBRARIES = {
    ("io.delta", "delta-spark_4.1_2.13", _DELTA): "ebf35a4383f0a653c3ee3c7882c0edcac2f846be31ac61af4b96ccfaaf36c171",
    ("io.delta", "delta-storage", _DELTA): "577c12c7e371be4c041714fb48e88ad86e3c3512beea2bdaffbe7a4debf79718",
    ("io.delta", "delta-kernel-api", _DELTA): "b081b818d6f5686c7d6406588af72c9f8baf6765a41ada8197364aef90a260e8",
    ("io.delta", "delta-kernel-defaults", _DELTA): "27471cca7dd7a36289af2c8d52d2babb37e9e5a13cdaaea76730120f4c72e62f",
    ("io.delta", "delta-kernel-unitycatalog", _DELTA): (
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


class JavaMissing(RuntimeError):
    """There is no Java that Spark works with, and none can be installed."""


_FITTING_JAVA = range(17, 24)
_JAVA_PACKAGE = "default-jre-headless"


@dataclass(frozen=True)
class SparkFiles:
    """`home` has Spark's folders `bin` and `jars`."""

    home: Path
    delta: tuple[Path, ...]
    java_home: Path


def installed() -> SparkFiles:
    """The files; the first process installs them, and says on standard error how far it is. Raises `RuntimeError`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dagscope"
    home = cache / f"spark-{SPARK}-delta-{_DELTA}"
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache):
        java_home = _java_home()
        if not (home / ".ready").exists():
            shutil.rmtree(home, ignore_errors=True)
            _install_spark(home)
            with step(f"Downloading Delta {_DELTA} (13 MB)"):
                _download(_DELTA_LIBRARIES, home / "delta", home, java_home)
            (home / ".ready").touch()
    return SparkFiles(home, tuple(sorted((home / "delta").glob("*.jar"))), java_home)


def with_libraries(files: SparkFiles, name: str, libraries: Libraries) -> tuple[Path, ...]:
    """More libraries, which the first process downloads into a folder of that name beside Spark's."""
    folder = files.home.parent / name
    with _only_one(folder.parent):
        if not (folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            with step(f"Downloading {name}"):
                _download(libraries, folder, files.home, files.java_home)
            (folder / ".ready").touch()
    return tuple(sorted(folder.glob("*.jar")))


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    """Waits while another process is installing."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def step(doing: str) -> Iterator[None]:
    """Says on standard error that something begins that takes long, and how long it took."""
    sys.stderr.write(f"{doing} ...\n")
    started = time.monotonic()
    yield
    sys.stderr.write(f"... done in {time.monotonic() - started:.0f} s\n")


def _java_home() -> Path:
    """The folder of a Java that Spark works with, which is installed if there is none."""
    found = _fitting_java_home()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        with step(f"Installing Java, which is missing: apt-get install {_JAVA_PACKAGE}"):
            _apt_get("update")
            _apt_get("install", "--yes", "--no-install-recommends", _JAVA_PACKAGE)
        found = _fitting_java_home()
    if found is None:
        raise JavaMissing(
            "Spark needs Java 17 or 21: put it first on the PATH, or set JAVA_HOME; "
            f"on Debian and Ubuntu, install it with: apt-get install {_JAVA_PACKAGE}"
        )
    return found


def _fitting_java_home() -> Path | None:
    named = os.environ.get("JAVA_HOME")
    for folders in (*([f"{named}/bin"] if named else ()), None):
        java = shutil.which("java", path=folders)
        if java is not None:
            said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
            version = re.search(r'version "(\d+)', said)
            if version and int(version[1]) in _FITTING_JAVA:
                return Path(java).resolve().parent.parent
    return None


def _apt_get(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-qq", *arguments], env=environment, check=False, stdout=sys.stderr)


def _install_spark(folder: Path) -> None:
    """The package on PyPI carries the whole of Spark in `deps`; unpacking takes less time than building a wheel."""
    with tempfile.TemporaryDirectory() as given:
        wanted = Path(given) / "requirements.txt"  # only a file can have hashes
        wanted.write_text(f"pyspark=={SPARK} --hash=sha256:{_SPARK_SHA256}\n", encoding="utf-8")
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:", "--require-hashes")
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", given, "--requirement", str(wanted)]
        with step(f"Downloading Spark {SPARK} (430 MB)"):
            _fetch(command)
        top = f"pyspark-{SPARK}/deps/"
        with step("Unpacking Spark"), tarfile.open(Path(given) / f"pyspark-{SPARK}.tar.gz") as packed:
            for member in packed:
                if member.name.startswith((f"{top}jars/", f"{top}bin/", f"{top}sbin/")):
                    member.name = member.name.removeprefix(top)
                    packed.extract(member, folder, filter="data")


def _fetch(command: list[str]) -> None:
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        raise RuntimeError(f"Spark is not installed: {shlex.join(command)} failed")


def _download(libraries: Libraries, folder: Path, home: Path, java_home: Path) -> None:
    """Spark carries Ivy, which fetches libraries from Maven Central."""
    folder.mkdir()
    listed = "".join(
        f'<dependency org="{group}" name="{name}" rev="{version}" transitive="false" conf="default"/>'
        for group, name, version in libraries
    )
    with tempfile.TemporaryDirectory() as given:
        module = Path(given) / "ivy.xml"
        module.write_text(
            f'<ivy-module version="2.0"><info organisation="dagscope" module="lake"/>'
            f"<dependencies>{listed}</dependencies></ivy-module>",
            encoding="utf-8",
        )
        command = [str(java_home / "bin/java"), "-cp", str(next((home / "jars").glob("ivy-*.jar")))]
        command += ["org.apache.ivy.Main", "-warn", "-cache", f"{given}/cache", "-ivy", str(module)]
        _fetch([*command, "-retrieve", f"{folder}/[artifact].[ext]"])
    for (_, name, version), expected in libraries.items():
        found = hashlib.sha256((folder / f"{name}.jar").read_bytes()).hexdigest()
        if found != expected:
            raise RuntimeError(f"{name} {version} differs from what was pinned: its hash is {found}")
