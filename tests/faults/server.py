"""A real `dagscope serve` process that tests can do anything to."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.doors import DAGSCOPE
from tests.faults.descendants import MARK, Descendants
from tests.faults.wire import Answer, Connection

START_LIMIT_S = 60
STOP_LIMIT_S = 20


class NotStarted(Exception):
    """The server exited instead of serving. `code` is its exit code, and the message is what it printed."""

    def __init__(self, code: int, said: str) -> None:
        self.code = code
        super().__init__(said)


class Server:
    """Serves a project. `said` is its standard error, unless a `console` is given for it.

    Kills the process at the end if it still runs.
    """

    def __init__(
        self,
        project: Path,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (DAGSCOPE,),
        options: Sequence[str] = (),
        console: int | None = None,
    ) -> None:
        self.project, self._console = project, console
        self._command = [*command, "serve", "--project", str(project), "--port", "0", *options]
        named = {f"DAGSCOPE_{name.upper()}": str(value) for name, value in (settings or {}).items()}
        mark = secrets.token_hex(8)
        self.environment = {**os.environ, **named, **(environment or {}), MARK: mark}
        self.descendants = Descendants(mark)
        """This process too, while it runs."""
        self._said = project.with_name(project.name + ".stderr")
        self.process: subprocess.Popen[str] | None = None
        self.port = 0

    async def __aenter__(self) -> "Server":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    def launch(self) -> subprocess.Popen[str]:
        """Start the process without waiting until it serves."""
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=said if self._console is None else self._console,
                text=True,
                env=self.environment,
            )
        return self.process

    async def start(self) -> float:
        """Start, and wait until it serves. Returns the seconds that this took. Raises `NotStarted`."""
        begun = time.monotonic()
        process = self.launch()
        assert process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_LIMIT_S)
        found = re.search(r"http://127.0.0.1:(\d+)", line)
        if not found:
            await self.gone()
            raise NotStarted(process.returncode, self.said)
        self.port = int(found[1])
        return time.monotonic() - begun

    async def kill(self) -> None:
        """Send SIGKILL if it still runs."""
        if self.process is not None:
            self.process.kill()
            await self.gone()

    async def stop(self) -> float:
        """Send SIGTERM. Returns the seconds until it exited."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        await self.gone()
        return time.monotonic() - begun

    async def gone(self) -> None:
        """Wait until the process has ended."""
        assert self.process is not None
        await asyncio.to_thread(self.process.wait, STOP_LIMIT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """One request on its own connection. Raises `Cut`."""
        async with Connection(self.port) as connection:
            return await connection.ask(method, path, body)

    async def get(self, path: str) -> Any:
        """The JSON of a GET, whatever its status code."""
        return (await self.ask("GET", path)).json()

    async def run(self, task_id: str, **body: Any) -> Answer:
        return await self.ask("POST", "/api/dag/run", {"taskId": task_id, **body})

    async def ended(self, task_id: str, limit_s: float = 120) -> dict[str, Any]:
        """The status of a task once it has ended, or after `limit_s` seconds."""
        until = time.monotonic() + limit_s
        while True:
            status: dict[str, Any] = await self.get(f"/api/dag/status/{task_id}")
            if status["status"] in ("SUCCESS", "FAILED", "NOT_STARTED") or time.monotonic() > until:
                return status
            await asyncio.sleep(0.05)

    @property
    def said(self) -> str:
        return self._said.read_text(encoding="utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208  iterdir would open every entry's parent again

    def sockets(self) -> int:
        """The sockets that the process holds open."""
        return sum(_target(entry).startswith("socket:") for entry in Path(f"/proc/{self.pid}/fd").iterdir())

    def memory_mb(self) -> float:
        """The process's resident memory."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert found
        return int(found[1]) / 1024


def _target(entry: Path) -> str:
    try:
        return os.readlink(entry)  # noqa: PTH115  Path would make a path of "socket:[123]"
    except FileNotFoundError:
        return ""
