"""Doors to dagscope: the same requests to the app, to an app restarted before each request, and over HTTP."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol

import httpx2
from starlette.testclient import TestClient

from dagscope.dag.project.loading import load_project
from dagscope.server.app import create_app
from dagscope.server.workspace.settings import Settings
from dagscope.server.workspace.workspace import open_workspace

ADDRESS = "http://127.0.0.1:8080"
"""Of the application in this process."""
DAGSCOPE = str(Path(sys.executable).with_name("dagscope"))


class AppDoor:
    """The application in this process."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder, self.settings = folder, Settings(**settings)
        self._open = ExitStack()
        self.start()

    def start(self) -> None:
        app = create_app(
            lambda: open_workspace(load_project(self.folder), self.settings),
            dialect=self.settings.dialect,
            teal_ui=self.settings.teal_ui,
        )
        self.client = self._open.enter_context(TestClient(app, ADDRESS, raise_server_exceptions=False))

    def stop(self) -> None:
        self._open.close()

    def request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        return self.client.request(method, path, **arguments)

    def get(self, path: str, **arguments: Any) -> httpx2.Response:
        return self.request("GET", path, **arguments)

    def post(self, path: str, body: object = None, **arguments: Any) -> httpx2.Response:
        if body is not None:
            arguments["json"] = body
        return self.request("POST", path, **arguments)

    def delete(self, path: str) -> httpx2.Response:
        return self.request("DELETE", path)

    def run(self, task_id: str, **body: Any) -> httpx2.Response:
        return self.post("/api/dag/run", {"taskId": task_id, **body})

    def stream(self, query: str = "", **headers: str) -> list[dict[str, Any]]:
        """All messages of a stream that ends."""
        return messages(self.get(f"/api/events{query}", headers=headers).text)


class RestartingDoor(AppDoor):
    """The application, restarted before every request."""

    def request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        self.stop()
        self.start()
        return super().request(method, path, **arguments)


class ServerDoor(AppDoor):
    """A real `dagscope serve` process, used over HTTP. `said` is what it printed until it served.

    What it writes to standard error is discarded, or written to the file `console`.
    """

    console: int | IO[str] = subprocess.DEVNULL

    def __init__(self, folder: Path, *options: str, **settings: Any) -> None:
        self.options = options
        self.environment = os.environ | {f"DAGSCOPE_{name.upper()}": str(value) for name, value in settings.items()}
        super().__init__(folder)

    @property
    def command(self) -> list[str]:
        return [DAGSCOPE, "serve", "--project", str(self.folder), "--port", "0", *self.options]

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=self.console, text=True, env=self.environment
        )
        assert self.process.stdout is not None
        self.said: list[str] = []
        found = None
        while found is None and (line := self.process.stdout.readline()):
            self.said.append(line)
            found = re.search(r"http://\S+", line)
        assert found, f"no address in {self.said}"
        self.address = found[0]
        self.http = self._open.enter_context(httpx2.Client(base_url=self.address, timeout=30))

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        self._open.close()
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        return self.http.request(method, path, **arguments)


class OpenDoor(Protocol):
    """Opens a door to the project in a folder, with settings named as in the environment."""

    def __call__(self, folder: Path, kind: type[AppDoor] = AppDoor, **settings: Any) -> AppDoor: ...


class Serve(Protocol):
    """Serves the project in a folder in its own process, with options of `dagscope serve` and settings."""

    def __call__(self, folder: Path, *options: str, **settings: Any) -> ServerDoor: ...


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something is true. Fails if it never is."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


def messages(text: str) -> list[dict[str, Any]]:
    """The messages of an event stream: `event`, the parsed `data`, and `id` as a number if there is one."""
    found = []
    for block in text.split("\n\n"):
        lines = block.split("\n")  # splitlines would also split at U+2028, which does not end a line of a stream
        fields = dict(line.split(": ", 1) for line in lines if line and not line.startswith(":"))
        if "data" in fields:
            message: dict[str, Any] = {"event": fields["event"], "data": json.loads(fields["data"])}
            if "id" in fields:
                message["id"] = int(fields["id"])
            found.append(message)
    return found
