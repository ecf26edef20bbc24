"""Commands end as they should, whether or not their output is read, and whatever raw assets leave behind."""

import json
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.doors import DAGSCOPE, Serve, wait_until
from tests.projects import model, raw, write_project

pytestmark = pytest.mark.server

CHATTY = "def execute(context):\n    for _ in range(20_000): print('x' * 100)\n"
LOGS = "def execute(context):\n    for _ in range(5_000): context.log.info('x' * 500)\n"
FORKS = """\
import multiprocessing, time

def execute(context):
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    {then}
    return child.pid
"""
RETURNS_TWICE = (
    "import os\ndef execute(context):\n    child = os.fork()\n    if child: os.waitpid(child, 0)\n    return child\n"
)
THREAD = "import threading, time\ndef execute(context):\n    threading.Thread(target=time.sleep, args=(60,)).start()\n"


def run(folder: Path, *options: str, redirected: str = "") -> subprocess.CompletedProcess[str]:
    """`dagscope run`, through a shell that can redirect its output."""
    command = f'"{DAGSCOPE}" run --task-id t {" ".join(options)} {redirected}'
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("redirected", ["| head -1", "> /dev/full", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_run_that_is_not_read(tmp_path: Path, serve: Serve, redirected: str) -> None:
    """A run whose output cannot be written continues to its end."""
    folder = write_project(tmp_path, {raw("s.a"): CHATTY, model("s.b"): "SELECT 1 AS id"})
    run(folder, redirected=redirected)
    assert serve(folder).get("/api/dag/status/t").json()["status"] == "SUCCESS"


def test_output_is_whole(tmp_path: Path) -> None:
    """If the output is read, no line is missing, however many there are."""
    result = run(write_project(tmp_path, {raw("s.a"): CHATTY}))
    assert result.stdout.count("x" * 100 + "\n") == 20_000


def test_serve_that_is_not_read(tmp_path: Path) -> None:
    """A server whose console is not read runs and cancels tasks, ends, and reports how many lines are missing."""
    folder = write_project(tmp_path, {raw("s.a"): LOGS})
    command = [DAGSCOPE, "serve", "--port", "0", "--run"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        wait_until(lambda: "SUCCESS: 1 of 1 assets" in server.stdout.readline())  # type: ignore[union-attr]
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=10) == 0


def test_json_stands_alone(tmp_path: Path) -> None:
    """`run --json` prints one JSON document, whatever an asset's child processes print."""
    text = "import os, subprocess\ndef execute(context):\n    print('a')\n"
    text += "    subprocess.run(['echo', 'b'])\n    os.write(1, b'c')\n"
    result = run(write_project(tmp_path, {raw("s.a"): text}), "--json")
    assert json.loads(result.stdout)["status"] == "SUCCESS"
    assert set("abc") <= set(result.stderr)


def test_table_is_whole(tmp_path: Path) -> None:
    """Without a terminal, the summary table has complete names."""
    name = "s." + "long_" * 30 + "name"
    assert f"\n{name}  SUCCESS" in run(write_project(tmp_path, {model(name): "SELECT 1 AS id"})).stdout


def test_child_that_is_terminated(tmp_path: Path) -> None:
    """A signal to a forked child ends the child and does not interrupt the run."""
    text = FORKS.format(then="child.terminate(); child.join()")
    result = run(write_project(tmp_path, {raw("s.a"): text}))
    assert (result.returncode, "SUCCESS: 1 of 1 assets" in result.stdout) == (0, True)


def test_child_that_outlives_its_task(tmp_path: Path, serve: Serve) -> None:
    """A forked child that is left behind ends with its task, and the log says so."""
    folder = write_project(tmp_path, {raw("s.a"): FORKS.format(then="")})
    server = serve(folder)
    server.run("t")
    child = server.get("/api/dag/asset/s.a/data").json()["data"]
    assert not psutil.pid_exists(child)
    entries = server.get("/api/logs/t").json()
    assert "Processes that assets left running were ended: python" in str(entries)


def test_child_that_returns(tmp_path: Path) -> None:
    """A forked child ends when it returns from `execute`, and the asset's value is the parent's."""
    result = run(write_project(tmp_path, {raw("s.a"): RETURNS_TWICE}))
    assert (result.returncode, result.stdout.count("SUCCESS: 1 of 1 assets")) == (0, 1)


def test_thread_that_is_left(tmp_path: Path, serve: Serve) -> None:
    """A thread that an asset leaves running does not keep a run or a server from ending."""
    folder = write_project(tmp_path, {raw("s.a"): THREAD})
    assert run(folder).returncode == 0
    server = serve(folder)
    server.run("again")
    server.stop()
    assert server.process.returncode == 0


def test_hangup(tmp_path: Path, serve: Serve) -> None:
    """SIGHUP ends a server like SIGTERM: running tasks are cancelled and recorded as cancelled."""
    text = "import time\ndef execute(context):\n    while True: time.sleep(0.01)\n"
    folder = write_project(tmp_path, {raw("s.a"): text})
    server = serve(folder, post_wait_ms=0)
    server.run("t")
    server.stop(signal.SIGHUP)
    assert server.process.returncode == 0
    assert serve(folder).get("/api/dag/status/t").json()["nodes"][0]["message"] in ("cancelled", "skipped: cancelled")
