"""Dagster itself, for tests and benchmarks: its client and its webserver, in their own environment.

The environment is created once under `.venvs/`, with pinned versions, so that a test that passes today passes
tomorrow.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doors import free_port

VENVS = Path(__file__).parent.parent / ".venvs"
VERSION = "1.13.27"
_REQUIREMENTS = (f"dagster-dg-cli=={VERSION}", f"dagster-webserver=={VERSION}")

_UNREACHABLE = ("NewConnectionError", "ConnectTimeoutError", "Temporary failure in name resolution", "ProxyError")

DEFINITIONS = """
import dagster as dg

@dg.asset
def orders(context):
    context.log.info("loading orders")
    return 3

@dg.asset
def sales(orders: int):
    raise ValueError("no sales today")
"""
RUN_ONCE = """
import dagster as dg
import definitions

with dg.DagsterInstance.get() as instance:
    result = dg.materialize([definitions.orders, definitions.sales], instance=instance, raise_on_error=False)
    print(result.run_id)
"""
ADD_EVENTS = """
import sys, time
import dagster as dg
from dagster._core.events.log import EventLogEntry

run_id, count = sys.argv[1], int(sys.argv[2])
with dg.DagsterInstance.get() as instance:
    for number in range(count):
        instance.handle_new_event(EventLogEntry(
            error_info=None, level=20, user_message=f"event number {number} with a message of usual length",
            run_id=run_id, timestamp=time.time(), step_key="staging.hello", job_name="job", dagster_event=None,
        ))
"""


def programs() -> Path:
    """The `bin` folder of the environment. Skips the test if no package registry can be reached."""
    folder = VENVS / "dagster"
    ready = folder / f".ready-{VERSION}"
    VENVS.mkdir(exist_ok=True)
    with (VENVS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be installing
        if not ready.exists():
            _install(folder)
            ready.touch()
    return folder / "bin"


def _install(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    options = ("--quiet", "--disable-pip-version-check", "--no-compile")  # most of it is never imported
    command = [folder / "bin" / "pip", "install", *options, *_REQUIREMENTS]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and any(sign in done.stderr for sign in _UNREACHABLE):
        pytest.skip(f"Dagster {VERSION} cannot be installed: the package registry cannot be reached")
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class DagsterWebserver:
    """A real Dagster webserver with one real, failed run."""

    url: str
    run_id: str
    python: Path
    environ: dict[str, str]

    def add_events(self, count: int) -> None:
        """Add log lines to the run."""
        command = [self.python, "-c", ADD_EVENTS, self.run_id, str(count)]
        subprocess.run(command, env=self.environ, check=True, capture_output=True)


@contextmanager
def dagster_webserver(folder: Path) -> Iterator[DagsterWebserver]:
    """Materialize two small assets, then serve the result."""
    installed = programs()
    home = folder / "dagster_home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    (folder / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    environ = os.environ | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(folder)}
    run = [installed / "python", "-c", RUN_ONCE]
    done = subprocess.run(run, cwd=folder, env=environ, check=True, capture_output=True, text=True)
    port = free_port()
    serve = [installed / "dagster-webserver", "-f", "definitions.py", "-h", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(serve, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/server_info", server)
        yield DagsterWebserver(url, done.stdout.split()[-1], installed / "python", environ)
    finally:
        server.terminate()
        server.wait(timeout=20)


def dagster_dg(home: Path, url: str, organization: str = "acme") -> tuple[Path, dict[str, str]]:
    """Dagster's own `dg`, logged in to a server: the program and its environment."""
    config = home / "dagster-dg.toml"
    config.write_text(
        f'[cli.telemetry]\nenabled = false\n\n[cli.plus]\nurl = "{url}"\norganization = "{organization}"\n'
        'default_deployment = "prod"\nuser_token = "any"\n',
        encoding="utf-8",
    )
    environ = os.environ | {
        "DG_CLI_CONFIG": str(config),
        "DAGSTER_CLOUD_CLI_CONFIG": str(home / "none"),
        "DAGSTER_HOME": str(home),
        "TZ": "UTC",
    }
    return programs() / "dg", environ


def _wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert server.poll() is None, "dagster-webserver ended"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                json.load(answer)
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within a minute")
