"""`dagscope serve` as a user types it."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope
from tests.doors import DAGSCOPE, ServerDoor, wait_until
from tests.projects import SLOW_SQL, model, raw, write_project

pytestmark = pytest.mark.server


def serve(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [DAGSCOPE, "serve", "--project", str(folder), "--port", "0", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


def test_a_second_server(hello: Path) -> None:
    """A second server on the same state exits and names the pid and address of the first."""
    door = ServerDoor(hello)
    second = serve(hello)
    assert (second.returncode, second.stdout) == (2, "")
    state = hello.resolve() / ".dagscope"
    assert second.stderr == f"{state} is in use by process {door.process.pid} at {door.address}; stop it, or use it\n"
    door.stop()


def test_after_a_kill(hello: Path) -> None:
    """The lock of a killed server does not block another one."""
    door = ServerDoor(hello)
    door.stop(signal.SIGKILL)
    door.start()
    assert door.get("/api/dag").status_code == 200
    door.stop()


@pytest.mark.parametrize("host", ["a" * 70, "a..b"])
def test_a_host_that_cannot_be_one(hello: Path, host: str) -> None:
    """An invalid host name is reported in one line."""
    refused = serve(hello, "--host", host)
    assert refused.returncode == 2
    assert refused.stderr == (
        f"cannot listen on {host}: not the name or address of a host; choose another with --host\n"
    )


def test_a_port_in_use(hello: Path) -> None:
    """A port that is in use is reported, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = serve(hello, "--port", str(port))
    assert refused.returncode == 2
    assert refused.stderr == (
        f"cannot listen on 127.0.0.1 port {port}: Address already in use; choose another with --port\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping(tmp_path: Path, number: int) -> None:
    """A server that is stopped in the middle of a task records it as cancelled and exits with 0."""
    door = ServerDoor(write_project(tmp_path, {model("a.slow"): SLOW_SQL}), post_wait_ms=200)
    door.run("t")
    wait_until(lambda: door.get("/api/dag/status/t").json()["nodes"][0]["state"] == "IN_PROGRESS")
    door.stop(number)
    assert door.process.returncode == 0
    door.start()
    node = door.get("/api/dag/status/t").json()["nodes"][0]
    assert (node["state"], node["message"]) == ("FAILED", "cancelled")
    door.stop()


def test_turns_of_threads(tmp_path: Path) -> None:
    """`serve` and `run` switch often between threads, so that assets computing in Python delay the others little.

    The garbage of these assets is collected as often as usual.
    """
    text = "import gc, sys\ndef execute(context):\n    assert sys.getswitchinterval() == 0.0005\n"
    text += "    assert gc.get_threshold() == (700, 10, 10)\n"
    folder = write_project(tmp_path, {raw("a.b"): text})
    assert dagscope("run", cwd=folder).returncode == 0
    door = ServerDoor(folder)
    assert door.run("t").json()["status"] == "SUCCESS"
    door.stop()


def test_run_first(hello: Path) -> None:
    """`--run` runs the DAG, shows the summary table and says what to try next, and Ctrl-C ends it silently."""
    command = [DAGSCOPE, "serve", "--project", str(hello), "--port", "0", "--run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = []
    while not lines or not lines[-1].startswith("Open http"):
        lines.append(process.stdout.readline().rstrip())
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")
    address = lines[0].removeprefix("Serving hello-world at ")
    assert lines[3] == "asset          state    rows   time  tests"
    assert lines[-1] == f"Open {address}/ in a browser, and stop with Ctrl-C."
    assert sum(line.startswith("  curl ") for line in lines) == 3
    assert process.returncode == 0


def test_open(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--open` opens the address in a browser."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    door = ServerDoor(hello, "--open")
    wait_until(lambda: opened.exists() and opened.read_text(encoding="utf-8") == f"{door.address}\n")
    door.stop()


def test_environment_of_the_browser(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser gets what it needs from the server's environment, and no token and no password."""
    browser, passed_on = tmp_path / "browser", tmp_path / "environment"
    browser.write_text(f"#!/bin/sh\nenv > {passed_on}.new\nmv {passed_on}.new {passed_on}\n", encoding="utf-8")
    browser.chmod(0o755)
    for name, value in {"BROWSER": f"{browser} %s", "LC_ALL": "C.UTF-8", "PGPASSWORD": "hidden"}.items():
        monkeypatch.setenv(name, value)
    door = ServerDoor(hello, "--open", api_token="hidden")
    wait_until(passed_on.exists)
    door.stop()
    text = passed_on.read_text(encoding="utf-8")
    assert "hidden" not in text
    assert {"BROWSER", "LC_ALL", "PATH"} <= {line.partition("=")[0] for line in text.splitlines()}


@pytest.mark.parametrize("browser", ["", "/nowhere/browser %s", "'"])
def test_open_without_a_browser(hello: Path, monkeypatch: pytest.MonkeyPatch, browser: str) -> None:
    """If no browser can be opened, `--open` says the address, and the server works."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BROWSER", browser)
    door = ServerDoor(hello, "--open")
    assert door.process.stdout is not None
    assert door.process.stdout.readline() == f"No browser could be opened: open {door.address}/\n"
    assert door.get("/api/dag").status_code == 200
    door.stop()


def test_debug_and_no_log_store(hello: Path) -> None:
    """With `--no-log-store`, the log endpoints answer 501."""
    door = ServerDoor(hello, "--no-log-store", "--debug")
    assert door.get("/api/logs").status_code == 501
    door.stop()
